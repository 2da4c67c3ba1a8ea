import { codecPackage } from '../optional-package.js';
import { type Codec } from './codec.js';

// LZ4 frames: lz4-napi writes them with independent blocks, the only kind that Java's client reads, and reads all.

interface Frames {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}

const FRAME_MAGIC = 0x184d2204;
/** No input byte can stand for more output than this. */
const MAX_RATIO = 255;

let frames: Frames | undefined;

const load = (): Frames => codecPackage<Frames>('lz4', 'lz4-napi');

export const lz4: Codec = {
  compress(bytes) {
    frames ??= load();
    return frames.compressFrameSync(bytes);
  },

  decompress(bytes, maxBytes) {
    frames ??= load();
    // The package has no limit of its own, so the size is counted first where it could be too much.
    if (bytes.length * MAX_RATIO > maxBytes && frameSize(bytes) > maxBytes) throw new Error('LZ4 frame too large');
    return frames.decompressFrameSync(bytes);
  },
};

/** Size of what a frame holds, from the lengths in its blocks and without unpacking them. */
function frameSize(b: Buffer): number {
  if (b.length < 7 || b.readUInt32LE(0) !== FRAME_MAGIC) throw new Error('no LZ4 frame');
  const flags = b[4]!;
  const blockChecksum = flags & 0x10 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let size = 0;
  while (at + 4 <= b.length) {
    const word = b.readUInt32LE(at);
    if (word === 0) break;
    at += 4;
    const length = word & 0x7fff_ffff;
    if (length > b.length - at) throw new Error(`LZ4 block of ${length} bytes at ${at}`);
    size += word >= 0x8000_0000 ? length : blockSize(b, at, at + length);
    at += length + blockChecksum;
  }
  return size;
}

function blockSize(b: Buffer, from: number, end: number): number {
  let size = 0;
  let at = from;
  const extended = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) {
      let byte = 255;
      while (byte === 255 && at < end) {
        byte = b[at++]!;
        length += byte;
      }
    }
    return length;
  };
  while (at < end) {
    const token = b[at++]!;
    const literals = extended(token >>> 4);
    size += literals;
    at += literals;
    if (at >= end) break; // the last sequence has literals only
    at += 2;
    size += 4 + extended(token & 0x0f);
  }
  return size;
}
