import { BATCH_HEADER_BYTES, lastOffset, MAGIC_V2, magic } from '../../../protocol/record-batch-header.js';
import { type BatchVisitor } from './batch-scanner.js';
import { type OffsetIndex, type TimeIndex } from './sparse-index.js';

// Whether the indexes found beside a log file belong to it. Asked where nothing else says so: the file is read only
// where the indexes end.

/** A log file with its indexes. */
export interface IndexedFile {
  readonly size: number;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readBytes(position: number, length: number): Buffer;
  scan(from: number, whole: boolean, visit: BatchVisitor): unknown;
}

/** Position from which the indexes say nothing more; -1 when they do not belong to the segment's log file. */
export function trustedPosition(segment: IndexedFile): number {
  const { offsetIndex, timeIndex } = segment;
  if (!offsetIndex.isSane(segment.size) || !timeIndex.isSane()) return -1;
  const { count } = offsetIndex.entries;
  // The time index is always written first. Without it the largest timestamp so far would be unknown.
  if (count > 0 && !timeIndex.entries.exists()) return -1;
  const times = timeIndex.entries.count;
  const lastTime = times === 0 ? -1 : timeIndex.offsetAt(times - 1);
  if (count === 0) return lastTime < 0 || holdsBatchEnd(segment, lastTime, 0) ? 0 : -1;
  const position = offsetIndex.lastPosition;
  const header = segment.readBytes(position, BATCH_HEADER_BYTES);
  if (header.length < BATCH_HEADER_BYTES || magic(header) !== MAGIC_V2) return -1;
  if (lastOffset(header) !== offsetIndex.offsetAt(count - 1)) return -1;
  return lastTime <= lastOffset(header) || holdsBatchEnd(segment, lastTime, position) ? position : -1;
}

/** The last time entry of a rolled segment may lie behind its last offset entry; that batch must still be there. */
function holdsBatchEnd(segment: IndexedFile, offset: number, from: number): boolean {
  let found = false;
  segment.scan(from, false, (buffer, at) => {
    found = lastOffset(buffer, at) === offset;
    return !found;
  });
  return found;
}
