import { type LogConfig } from '../log-config.js';

// When a segment is full: a pure function of what it holds and what is to be appended.

/** Offsets within a segment are stored as int32. */
const MAX_OFFSET_SPAN = 0x7fff_ffff;

export interface RollState {
  readonly baseOffset: number;
  readonly size: number;
  /** Largest timestamp of the segment's first batch; below 0 when it has none. */
  readonly firstTimestamp: number;
  readonly createdAt: number;
  /** Random share of segment.jitter.ms, so that not all partitions roll at once. */
  readonly jitterMs: number;
  readonly hasFullIndex: boolean;
}

export interface IncomingBatch {
  readonly size: number;
  readonly maxTimestamp: number;
  readonly lastOffset: number;
}

/** Whether the batch must go into a new segment. Time is only looked at when something is appended. */
export function shouldRoll(segment: RollState, batch: IncomingBatch, config: LogConfig, now: number): boolean {
  if (segment.size === 0) return batch.lastOffset - segment.baseOffset > MAX_OFFSET_SPAN;
  if (segment.size > config.segmentBytes - batch.size) return true;
  const { firstTimestamp } = segment;
  const age = firstTimestamp >= 0 ? batch.maxTimestamp - firstTimestamp : now - segment.createdAt;
  if (age > config.segmentMs - segment.jitterMs) return true;
  return segment.hasFullIndex || batch.lastOffset - segment.baseOffset > MAX_OFFSET_SPAN;
}
