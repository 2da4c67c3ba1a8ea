import { recordsOf } from '../../protocol/record-batch.js';
import { baseOffset, isLogAppendTime, lastOffset, maxTimestamp } from '../../protocol/record-batch-header.js';
import { type LogSegment } from './log-segment.js';

// Finds records by time. The index leads near the place; the record itself is found inside its batch.

export interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
}

/** The first record at or behind `fromOffset` whose timestamp is at least `timestamp`. */
export function findByTime(
  segments: readonly LogSegment[],
  timestamp: number,
  fromOffset: number,
): FoundRecord | undefined {
  for (const segment of segments) {
    if (segment.maxTimestamp < timestamp) continue;
    const found = findInSegment(segment, timestamp, fromOffset);
    if (found) return found;
  }
  return undefined;
}

function findInSegment(segment: LogSegment, timestamp: number, fromOffset: number): FoundRecord | undefined {
  const start = segment.positionOf(Math.max(fromOffset, segment.timeIndex.lookup(timestamp)));
  let found: FoundRecord | undefined;
  segment.scan(start, false, (header, at, position, size) => {
    if (maxTimestamp(header, at) < timestamp || lastOffset(header, at) < fromOffset) return true;
    found = firstInBatch(segment.readBytes(position, size), timestamp, fromOffset);
    return found === undefined;
  });
  return found;
}

function firstInBatch(batch: Buffer, timestamp: number, fromOffset: number): FoundRecord | undefined {
  const base = baseOffset(batch);
  if (isLogAppendTime(batch)) return { offset: Math.max(base, fromOffset), timestamp: maxTimestamp(batch) };
  for (const record of recordsOf(batch)) {
    const offset = base + record.offsetDelta;
    if (record.timestamp >= timestamp && offset >= fromOffset) return { offset, timestamp: record.timestamp };
  }
  return undefined;
}

/** The first record that carries the largest timestamp of all. */
export function findMaxTimestamp(segments: readonly LogSegment[], fromOffset: number): FoundRecord | undefined {
  let newest: LogSegment | undefined;
  for (const segment of segments) {
    if (segment.size > 0 && (!newest || segment.maxTimestamp > newest.maxTimestamp)) newest = segment;
  }
  if (!newest || newest.maxTimestamp < 0) return undefined;
  const found = findInSegment(newest, newest.maxTimestamp, Math.max(fromOffset, newest.baseOffset));
  // A header may claim a later time than its records have: then the batch's last offset stands for it.
  return found ?? { offset: newest.offsetOfMaxTimestamp, timestamp: newest.maxTimestamp };
}
