import { type LogConfig } from './log-config.js';
import { type SharedContext } from './log-context.js';
import { type LogSegment } from './segment/log-segment.js';

// Which of a log's oldest segments may go, and how their files do. The decision is a pure function of sizes and
// ages, asked segment by segment, since the answers may have to be read from disk.

export interface RetentionCandidate {
  readonly size: number;
  /** First offset behind the segment. */
  readonly endOffset: number;
  /** Largest record timestamp, or the file's age when no record has one. */
  newestTimestamp(): number;
}

export interface RetentionState {
  readonly config: LogConfig;
  readonly now: number;
  readonly logStartOffset: number;
  /** Where the oldest open transaction begins: what it wrote is kept until it ends. */
  readonly lastStableOffset: number;
  readonly totalBytes: number;
}

/** Number of segments at the head that are expired, too many, or wholly before the log's start. */
export function expiredSegments(segments: readonly RetentionCandidate[], state: RetentionState): number {
  const { config, now } = state;
  let count = 0;
  let rest = state.totalBytes;
  const advance = (goes: (segment: RetentionCandidate) => boolean): void => {
    for (let next = segments[count]; next !== undefined; next = segments[count]) {
      // A log whose last segment is empty has nothing to lose, nor perhaps a file; further up, compaction leaves empty
      // segments.
      const isEmptyEnd = next.size === 0 && count === segments.length - 1;
      if (isEmptyEnd || !goes(next)) return;
      rest -= next.size;
      count++;
    }
  };
  const isStable = (segment: RetentionCandidate) => segment.endOffset <= state.lastStableOffset;
  if (config.deletes && config.retentionMs >= 0) {
    // A timestamp in the future keeps its segment and all behind it.
    advance((segment) => isStable(segment) && now - segment.newestTimestamp() > config.retentionMs);
  }
  if (config.deletes && config.retentionBytes >= 0) {
    advance((segment) => isStable(segment) && rest - segment.size >= config.retentionBytes);
  }
  advance((segment) => segment.endOffset <= state.logStartOffset);
  return count;
}

export function retentionCandidates(
  segments: readonly LogSegment[],
  logEndOffset: number,
  modifiedAt: (path: string) => number,
): RetentionCandidate[] {
  return segments.map((segment, i) => ({
    get size() {
      return segment.size;
    },
    endOffset: segments[i + 1]?.baseOffset ?? logEndOffset,
    newestTimestamp: () => (segment.maxTimestamp >= 0 ? segment.maxTimestamp : modifiedAt(segment.log.path)),
  }));
}

/** Takes the files of segments out of the log now and off the disk after a delay. */
export function retireSegments(segments: readonly LogSegment[], delayMs: number, context: SharedContext): void {
  const paths = segments.flatMap((segment) => segment.retire());
  context.clock.schedule(delayMs, () => {
    for (const path of paths) context.removals.begin(path);
  });
}
