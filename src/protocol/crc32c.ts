import { optionalPackage, requireFromHere } from './optional-package.js';

// CRC-32C (Castagnoli), the checksum of record batches. node:zlib's crc32 is another polynomial.

export type Checksum = (bytes: Buffer) => number;

/** By the native package, ten times as fast; undefined where it is not installed. */
export function nativeChecksum(): Checksum | undefined {
  const native = optionalPackage<{ crc32c(bytes: Buffer): number }>('@node-rs/crc32');
  return native && ((bytes) => native.crc32c(bytes));
}

/** In plain JavaScript, on every machine. */
export function plainChecksum(): Checksum {
  const plain = requireFromHere('crc-32/crc32c.js') as { buf(bytes: Buffer): number };
  return (bytes) => plain.buf(bytes) >>> 0;
}

/** Loading the native package takes as long as this many small checksums in JavaScript: it waits for a larger one. */
const SMALL_BYTES = 1024;

let small: Checksum | undefined;
let checksum: Checksum | undefined;

/** CRC-32C of the bytes from `start` up to `end`, as an unsigned number. */
export function crc32c(buffer: Buffer, start = 0, end: number = buffer.length): number {
  const bytes = start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end);
  if (!checksum && bytes.length < SMALL_BYTES) {
    small ??= plainChecksum();
    return small(bytes);
  }
  checksum ??= nativeChecksum() ?? plainChecksum();
  return checksum(bytes);
}
