import { type LogConfig } from '../log-config.js';
import { type SharedContext } from '../log-context.js';
import { LogSegment } from './log-segment.js';

// The segments of one log, by base offset. There is always at least one; the last one is active.

export class SegmentList {
  readonly #segments: LogSegment[];

  constructor(segments: readonly LogSegment[]) {
    this.#segments = [...segments];
    this.active.setActive(true);
  }

  get active(): LogSegment {
    return this.#segments.at(-1)!;
  }

  get all(): readonly LogSegment[] {
    return this.#segments;
  }

  get sizeBytes(): number {
    let size = 0;
    for (const segment of this.#segments) size += segment.size;
    return size;
  }

  /** Index of the segment whose range holds `offset`; the first one for offsets before it. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A new active segment. */
  push(segment: LogSegment): void {
    this.active.setActive(false);
    this.#segments.push(segment);
    segment.setActive(true);
  }

  /** Takes the oldest `count` segments out and returns them. */
  shift(count: number): LogSegment[] {
    return this.#segments.splice(0, count);
  }

  /** One segment takes the place of neighbours that begin at its base offset. */
  replace(neighbours: readonly LogSegment[], by: LogSegment): void {
    this.#segments.splice(this.indexOf(by.baseOffset), neighbours.length, by);
  }
}

/** A segment with its file, to be pushed. */
export function newSegment(
  { files, random }: SharedContext,
  { segmentJitterMs, segmentMs, indexIntervalBytes }: LogConfig,
  { directory, ...place }: { readonly directory: string; readonly baseOffset: number; readonly createdAt: number },
): LogSegment {
  const jitterMs = Math.floor(random.next() * Math.min(segmentJitterMs, segmentMs));
  const segment = new LogSegment(directory, files, { ...place, jitterMs, indexIntervalBytes });
  segment.create();
  return segment;
}
