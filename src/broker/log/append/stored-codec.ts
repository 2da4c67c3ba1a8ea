import { messageOf, NestdawError } from '../../../common/errors.js';
import { type CompressionType as Codec, CompressionType, compress, decompress } from '../../../protocol/compression.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { sealCrc } from '../../../protocol/record-batch.js';
import {
  attributes,
  BATCH_HEADER_BYTES,
  COMPRESSION_MASK,
  compressionOf,
  LOG_OVERHEAD,
  setAttributes,
} from '../../../protocol/record-batch-header.js';
import { type StorageCounters } from '../directory/storage-counters.js';
import { type LogConfig } from '../log-config.js';
import { NO_RECORD_ERRORS } from '../log-results.js';

// The codec in which a batch is stored: its producer's, unless the topic's compression.type names another.

const NAMES = Object.keys(CompressionType) as Codec[];

/** First bytes of what each codec writes; snappy has a form without any. */
const BEGINNINGS: Partial<Record<Codec, Buffer>> = {
  gzip: Buffer.from('1f8b', 'hex'),
  lz4: Buffer.from('04224d18', 'hex'),
  zstd: Buffer.from('28b52ffd', 'hex'),
};

/** Name of the batch's codec; undefined when nobody knows its number. */
export function codecOf(batch: Buffer): Codec | undefined {
  return NAMES[compressionOf(batch)];
}

/** Whether the batch's bytes can be its codec's at all: a look that costs nothing beside unpacking them. */
export function beginsAsItsCodec(batch: Buffer): boolean {
  const codec = codecOf(batch);
  const beginning = codec && BEGINNINGS[codec];
  return !beginning || batch.indexOf(beginning, BATCH_HEADER_BYTES) === BATCH_HEADER_BYTES;
}

/** The batch as the topic wants it: itself, or one of another codec with the same records. */
export function inStoredCodec(batch: Buffer, config: LogConfig, counters: StorageCounters) {
  const { compressionType, maxMessageBytes } = config;
  if (compressionType === 'producer') return batch;
  const wanted = compressionType === 'uncompressed' ? 'none' : compressionType;
  const codec = codecOf(batch)!;
  if (codec === wanted) return batch;
  try {
    const records = decompress(codec, batch.subarray(BATCH_HEADER_BYTES));
    if (codec !== 'none') counters.decompressedBytes += records.length;
    const body = compress(wanted, records, levelOf(wanted, config));
    const stored = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), body]);
    stored.writeInt32BE(stored.length - LOG_OVERHEAD, 8);
    setAttributes(stored, 0, (attributes(batch) & ~COMPRESSION_MASK) | CompressionType[wanted]);
    sealCrc(stored);
    if (stored.length <= maxMessageBytes) {
      counters.recompressedBatches++;
      return stored;
    }
    const errorMessage = `batch of ${stored.length} bytes in compression.type=${compressionType} is larger than max.message.bytes=${maxMessageBytes}`;
    return { errorCode: ErrorCode.MESSAGE_TOO_LARGE, errorMessage, recordErrors: NO_RECORD_ERRORS };
  } catch (error) {
    const isMissing = error instanceof NestdawError && error.code === 'KAFKA_CODEC_MISSING';
    const errorCode = isMissing ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.INVALID_RECORD;
    return { errorCode, errorMessage: messageOf(error), recordErrors: NO_RECORD_ERRORS };
  }
}

/** Undefined leaves the level to the codec. */
function levelOf(codec: Codec, { gzipLevel, zstdLevel }: LogConfig): number | undefined {
  if (codec === 'gzip') return gzipLevel < 0 ? undefined : gzipLevel;
  return codec === 'zstd' ? zstdLevel : undefined;
}
