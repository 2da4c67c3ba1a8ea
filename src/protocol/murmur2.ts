import { utf8Length, writeUtf8 } from './utf8.js';

// murmur2 as Kafka's Java client computes it, which places a key in the same partition as every Java producer does.

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash of the first `length` bytes as a signed 32-bit number. */
export function murmur2(key: Buffer, length: number = key.length): number {
  const words = length & ~3;
  let h = SEED ^ length;
  for (let i = 0; i < words; i += 4) {
    let k = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const tail = length - words;
  if (tail === 3) h ^= key[words + 2]! << 16;
  if (tail >= 2) h ^= key[words + 1]! << 8;
  if (tail >= 1) h = Math.imul(h ^ key[words]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** Where the bytes of short texts stand while they are hashed. */
const scratch = Buffer.alloc(256);

/** The hash of the text's UTF-8. */
function murmur2OfText(key: string): number {
  const length = utf8Length(key);
  if (length > scratch.length) return murmur2(Buffer.from(key));
  writeUtf8(scratch, 0, key, length);
  return murmur2(scratch, length);
}

/** Partition of a key among `count`; that of a text is the one of its UTF-8. */
export function partitionForKey(key: Buffer | string, count: number): number {
  const hash = typeof key === 'string' ? murmur2OfText(key) : murmur2(key);
  return (hash & 0x7fff_ffff) % count;
}
