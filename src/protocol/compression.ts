import { NestdawError } from '../common/errors.js';
import { type Codec } from './codecs/codec.js';
import { gzip } from './codecs/gzip.js';
import { lz4 } from './codecs/lz4.js';
import { snappy } from './codecs/snappy.js';
import { zstd } from './codecs/zstd.js';

// The codecs of record batches by name (configuration) and by number (the batch's attributes).

/** Number of each codec in a batch's attributes. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CompressionType = keyof typeof CompressionType;

/** Limit on what a batch may grow to when it is decompressed, against a few bytes that claim to be gigabytes. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

const NAMES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

const plain: Codec = { compress: (bytes) => bytes, decompress: (bytes) => bytes };
const CODECS: Readonly<Record<CompressionType, Codec>> = { none: plain, gzip, snappy, lz4, zstd };

/** Name of the codec with this number. */
export function compressionName(id: number): CompressionType {
  const name = NAMES[id];
  if (name) return name;
  throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', `compression codec ${id} does not exist: 0 to 4 do`);
}

/** Compresses; `level` counts for gzip and zstd only. Throws KAFKA_CODEC_MISSING when the codec's package is. */
export function compress(type: CompressionType, bytes: Buffer, level?: number): Buffer {
  return CODECS[type].compress(bytes, level);
}

export function decompress(type: CompressionType, bytes: Buffer, maxBytes: number = MAX_DECOMPRESSED_BYTES): Buffer {
  try {
    return CODECS[type].decompress(bytes, maxBytes);
  } catch (cause) {
    if (cause instanceof NestdawError) throw cause;
    throw new NestdawError(
      'KAFKA_PROTOCOL_MALFORMED',
      `${bytes.length} bytes that are not ${type}, or that grow beyond ${maxBytes} bytes: ${String(cause)}`,
      { cause },
    );
  }
}
