import { NestdawError } from '../common/errors.js';
import { type OutgoingRecord, type RecordHeader } from '../common/record.js';
import { CompressionType as CompressionId, type CompressionType, compress } from './compression.js';
import { sealCrc } from './record-batch-crc.js';
import {
  BATCH_HEADER_BYTES,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_PRODUCER_ID,
  setAttributes,
  setBaseOffset,
  setBaseTimestamp,
  setMaxTimestamp,
  TRANSACTIONAL_BIT,
} from './record-batch-header.js';
import { utf8Length, writeUtf8 } from './utf8.js';
import { sizeOfUvarint, sizeOfVarlong, writeUvarint, writeVarlong } from './varint.js';

// Builds a batch as its records arrive: each is encoded at once behind room left for the header, so that nothing
// is kept per record and building is a patch of 61 bytes and a checksum.

/** Most bytes that a record adds to its key, value and headers: length, attributes, time, offset and three sizes. */
const MAX_RECORD_OVERHEAD = 5 + 1 + 10 + 5 + 5 + 5 + 5;
const MAX_HEADER_OVERHEAD = 5 + 5;
/** UTF-16 code units become at most this many bytes each. */
const MAX_BYTES_PER_CHAR = 3;
const FIRST_ROOM = 1024;
/** Below this size a loop copies faster than a call into the runtime. */
const LOOP_COPY_BELOW = 24;
/** Beyond this the zigzag form of a delta leaves the range in which numbers are exact. */
const MAX_DELTA = 2 ** 51;

export interface BatchOptions {
  readonly compression?: CompressionType;
  /** For gzip and zstd. */
  readonly compressionLevel?: number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
}

export class RecordBatchBuilder {
  #buffer: Buffer;
  #size = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  /** Builds in `memory` as long as it suffices, else in memory of its own. */
  constructor(options: { readonly initialBytes?: number; readonly memory?: Buffer | undefined } = {}) {
    this.#buffer =
      options.memory ?? Buffer.allocUnsafe(Math.max(BATCH_HEADER_BYTES, options.initialBytes ?? FIRST_ROOM));
  }

  get count(): number {
    return this.#count;
  }

  /** Size of the batch so far, header included, before compression. */
  get sizeInBytes(): number {
    return this.#size;
  }

  /** At most this much would `append` add. */
  static sizeOf(record: OutgoingRecord): number {
    const { key, value, headers } = record;
    let size = MAX_RECORD_OVERHEAD + lengthOf(key) + lengthOf(value);
    if (headers !== undefined) {
      for (const header of headers) {
        size += MAX_HEADER_OVERHEAD + header.key.length * MAX_BYTES_PER_CHAR + (header.value?.length ?? 0);
      }
    }
    return size;
  }

  /** Adds a record; its time is `timestamp`, whatever the record itself says. */
  append(record: OutgoingRecord, timestamp: number): void {
    const { key, value, headers } = record;
    if (this.#count === 0) this.#begin(timestamp);
    const delta = timestamp - this.#baseTimestamp;
    if (!(Number.isInteger(delta) && delta > -MAX_DELTA && delta < MAX_DELTA)) badTimestamp(timestamp);
    const headerBytes = headers === undefined || headers.length === 0 ? 1 : sizeOfHeaders(headers);
    const keyLength = lengthOf(key);
    const valueLength = lengthOf(value);
    const length =
      1 +
      sizeOfVarlong(delta) +
      sizeOfUvarint(this.#count * 2) +
      (key === null ? 1 : sizeOfUvarint(keyLength * 2) + keyLength) +
      (value === null ? 1 : sizeOfUvarint(valueLength * 2) + valueLength) +
      headerBytes;
    this.#reserve(length + 5);
    const buffer = this.#buffer;
    let at = writeUvarint(buffer, this.#size, length * 2);
    buffer[at++] = 0; // attributes: none are defined
    at = writeVarlong(buffer, at, delta);
    at = writeUvarint(buffer, at, this.#count * 2);
    at = writeData(buffer, at, key, keyLength);
    at = writeData(buffer, at, value, valueLength);
    if (headerBytes === 1) buffer[at++] = 0;
    else at = writeHeaders(buffer, at, headers!);
    this.#size = at;
    this.#count++;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
  }

  #begin(timestamp: number): void {
    if (!Number.isSafeInteger(timestamp)) badTimestamp(timestamp);
    this.#baseTimestamp = timestamp;
    this.#maxTimestamp = timestamp;
  }

  #reserve(bytes: number): void {
    const needed = this.#size + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }

  /** The finished batch with base offset 0. Without compression it is the builder's own memory: add nothing after. */
  build(options: BatchOptions = {}): Buffer {
    if (this.#count === 0) throw new RangeError('a batch needs at least one record');
    const { compression = 'none', transactional = false } = options;
    const batch = this.#body(compression, options.compressionLevel);
    setBaseOffset(batch, 0, 0);
    batch.writeInt32BE(batch.length - LOG_OVERHEAD, 8);
    batch.writeInt32BE(-1, 12); // the leader's epoch is the broker's to fill in
    batch[16] = MAGIC_V2;
    setAttributes(batch, 0, CompressionId[compression] | (transactional ? TRANSACTIONAL_BIT : 0));
    batch.writeInt32BE(this.#count - 1, 23);
    setBaseTimestamp(batch, 0, this.#baseTimestamp);
    setMaxTimestamp(batch, 0, this.#maxTimestamp);
    batch.writeInt32BE(this.#count, 57);
    rewriteProducerState(
      batch,
      options.producerId ?? NO_PRODUCER_ID,
      options.producerEpoch ?? -1,
      options.baseSequence ?? -1,
    );
    return batch;
  }

  #body(compression: CompressionType, level: number | undefined): Buffer {
    const plain = this.#buffer.subarray(0, this.#size);
    if (compression === 'none') return plain;
    const packed = compress(compression, plain.subarray(BATCH_HEADER_BYTES), level);
    const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + packed.length);
    packed.copy(batch, BATCH_HEADER_BYTES);
    return batch;
  }
}

/** Gives a finished batch another producer id, epoch and sequence, and the checksum that goes with them. */
export function rewriteProducerState(batch: Buffer, producerId: bigint, epoch: number, baseSequence: number): void {
  batch.writeBigInt64BE(producerId, 43);
  batch.writeInt16BE(epoch, 51);
  batch.writeInt32BE(baseSequence, 53);
  sealCrc(batch);
}

/** A batch of these records; `timestamp` is the time of those that have none of their own. */
export function encodeRecords(
  records: readonly OutgoingRecord[],
  options: BatchOptions & { readonly timestamp: number },
): Buffer {
  let bytes = BATCH_HEADER_BYTES;
  for (const record of records) bytes += RecordBatchBuilder.sizeOf(record);
  const builder = new RecordBatchBuilder({ initialBytes: bytes });
  for (const record of records) builder.append(record, record.timestamp ?? options.timestamp);
  return builder.build(options);
}

function badTimestamp(timestamp: number): never {
  throw new NestdawError(
    'KAFKA_SERIALIZATION_FAILED',
    `the timestamp ${timestamp} of a record is not a whole number of milliseconds since 1970`,
  );
}

/** Bytes of a key or value; text counts as UTF-8. */
function lengthOf(data: Buffer | string | null): number {
  if (data === null) return 0;
  return typeof data === 'string' ? utf8Length(data) : data.length;
}

function writeData(buffer: Buffer, at: number, data: Buffer | string | null, length: number): number {
  if (data === null) return writeNull(buffer, at);
  if (typeof data !== 'string') return writeBytes(buffer, at, data);
  const start = writeUvarint(buffer, at, length * 2);
  writeUtf8(buffer, start, data, length);
  return start + length;
}

/** The length -1, which stands for null. */
function writeNull(buffer: Buffer, at: number): number {
  buffer[at] = 1;
  return at + 1;
}

function writeBytes(buffer: Buffer, from: number, bytes: Buffer): number {
  const length = bytes.length;
  const at = writeUvarint(buffer, from, length * 2);
  if (length < LOOP_COPY_BELOW) for (let i = 0; i < length; i++) buffer[at + i] = bytes[i]!;
  else buffer.set(bytes, at);
  return at + length;
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = sizeOfUvarint(headers.length * 2);
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key);
    size += sizeOfUvarint(keyLength * 2) + keyLength;
    size += value === null ? 1 : sizeOfUvarint(value.length * 2) + value.length;
  }
  return size;
}

function writeHeaders(buffer: Buffer, from: number, headers: readonly RecordHeader[]): number {
  let at = writeUvarint(buffer, from, headers.length * 2);
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key);
    at = writeUvarint(buffer, at, keyLength * 2);
    buffer.write(key, at, keyLength, 'utf8');
    at += keyLength;
    at = value === null ? writeNull(buffer, at) : writeBytes(buffer, at, value);
  }
  return at;
}
