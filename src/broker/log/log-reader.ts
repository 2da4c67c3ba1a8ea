import { ErrorCode } from '../../protocol/error-codes.js';
import { batchSize, nextOffset } from '../../protocol/record-batch-header.js';
import { type LeaderEpochs } from './leader-epochs.js';
import {
  type AbortedTransaction,
  type EpochEndOffset,
  type IsolationLevel,
  type ReadOptions,
  type ReadResult,
  type TimestampedOffset,
} from './log-results.js';
import { type LogSegment } from './segment/log-segment.js';
import { type SegmentList } from './segment/segment-list.js';
import { type AbortedTxn } from './segment/transaction-index.js';
import { type FoundRecord, findByTime, findMaxTimestamp } from './time-lookup.js';

// Everything that reads a log: fetches, and look-ups by time.

/** Timestamps that stand for a place in ListOffsets. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL_TIMESTAMP = -4;

const NOTHING = Buffer.alloc(0);
const NOT_FOUND = { offset: -1, timestamp: -1, leaderEpoch: -1 };

/** The bounds of a log as they are now. */
export interface LogBounds {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  readonly leaderEpoch: number;
}

export function unreadable(errorCode: number): ReadResult {
  return {
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: NOTHING,
    abortedTransactions: null,
  };
}

export function unknownPlace(errorCode: number): TimestampedOffset {
  return { errorCode, ...NOT_FOUND };
}

export class LogReader {
  constructor(
    private readonly log: LogBounds,
    private readonly segments: SegmentList,
    private readonly epochs: LeaderEpochs,
  ) {}

  #boundOf(isolation: IsolationLevel): number {
    return isolation === 'read_committed' ? this.log.lastStableOffset : this.log.logEndOffset;
  }

  read(offset: number, options: ReadOptions): ReadResult {
    const { logStartOffset, logEndOffset, lastStableOffset } = this.log;
    if (offset < logStartOffset || offset > logEndOffset) return unreadable(ErrorCode.OFFSET_OUT_OF_RANGE);
    const records = this.#readUpTo(offset, this.#boundOf(options.isolation), options);
    return {
      errorCode: ErrorCode.NONE,
      highWatermark: logEndOffset,
      lastStableOffset,
      logStartOffset,
      records,
      abortedTransactions: options.isolation === 'read_committed' ? this.#abortedWithin(offset, records) : null,
    };
  }

  #readUpTo(offset: number, bound: number, options: ReadOptions): Buffer {
    if (offset >= bound) return NOTHING;
    const { all } = this.segments;
    for (let i = this.segments.indexOf(offset); i < all.length; i++) {
      const segment = all[i]!;
      if (segment.baseOffset >= bound) break;
      const limit = this.#limitWithin(segment, bound);
      // Compaction may leave a segment without anything at or behind the offset: then the next one goes on.
      if (segment.positionOf(offset) < limit) return segment.read(offset, options, limit);
    }
    return NOTHING;
  }

  /** Position in the segment at which readers stop. */
  #limitWithin(segment: LogSegment, bound: number): number {
    return bound === this.log.logEndOffset ? segment.size : segment.positionOf(bound);
  }

  #abortedWithin(offset: number, records: Buffer): readonly AbortedTransaction[] {
    const aborted: AbortedTxn[] = [];
    if (records.length === 0) return aborted;
    const end = endOffsetOf(records);
    const { all } = this.segments;
    for (let i = this.segments.indexOf(offset); i < all.length; i++) {
      if (all[i]!.transactionIndex.collect(offset, end, aborted)) break;
    }
    aborted.sort((a, b) => a.firstOffset - b.firstOffset);
    return aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
  }

  /** Bytes that a reader at `offset` could get; Infinity when they lie in more than one segment. */
  readableBytes(offset: number, isolation: IsolationLevel): number {
    const bound = this.#boundOf(isolation);
    if (offset >= bound) return 0;
    const at = this.segments.indexOf(offset);
    if (this.segments.indexOf(bound - 1) !== at) return Number.POSITIVE_INFINITY;
    const segment = this.segments.all[at]!;
    return this.#limitWithin(segment, bound) - segment.positionOf(offset);
  }

  offsetForTimestamp(timestamp: number, isolation: IsolationLevel): TimestampedOffset {
    const { logStartOffset } = this.log;
    const bound = this.#boundOf(isolation);
    switch (timestamp) {
      case LATEST_TIMESTAMP:
        return this.#place(bound);
      case EARLIEST_TIMESTAMP:
      case EARLIEST_LOCAL_TIMESTAMP:
        return this.#place(logStartOffset);
      case MAX_TIMESTAMP:
        return this.#found(findMaxTimestamp(this.segments.all, logStartOffset), bound);
      default:
        if (timestamp < 0) return unknownPlace(ErrorCode.UNSUPPORTED_VERSION);
        return this.#found(findByTime(this.segments.all, timestamp, logStartOffset), bound);
    }
  }

  offsetForLeaderEpoch(epoch: number): EpochEndOffset {
    const { leaderEpoch, logEndOffset } = this.log;
    if (epoch === leaderEpoch) return { leaderEpoch, endOffset: logEndOffset };
    const { latest } = this.epochs;
    // Between the last epoch that wrote and the one that now leads nothing was written.
    if (epoch > latest && epoch >= 0 && epoch < leaderEpoch) return { leaderEpoch: latest, endOffset: logEndOffset };
    return this.epochs.endOffset(epoch, logEndOffset);
  }

  #place(offset: number): TimestampedOffset {
    // The end of the log belongs to the epoch in which the next record will be written.
    const { logEndOffset, leaderEpoch: current } = this.log;
    const leaderEpoch = offset === logEndOffset ? current : this.epochs.epochOf(offset);
    return { errorCode: ErrorCode.NONE, offset, timestamp: -1, leaderEpoch };
  }

  #found(found: FoundRecord | undefined, bound: number): TimestampedOffset {
    if (!found || found.offset >= bound) return unknownPlace(ErrorCode.NONE);
    return { errorCode: ErrorCode.NONE, ...found, leaderEpoch: this.epochs.epochOf(found.offset) };
  }
}

function endOffsetOf(records: Buffer): number {
  let end = -1;
  for (let at = 0; at < records.length; at += batchSize(records, at)) end = nextOffset(records, at);
  return end;
}
