import { optionalPackage, requireFromHere } from '../optional-package.js';
import { type Codec } from './codec.js';

// Snappy travels in two forms: Java's stream of blocks behind a header ("xerial"), which we write, and one raw
// block, as librdkafka and most JavaScript clients send it. Both are read.

const MAGIC = Buffer.from('82534e4150505900', 'hex');
const HEADER_BYTES = 16;
const BLOCK_BYTES = 32 * 1024;
/** No input byte can stand for more output than this: three bytes copy at most 64. */
const MAX_RATIO = 22;

/** Compresses and decompresses raw blocks. */
interface Blocks {
  compress(block: Buffer): Buffer;
  decompress(block: Buffer): Buffer;
}

interface Native {
  compressSync(block: Buffer, options: object): Buffer;
  uncompressSync(block: Buffer, options: object): Buffer;
}

/** By the native package; undefined where it is not installed. */
export function nativeBlocks(): Blocks | undefined {
  const native = optionalPackage<Native>('snappy');
  // Copied output: buffers outside V8's heap make its collector run far too often.
  const copied = { copyOutputData: true, asBuffer: true };
  return (
    native && {
      compress: (block) => native.compressSync(block, copied),
      decompress: (block) => native.uncompressSync(block, copied),
    }
  );
}

/** In plain JavaScript, on every machine. */
export function plainBlocks(): Blocks {
  const plain = requireFromHere('snappyjs') as { compress(b: Buffer): Buffer; uncompress(b: Buffer): Buffer };
  return { compress: (block) => plain.compress(block), decompress: (block) => plain.uncompress(block) };
}

export function snappyOver(load: () => Blocks): Codec {
  let blocks: Blocks | undefined;
  return {
    compress(bytes) {
      blocks ??= load();
      return toStream(bytes, blocks);
    },
    decompress(bytes, maxBytes) {
      blocks ??= load();
      const isStream = bytes.length >= HEADER_BYTES && bytes.compare(MAGIC, 0, 8, 0, 8) === 0;
      return isStream ? fromStream(bytes, blocks, maxBytes) : fromBlock(bytes, blocks, maxBytes);
    },
  };
}

export const snappy: Codec = snappyOver(() => nativeBlocks() ?? plainBlocks());

function toStream(bytes: Buffer, blocks: Blocks): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeInt32BE(1, 8); // version
  header.writeInt32BE(1, 12); // oldest version that reads it
  const out: Buffer[] = [header];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = blocks.compress(bytes.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length, 0);
    out.push(length, block);
  }
  return Buffer.concat(out);
}

function fromStream(bytes: Buffer, blocks: Blocks, maxBytes: number): Buffer {
  const out: Buffer[] = [];
  let left = maxBytes;
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? bytes.readInt32BE(at) : -1;
    at += 4;
    if (length < 0 || length > bytes.length - at) throw new Error(`block of ${length} bytes at byte ${at}`);
    const block = fromBlock(bytes.subarray(at, at + length), blocks, left);
    out.push(block);
    left -= block.length;
    at += length;
  }
  return out.length === 1 ? out[0]! : Buffer.concat(out);
}

/** A raw block starts with the size of what comes out: checked before anything is allocated for it. */
function fromBlock(block: Buffer, blocks: Blocks, maxBytes: number): Buffer {
  let size = 0;
  let at = 0;
  for (let byte = 0x80; byte >= 0x80; at++) {
    if (at === 5 || at >= block.length) throw new Error('block without a size');
    byte = block[at]!;
    size += (byte & 0x7f) * 2 ** (7 * at);
  }
  if (size > Math.min(maxBytes, block.length * MAX_RATIO)) throw new Error(`block of ${size} bytes when unpacked`);
  return blocks.decompress(block);
}
