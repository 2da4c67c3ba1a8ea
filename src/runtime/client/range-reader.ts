import { setMaxListeners } from 'node:events';
import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { type LogMoment } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type LogRange, type ReadOptions } from './log-reader.js';

// A range of offsets of one partition, read by several readers at once: for replays that one partition would bound.

/** Offsets `[from, to)` of one partition. */
export interface RecordRange extends TopicPartition {
  /**
   * Offset of the first record, or of the first one from a time (ms since the epoch) on. Default the log's beginning.
   */
  readonly from?: number | { readonly timestamp: number };
  /** Offset behind the last record, or the first one from a time on. Default, and at most, where the log ends now. */
  readonly to?: number | { readonly timestamp: number };
}

export interface RangeReadOptions {
  /** Parts that are read at the same time, each by a consumer of its own; 1 to 100. Default 4. */
  readonly readers?: number;
  /** Ends the reading: `read` rejects with its reason when the handlers that run have ended. */
  readonly signal?: AbortSignal;
}

/** What was read. */
export interface RangeReport {
  readonly from: number;
  readonly to: number;
  /** Less than `to - from` where the log was compacted, or holds markers or records of aborted transactions. */
  readonly records: number;
}

export interface RangeSource {
  readLogs(ranges: readonly LogRange[], visit: (record: KafkaRecord) => unknown, options: ReadOptions): Promise<void>;
  offsetsAt(
    partitions: readonly TopicPartition[],
    moment: LogMoment,
  ): Promise<ReadonlyArray<{ readonly offset: number }>>;
}

const MOST_READERS = 100;

/**
 * Reads a range of one partition with several readers, outside of any group: nothing is committed, and no listener is
 * disturbed. Each reader handles its part in order, one record after another; the parts go on beside each other. The
 * default connection's is injectable by class, others by `getRangeReaderToken(name)`.
 */
export class RangeReader {
  readonly #source: RangeSource;

  constructor(source: RangeSource) {
    this.#source = source;
  }

  /**
   * Calls `handle` once for every record of the range, and resolves when the last call has ended. What a call throws
   * ends all readers, and `read` rejects with it; what was handled by then is not undone, so a repeated `read` handles
   * it again. Rejects with KAFKA_CONFIG_INVALID for numbers that make no sense.
   */
  async read(
    range: RecordRange,
    handle: (record: KafkaRecord, signal: AbortSignal) => unknown,
    { readers = 4, signal }: RangeReadOptions = {},
  ): Promise<RangeReport> {
    if (!Number.isInteger(readers) || readers < 1 || readers > MOST_READERS) {
      throw new NestdawError('KAFKA_CONFIG_INVALID', `readers is ${readers}: give a whole number from 1 to 100`);
    }
    const { from, to } = await this.#boundsOf(range);
    const { topic, partition } = range;
    const stop = new AbortController();
    // Each reader listens to it, and waits with it.
    setMaxListeners(Number.POSITIVE_INFINITY, stop.signal);
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    if (either !== stop.signal) setMaxListeners(Number.POSITIVE_INFINITY, either);
    either.throwIfAborted();
    let records = 0;
    const visit = async (record: KafkaRecord): Promise<boolean> => {
      if (either.aborted) return false;
      await handle(record, either);
      records++;
      return true;
    };
    const read = async (part: OffsetSpan): Promise<void> => {
      try {
        await this.#source.readLogs([{ topic, partition, ...part }], visit, { signal: either });
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    };
    const ended = await Promise.allSettled(spansOf(from, to, readers).map(read));
    either.throwIfAborted();
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return { from, to, records };
  }

  async #boundsOf(range: RecordRange): Promise<OffsetSpan> {
    const at = async (moment: LogMoment): Promise<number> =>
      (await this.#source.offsetsAt([{ topic: range.topic, partition: range.partition }], moment))[0]!.offset;
    const [beginning, end] = await Promise.all([at('beginning'), at('end')]);
    const offsetOf = (place: RecordRange['from'], missing: number): number | Promise<number> => {
      if (place === undefined) return missing;
      const given = typeof place === 'number' ? place : place.timestamp;
      if (!Number.isInteger(given) || given < 0) {
        throw new NestdawError('KAFKA_CONFIG_INVALID', `${given} is neither an offset nor a time: give a whole number`);
      }
      return typeof place === 'number' ? place : at(given);
    };
    const [from, to] = [await offsetOf(range.from, beginning), await offsetOf(range.to, end)];
    const first = Math.max(from, beginning);
    return { from: first, to: Math.max(first, Math.min(to, end)) };
  }
}

/** Offsets `[from, to)`. */
interface OffsetSpan {
  readonly from: number;
  readonly to: number;
}

/** At most `count` spans of nearly one size that together are `[from, to)`; none of them is empty. */
export function spansOf(from: number, to: number, count: number): OffsetSpan[] {
  const size = to - from;
  const parts = Math.min(count, size);
  const bound = (part: number): number => from + Math.floor((size * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({ from: bound(part), to: bound(part + 1) }));
}
