import { compress, compressionName, decompress } from '../../../protocol/compression.js';
import { sealCrc } from '../../../protocol/record-batch.js';
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  COMPRESSION_MASK,
  CONTROL_BIT,
  compressionOf,
  DELETE_HORIZON_BIT,
  deleteHorizon,
  hasProducerId,
  isControl,
  isLogAppendTime,
  lastOffset,
  maxTimestamp,
  nextOffset,
  producerEpoch,
  producerId,
  recordCount,
  setAttributes,
  setBaseTimestamp,
  setBatchSize,
  setMaxTimestamp,
  setRecordCount,
  TIMESTAMP_TYPE_BIT,
  TRANSACTIONAL_BIT,
} from '../../../protocol/record-batch-header.js';
import { sizeOfVarlong, writeUvarint, writeVarlong } from '../../../protocol/varint.js';
import { type StorageCounters } from '../directory/storage-counters.js';
import { type CleanedTransactions } from './cleaned-transactions.js';
import { type OffsetMap } from './offset-map.js';
import { OutputRun } from './output-run.js';
import { RecordWalk } from './record-walk.js';

// What compaction leaves of a batch. Its offsets never change: base offset and last offset delta stay even when its
// last record goes, so that producers' sequences can still be told from them. Pure: bytes in, bytes out.

/** What a producer has last written here, as far as the broker still remembers it. */
export interface LastOfProducer {
  /** Last offset of its last batch of data; -1 when only a marker of its epoch is known. */
  readonly lastDataOffset: number;
  readonly epoch: number;
}

export interface RewriteRules {
  readonly map: Pick<OffsetMap, 'get' | 'latestOffset'>;
  readonly transactions: CleanedTransactions;
  readonly producers: ReadonlyMap<bigint, LastOfProducer>;
  /** End of all that may be cleaned now: the batch that ends there stays, if only as its header. */
  readonly endOffset: number;
  readonly now: number;
  readonly deleteRetentionMs: number;
  readonly counters: StorageCounters;
}

/** Beyond this a difference of times does not fit the arithmetic: such a batch keeps its base time. */
const MAX_DELTA = 2 ** 51;
const FIRST_FLAGS = 1024;
const FIRST_SCRATCH = 64 * 1024;
const RECORD_ROOM = 16;

/** Records of one batch as they are read: decompressed where they were packed. */
interface Plain {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export class BatchRewriter {
  readonly #walk = new RecordWalk();
  readonly #scratch = new OutputRun(FIRST_SCRATCH);
  /** 1 for each record of the batch that stays. */
  #stays = new Uint8Array(FIRST_FLAGS);
  #kept = 0;
  #hasTombstone = false;

  constructor(private readonly rules: RewriteRules) {}

  /** Adds to `out` what stays of the batch of `size` bytes at `at`. True when that is every byte of it. */
  rewrite(b: Buffer, at: number, size: number, out: OutputRun): boolean {
    const { transactions, now, endOffset } = this.rules;
    const control = isControl(b, at);
    const mayGo = control ? transactions.onControl(b, at) : transactions.onData(b, at);
    const horizon = deleteHorizon(b, at);
    const goes = mayGo && (!control || (horizon >= 0 && horizon <= now));
    const plain = goes || recordCount(b, at) === 0 ? undefined : plainRecords(b, at, size, this.rules.counters);
    if (plain) this.#choose(b, at, plain, control, horizon);
    else this.#kept = 0;
    if (this.#kept === 0) {
      const staysEmpty = nextOffset(b, at) === endOffset || (hasProducerId(b, at) && this.#isLastOfProducer(b, at));
      return staysEmpty && addEmpty(b, at, size, out);
    }
    const needsHorizon = horizon < 0 && (control ? mayGo : this.#hasTombstone);
    if (this.#kept < recordCount(b, at) || needsHorizon) return this.#rebuild(b, at, plain!, needsHorizon, out);
    out.add(b, at, at + size);
    return true;
  }

  #isLastOfProducer(b: Buffer, at: number): boolean {
    const last = this.rules.producers.get(producerId(b, at));
    if (!last) return false;
    if (last.lastDataOffset >= 0) return lastOffset(b, at) === last.lastDataOffset;
    return isControl(b, at) && producerEpoch(b, at) === last.epoch;
  }

  /** Decides record by record; the decisions are in `#stays`. */
  #choose(b: Buffer, at: number, plain: Plain, control: boolean, horizon: number): void {
    const { map, now } = this.rules;
    const count = recordCount(b, at);
    if (count > this.#stays.length) this.#stays = new Uint8Array(count * 2);
    this.#kept = 0;
    this.#hasTombstone = false;
    const base = baseOffset(b, at);
    const keepsTombstones = horizon < 0 || now < horizon;
    const walk = this.#walk;
    walk.begin(plain.bytes, plain.start, plain.end, count);
    for (let i = 0; walk.next(); i++) {
      const offset = base + walk.offsetDelta;
      const stays =
        control ||
        offset > map.latestOffset ||
        (walk.keyLength >= 0 &&
          (walk.hasValue || keepsTombstones) &&
          offset >= map.get(walk.bytes, walk.keyStart, walk.keyLength));
      this.#stays[i] = stays ? 1 : 0;
      if (!stays) continue;
      this.#kept++;
      if (!walk.hasValue) this.#hasTombstone = true;
    }
  }

  /** Writes the batch anew with the records that stay. True when it came out as it was. */
  #rebuild(b: Buffer, at: number, plain: Plain, needsHorizon: boolean, out: OutputRun): boolean {
    const { now, deleteRetentionMs } = this.rules;
    const start = out.length;
    const codec = compressionOf(b, at);
    out.add(b, at, at + BATCH_HEADER_BYTES);
    const target = codec === 0 ? out : this.#scratch;
    if (codec !== 0) target.clear();
    const wanted = needsHorizon ? now + deleteRetentionMs : deleteHorizon(b, at);
    const times = this.#timesOf(b, at, plain, wanted);
    this.#addRecords(b, at, plain, times?.base, target);
    if (codec !== 0) {
      const packed = compress(compressionName(codec), this.#scratch.content);
      out.add(packed, 0, packed.length);
    }
    if (times) {
      setBaseTimestamp(out.bytes, start, times.base);
      setMaxTimestamp(out.bytes, start, times.max);
      if (wanted >= 0) setAttributes(out.bytes, start, attributes(b, at) | DELETE_HORIZON_BIT);
    }
    setRecordCount(out.bytes, start, this.#kept);
    setBatchSize(out.bytes, start, out.length - start);
    sealCrc(out.bytes, start);
    return false;
  }

  /**
   * Base and largest time of the records that stay: the horizon takes the place of the base. Undefined when times
   * are too far apart to be written anew.
   */
  #timesOf(b: Buffer, at: number, plain: Plain, horizon: number): { base: number; max: number } | undefined {
    const appendTime = isLogAppendTime(b, at) ? maxTimestamp(b, at) : undefined;
    const oldBase = baseTimestamp(b, at);
    let base = horizon;
    let max = -1;
    let isFirst = true;
    let fits = true;
    this.#eachKept(b, at, plain, (walk) => {
      const time = appendTime ?? oldBase + walk.timestampDelta;
      if (isFirst && horizon < 0) base = time;
      isFirst = false;
      if (time > max) max = time;
      fits &&= Math.abs(time) < MAX_DELTA && Math.abs(time - base) < MAX_DELTA;
    });
    return fits ? { base, max } : undefined;
  }

  #addRecords(b: Buffer, at: number, plain: Plain, newBase: number | undefined, target: OutputRun): void {
    const appendTime = isLogAppendTime(b, at) ? maxTimestamp(b, at) : undefined;
    const oldBase = baseTimestamp(b, at);
    this.#eachKept(b, at, plain, (walk) => {
      if (newBase === undefined) {
        target.add(walk.bytes, walk.start, walk.end);
        return;
      }
      const delta = (appendTime ?? oldBase + walk.timestampDelta) - newBase;
      const length = 1 + sizeOfVarlong(delta) + walk.end - walk.restStart;
      target.reserve(RECORD_ROOM + length);
      const to = target.bytes;
      let end = writeUvarint(to, target.length, length * 2);
      to[end++] = 0; // attributes: none are defined
      end = writeVarlong(to, end, delta);
      target.length = end;
      target.add(walk.bytes, walk.restStart, walk.end);
    });
  }

  #eachKept(b: Buffer, at: number, plain: Plain, visit: (walk: RecordWalk) => void): void {
    const walk = this.#walk;
    walk.begin(plain.bytes, plain.start, plain.end, recordCount(b, at));
    for (let i = 0; walk.next(); i++) if (this.#stays[i] === 1) visit(walk);
  }
}

/** The records of the batch at `at`, packed or not. */
export function plainRecords(b: Buffer, at: number, size: number, counters: StorageCounters): Plain {
  counters.examinedRecords += recordCount(b, at);
  const codec = compressionOf(b, at);
  if (codec === 0) return { bytes: b, start: at + BATCH_HEADER_BYTES, end: at + size };
  const bytes = decompress(compressionName(codec), b.subarray(at + BATCH_HEADER_BYTES, at + size));
  counters.decompressedBytes += bytes.length;
  return { bytes, start: 0, end: bytes.length };
}

/** Adds the header alone: it still tells offsets, producer and sequence. True when the batch was no more before. */
function addEmpty(b: Buffer, at: number, size: number, out: OutputRun): boolean {
  const start = out.length;
  out.add(b, at, at + BATCH_HEADER_BYTES);
  if (size === BATCH_HEADER_BYTES) return true;
  const kept = TIMESTAMP_TYPE_BIT | TRANSACTIONAL_BIT | CONTROL_BIT;
  setAttributes(out.bytes, start, attributes(b, at) & kept & ~COMPRESSION_MASK);
  setBaseTimestamp(out.bytes, start, -1);
  setRecordCount(out.bytes, start, 0);
  setBatchSize(out.bytes, start, BATCH_HEADER_BYTES);
  sealCrc(out.bytes, start);
  return false;
}
