import { type LogConfig } from '../log-config.js';

// Which part of a compacted log is to be cleaned, and in which order logs are cleaned. Pure: facts in, decision out.

/** What the decision looks at in a segment; times and sizes are asked for only where they matter. */
export interface CleanableSegment {
  readonly baseOffset: number;
  readonly size: number;
  readonly maxTimestamp: number;
  /** Largest time of its first batch. */
  readonly firstTimestamp: number;
}

export interface CompactedLog {
  readonly config: LogConfig;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  /** The last one is active. */
  readonly segments: readonly CleanableSegment[];
}

export interface CleanRange {
  /** From here on it was never cleaned. */
  readonly firstDirtyOffset: number;
  /** Base of the first segment that must stay as it is; the range ends there. */
  readonly endOffset: number;
  readonly dirtyRatio: number;
  /** Records wait longer than max.compaction.lag.ms: the ratio does not matter. */
  readonly isOverdue: boolean;
}

/** The range to clean, `cleanedTo` being where the last cleaning ended; undefined when there is none. */
export function cleanableRange(log: CompactedLog, cleanedTo: number | undefined, now: number): CleanRange | undefined {
  const firstDirtyOffset = firstDirty(log, cleanedTo);
  const { segments } = log;
  const firstDirtySegment = segmentIndexOf(segments, firstDirtyOffset);
  const end = firstUncleanable(log, firstDirtySegment, now);
  const endOffset = segments[end]!.baseOffset;
  if (endOffset <= firstDirtyOffset) return undefined;
  // As Kafka counts: a segment of which a part is dirty counts as both.
  const isPartlyClean = segments[firstDirtySegment]!.baseOffset < firstDirtyOffset;
  const cleanBytes = bytesOf(segments, 0, isPartlyClean ? firstDirtySegment + 1 : firstDirtySegment);
  const dirtyBytes = bytesOf(segments, firstDirtySegment, end);
  if (dirtyBytes === 0) return undefined;
  return {
    firstDirtyOffset,
    endOffset,
    dirtyRatio: dirtyBytes / (cleanBytes + dirtyBytes),
    isOverdue: isOverdue(log, firstDirtySegment, now),
  };
}

/** A checkpoint before the log's start or behind its end says nothing: all of it is dirty then. */
function firstDirty({ logStartOffset, logEndOffset }: CompactedLog, cleanedTo: number | undefined): number {
  if (cleanedTo === undefined || cleanedTo < logStartOffset || cleanedTo > logEndOffset) return logStartOffset;
  return cleanedTo;
}

/** Index of the segment that holds `offset`. */
function segmentIndexOf(segments: readonly CleanableSegment[], offset: number): number {
  let index = segments.length - 1;
  while (index > 0 && segments[index]!.baseOffset > offset) index--;
  return index;
}

/** Index of the first segment that is active, unstable or too young to be cleaned. */
function firstUncleanable({ segments, config, lastStableOffset }: CompactedLog, from: number, now: number): number {
  const active = segments.length - 1;
  const stable = segmentIndexOf(segments, lastStableOffset);
  const { minCompactionLagMs } = config;
  for (let i = from; i < Math.min(active, stable); i++) {
    if (minCompactionLagMs > 0 && segments[i]!.maxTimestamp > now - minCompactionLagMs) return i;
  }
  return Math.max(from, Math.min(active, stable));
}

function isOverdue({ segments, config }: CompactedLog, from: number, now: number): boolean {
  if (config.maxCompactionLagMs === Number.POSITIVE_INFINITY) return false;
  let earliest = Number.POSITIVE_INFINITY;
  for (let i = from; i < segments.length - 1; i++) {
    const { firstTimestamp } = segments[i]!;
    if (firstTimestamp > 0) earliest = Math.min(earliest, firstTimestamp);
  }
  return earliest < now - config.maxCompactionLagMs;
}

function bytesOf(segments: readonly CleanableSegment[], from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += segments[i]!.size;
  return bytes;
}

export interface CleaningCandidate<L> {
  readonly log: L;
  readonly range: CleanRange;
}

/** Those that are dirty enough, or overdue; the dirtiest first. */
export function dirtiestFirst<L extends { readonly config: LogConfig }>(
  candidates: readonly CleaningCandidate<L>[],
): CleaningCandidate<L>[] {
  return candidates
    .filter(({ log, range }) => range.isOverdue || range.dirtyRatio > log.config.minCleanableDirtyRatio)
    .sort((a, b) => b.range.dirtyRatio - a.range.dirtyRatio);
}
