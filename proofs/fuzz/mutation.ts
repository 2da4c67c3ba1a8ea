import { type Random } from '../../src/common/random.js';

// Damages bytes in the ways that parsers trip over: lengths, flags, ends, repetitions.

const BYTES = [0, 1, 2, 0x7f, 0x80, 0xff];
const WORDS = [0, 1, -1, 2, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, -0x8000_0000, 0x0100_0000];

/** A damaged copy of `input`; `other` lends bytes. */
export function mutate(random: Random, input: Buffer, other: Buffer): Buffer {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + below(3); left > 0 && bytes.length > 0; left--) bytes = once(bytes, other, below);
  return bytes;
}

function once(bytes: Buffer, other: Buffer, below: (limit: number) => number): Buffer {
  const at = below(bytes.length);
  switch (below(9)) {
    case 0:
      bytes[at]! ^= 1 << below(8);
      return bytes;
    case 1:
      bytes[at] = BYTES[below(BYTES.length)]!;
      return bytes;
    case 2:
      bytes[at] = below(256);
      return bytes;
    case 3:
      if (at + 4 <= bytes.length) bytes.writeInt32BE(WORDS[below(WORDS.length)]!, at);
      return bytes;
    case 4:
      if (at + 2 <= bytes.length) bytes.writeInt16BE((WORDS[below(WORDS.length)]! << 16) >> 16, at);
      return bytes;
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + below(8)))]);
    case 7: {
      const from = below(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + below(64)), bytes.subarray(at)]);
    }
    default: {
      const from = below(other.length);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + below(256))]);
    }
  }
}
