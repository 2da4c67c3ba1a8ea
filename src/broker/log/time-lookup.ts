import { hasCode } from '../../common/errors.js';
import { recordsOf } from '../../protocol/record-batch.js';
import {
  baseOffset,
  isLogAppendTime,
  lastOffset,
  maxTimestamp,
  recordCount,
} from '../../protocol/record-batch-header.js';
import { type LogSegment } from './segment/log-segment.js';

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
    found = readable(segment.readBytes(position, size), fromOffset).find((record) => record.timestamp >= timestamp);
    return found === undefined;
  });
  return found;
}

/**
 * The records of a batch from `fromOffset` on, none later than its header says: a compressed batch is stored unseen,
 * and its records may claim times beyond any number that can be answered. Where they cannot be told apart the first
 * stands for all: under LogAppendTime, and in a compressed batch that its producer packed badly.
 */
function readable(batch: Buffer, fromOffset: number): FoundRecord[] {
  if (recordCount(batch) === 0) return []; // compaction left only its header
  const base = baseOffset(batch);
  const latest = maxTimestamp(batch);
  const first = { offset: Math.max(base, fromOffset), timestamp: latest };
  if (isLogAppendTime(batch)) return [first];
  const found: FoundRecord[] = [];
  try {
    for (const { offsetDelta, timestamp } of recordsOf(batch)) {
      const offset = base + offsetDelta;
      if (offset >= fromOffset) found.push({ offset, timestamp: Math.min(timestamp, latest) });
    }
  } catch (error) {
    if (!hasCode(error, 'KAFKA_PROTOCOL_MALFORMED')) throw error;
    return [first];
  }
  return found;
}

/** The first record at or behind `fromOffset` that carries the largest timestamp of all. */
export function findMaxTimestamp(segments: readonly LogSegment[], fromOffset: number): FoundRecord | undefined {
  let newest: { segment: LogSegment; timestamp: number } | undefined;
  for (const segment of segments) {
    const timestamp = newestTimestamp(segment, fromOffset);
    if (timestamp >= 0 && (!newest || timestamp > newest.timestamp)) newest = { segment, timestamp };
  }
  if (!newest) return undefined;
  const { segment, timestamp } = newest;
  // A header may claim a later time than its records have: then the batch's last offset stands for it.
  return findInSegment(segment, timestamp, fromOffset) ?? { offset: segment.offsetOfMaxTimestamp, timestamp };
}

/** Largest timestamp at or behind `fromOffset`; -1 when there is none. */
function newestTimestamp(segment: LogSegment, fromOffset: number): number {
  if (fromOffset <= segment.baseOffset) return segment.maxTimestamp;
  // Part of the segment is deleted: what it knows of its whole does not count.
  let newest = -1;
  segment.scan(segment.positionOf(fromOffset), false, (header, at, position, size) => {
    if (maxTimestamp(header, at) <= newest) return;
    if (baseOffset(header, at) >= fromOffset) newest = maxTimestamp(header, at);
    else
      for (const { timestamp } of readable(segment.readBytes(position, size), fromOffset))
        newest = Math.max(newest, timestamp);
  });
  return newest;
}
