import { BufferView } from '../common/buffer-view.js';
import { NestdawError } from '../common/errors.js';
import { type KafkaRecord, NO_HEADERS, type RecordHeader, type TimestampType } from '../common/record.js';
import { compressionName, decompress } from './compression.js';
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  batchSize,
  COMPRESSION_MASK,
  isControl,
  isWholeBatch,
  MAGIC_V2,
  magic,
  maxTimestamp,
  recordCount,
  TIMESTAMP_TYPE_BIT,
} from './record-batch-header.js';
import { WireReader } from './wire-reader.js';

// Reads the records of a batch. Keys, values and headers are slices: of the fetched bytes, or of the decompressed
// ones. Every length is checked against its record before it is used.

/** One record as it lies in its batch. */
export interface BatchRecord {
  /** Distance from the batch's base offset. */
  readonly offsetDelta: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** A class, so that every record has the same shape for the engine. */
class FetchedRecord implements KafkaRecord {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: number,
    readonly timestamp: number,
    readonly key: Buffer | null,
    readonly value: Buffer | null,
    readonly headers: readonly RecordHeader[],
  ) {}
}

/** A record of a topic with `message.timestamp.type=LogAppendTime`; told by the class, so that no record grows. */
class AppendTimeRecord extends FetchedRecord {
  get timestampType(): TimestampType {
    return 'LogAppendTime';
  }
}

// Where the next byte is read. Shared by the functions below, which run to their end before anything else does:
// a cursor in an object, or returned beside each value, costs more than the reading itself.
let at = 0;
// The memory that the bytes lie in, and where they begin there.
const NO_MEMORY: ArrayBufferLike = new ArrayBuffer(0);
let memory: ArrayBufferLike = NO_MEMORY;
let origin = 0;

/** A zigzag number that ends before `end`. */
function readVarlong(b: Buffer, end: number): number {
  let raw = 0;
  for (let i = at, shift = 0; i < end && shift < 28; i++, shift += 7) {
    const byte = b[i]!;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      at = i + 1;
      return (raw >>> 1) ^ -(raw & 1);
    }
  }
  const reader = new WireReader(b, at, end); // more than 4 bytes, or cut off: rare
  const value = reader.varlong();
  at = reader.position;
  return value;
}

function readBytes(b: Buffer, end: number): Buffer | null {
  const length = readVarlong(b, end);
  if (length < 0) return null;
  if (length > end - at) malformed(`${length} bytes wanted at byte ${at}, ${end - at} left in the record`);
  const from = at;
  at += length;
  return new BufferView(memory, origin + from, length);
}

function readHeaders(b: Buffer, end: number): readonly RecordHeader[] {
  const count = readVarlong(b, end);
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count > end - at) malformed(`${count} headers in ${end - at} bytes of a record`);
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const key = readBytes(b, end) ?? malformed(`header without a key at byte ${at}`);
    headers.push({ key: key.toString('utf8'), value: readBytes(b, end) });
  }
  return headers;
}

function malformed(what: string): never {
  throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', `record batch: ${what}`);
}

/** Walks over the records of one batch; its fields are those of the record last read. */
class RecordCursor {
  readonly #bytes: Buffer;
  readonly #memory: ArrayBufferLike;
  readonly #origin: number;
  readonly #end: number;
  readonly #count: number;
  readonly #baseTimestamp: number;
  /** The broker's time, which then stands for every record; -1 where each has its own. */
  readonly #appendTime: number;
  #at: number;
  #seen = 0;
  offsetDelta = 0;
  timestamp = 0;
  key: Buffer | null = null;
  value: Buffer | null = null;
  headers: readonly RecordHeader[] = NO_HEADERS;

  constructor(buffer: Buffer, start: number, end: number) {
    if (!isWholeBatch(buffer, start, end)) malformed(`no whole batch at byte ${start} of ${end}`);
    if (magic(buffer, start) !== MAGIC_V2) malformed(`format ${magic(buffer, start)}, only 2 is read`);
    const flags = attributes(buffer, start);
    const stop = start + batchSize(buffer, start);
    if ((flags & COMPRESSION_MASK) === 0) {
      this.#bytes = buffer;
      this.#at = start + BATCH_HEADER_BYTES;
      this.#end = stop;
    } else {
      const packed = buffer.subarray(start + BATCH_HEADER_BYTES, stop);
      this.#bytes = decompress(compressionName(flags & COMPRESSION_MASK), packed);
      this.#at = 0;
      this.#end = this.#bytes.length;
    }
    this.#memory = this.#bytes.buffer;
    this.#origin = this.#bytes.byteOffset;
    this.#count = recordCount(buffer, start);
    this.#baseTimestamp = baseTimestamp(buffer, start);
    this.#appendTime = (flags & TIMESTAMP_TYPE_BIT) === 0 ? -1 : maxTimestamp(buffer, start);
  }

  /** Goes to the next record that is at least `fromDelta` behind the base offset; false after the last one. */
  next(fromDelta: number): boolean {
    const b = this.#bytes;
    memory = this.#memory;
    origin = this.#origin;
    while (this.#seen < this.#count) {
      this.#seen++;
      at = this.#at;
      const length = readVarlong(b, this.#end);
      if (length < 0 || length > this.#end - at) malformed(`record of ${length} bytes, ${this.#end - at} left`);
      const end = at + length;
      this.#at = end;
      at++; // attributes: none are defined
      const timestampDelta = readVarlong(b, end);
      const offsetDelta = readVarlong(b, end);
      if (offsetDelta < fromDelta) continue;
      this.offsetDelta = offsetDelta;
      this.timestamp = this.#appendTime < 0 ? this.#baseTimestamp + timestampDelta : this.#appendTime;
      this.key = readBytes(b, end);
      this.value = readBytes(b, end);
      this.headers = readHeaders(b, end);
      if (at !== end) malformed(`record of ${length} bytes has ${end - at} left over`);
      return true;
    }
    memory = NO_MEMORY;
    if (this.#at !== this.#end) malformed(`${this.#end - this.#at} bytes behind its ${this.#count} records`);
    return false;
  }
}

/**
 * Appends to `out` the records of the batch at `start` whose offset is at least `fromOffset` (a fetch may begin in
 * the middle of a batch). Control batches hold none. `size` is what is there, whole batch or more.
 */
export function decodeBatch(
  topic: string,
  partition: number,
  buffer: Buffer,
  start: number,
  size: number,
  fromOffset: number,
  out: KafkaRecord[],
): void {
  const cursor = new RecordCursor(buffer, start, start + size);
  if (isControl(buffer, start)) return;
  const base = baseOffset(buffer, start);
  const fromDelta = fromOffset - base;
  const Type = (attributes(buffer, start) & TIMESTAMP_TYPE_BIT) === 0 ? FetchedRecord : AppendTimeRecord;
  while (cursor.next(fromDelta)) {
    const { offsetDelta, timestamp, key, value, headers } = cursor;
    out.push(new Type(topic, partition, base + offsetDelta, timestamp, key, value, headers));
  }
}

/** The records of the batch at `start`, one by one; those of a control batch too. */
export function* recordsOf(buffer: Buffer, start = 0): Generator<BatchRecord, void, undefined> {
  const cursor = new RecordCursor(buffer, start, buffer.length);
  while (cursor.next(Number.NEGATIVE_INFINITY)) {
    const { offsetDelta, timestamp, key, value, headers } = cursor;
    yield { offsetDelta, timestamp, key, value, headers };
  }
}
