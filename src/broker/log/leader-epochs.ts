import { type EpochEndOffset } from './log-results.js';

// Where each leader epoch begins in a partition (the content of leader-epoch-checkpoint). Pure.

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

const NONE: readonly EpochStart[] = [];
const UNKNOWN: EpochEndOffset = { leaderEpoch: -1, endOffset: -1 };

export class LeaderEpochs {
  /** Epochs and offsets both rise. */
  #starts: readonly EpochStart[];

  constructor(starts: readonly EpochStart[] = NONE) {
    this.#starts = starts.length === 0 ? NONE : starts;
  }

  get starts(): readonly EpochStart[] {
    return this.#starts;
  }

  /** -1 when nothing was ever written. */
  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? -1;
  }

  /** Notes that offsets from `startOffset` on are written in `epoch`. True when that is news. */
  assign(epoch: number, startOffset: number): boolean {
    if (epoch <= this.latest) return false;
    // An epoch in which nothing was written leaves no trace.
    const before = this.#starts.filter((known) => known.startOffset < startOffset);
    this.#starts = [...before, { epoch, startOffset }];
    return true;
  }

  /** Epoch in which `offset` was written; -1 when that is not known. */
  epochOf(offset: number): number {
    return this.#starts.findLast((start) => start.startOffset <= offset)?.epoch ?? -1;
  }

  endOffset(requested: number, logEndOffset: number): EpochEndOffset {
    if (requested < 0 || requested > this.latest) return UNKNOWN;
    if (requested === this.latest) return { leaderEpoch: requested, endOffset: logEndOffset };
    const next = this.#starts.find((start) => start.epoch > requested)!;
    const floor = this.#starts.findLast((start) => start.epoch <= requested);
    return { leaderEpoch: floor?.epoch ?? requested, endOffset: next.startOffset };
  }

  /** Forgets epochs that begin at `endOffset` or behind it. */
  truncateFromEnd(endOffset: number): void {
    if (this.#starts.length > 0) this.#starts = this.#starts.filter((start) => start.startOffset < endOffset);
  }

  /** Forgets epochs that ended before `logStartOffset`; the one it lies in begins there. */
  truncateFromStart(logStartOffset: number): void {
    const within = this.#starts.findLast((start) => start.startOffset <= logStartOffset);
    if (!within) return;
    const later = this.#starts.filter((start) => start.startOffset > logStartOffset);
    this.#starts = [{ epoch: within.epoch, startOffset: logStartOffset }, ...later];
  }
}
