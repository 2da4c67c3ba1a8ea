import { type OffsetRange } from './offset-range.js';

// Which records of one partition are finished, and up to where the partition may be committed.
//
//   offsets  100 101 104 105 106 109        received, in order; gaps are normal (compaction, control records)
//   finished   ✓   ✓       ✓   ✓
//                      ↑ head = committable: the first unfinished one; [105, 107) is a finished range above it
//
// The window is a ring indexed by arrival, not by offset, so that gaps cost nothing. While offsets follow each other
// the head's says all of them, and while records finish in order there is nothing to mark: the arrays of the ring are
// made by the first gap, and by the first record that finishes before another one. In-order work touches the head
// alone.

const FIRST_CAPACITY = 64;
const REBASE = 2 ** 29;

export interface OffsetTrackerOptions {
  /** Next offset to be received. */
  readonly position: number;
  /** Finished ranges known from a committed gap map: ascending, not overlapping. Default none. */
  readonly finished?: readonly OffsetRange[];
  /** Records above the committable offset at which `isFull` turns on; it turns off at half of it. Default 10,000. */
  readonly limit?: number;
}

export class OffsetTracker {
  readonly #limit: number;
  /** Offsets of the window, kept up to date while `#hasGaps`. */
  #offsets: Float64Array | undefined = undefined;
  #hasGaps = false;
  /** Of the head, while there is one. */
  #headOffset = 0;
  /** 1 for each finished record of the window. */
  #finished: Uint8Array | undefined = undefined;
  #mask = FIRST_CAPACITY - 1;
  // Head and tail count arrivals; the slot is `count & mask`, so the counts are kept small (see `#releaseHead`).
  #head = 0;
  #tail = 0;
  #position: number;
  #restored: readonly OffsetRange[];
  #finishedAbove = 0;
  #version = 0;
  #full = false;

  constructor({ position, finished = [], limit = 10_000 }: OffsetTrackerOptions) {
    this.#position = position;
    this.#restored = finished.filter((range) => range.to > position && range.to > range.from);
    this.#limit = limit;
  }

  /** Next offset to be received: one past the last record tracked, or what `advance` said. */
  get position(): number {
    return this.#position;
  }

  /** Next offset to read after a restart. Never passes an unfinished record, never moves back. */
  get committableOffset(): number {
    if (this.#head < this.#tail) return this.#headOffset;
    const next = this.#restored[0];
    return next !== undefined && next.from <= this.#position ? next.to : this.#position;
  }

  /** Grows with everything that may change what a commit would say. */
  get version(): number {
    return this.#version;
  }

  /** Records received and not finished. */
  get unfinished(): number {
    return this.#tail - this.#head - this.#finishedAbove;
  }

  /** Finished records that wait behind an unfinished one. */
  get finishedAbove(): number {
    return this.#finishedAbove;
  }

  /** Too many records above the committable offset: the partition should not be fed for now. */
  get isFull(): boolean {
    return this.#full;
  }

  /**
   * A record was received. False when it is not to be run: it is finished by the restored gap map, or was received
   * before (a client that reads again from the committed offset after a rebalance).
   */
  track(offset: number): boolean {
    if (offset < this.#position) return false;
    const known = this.#restored.length > 0 && this.#isRestored(offset);
    this.#position = offset + 1;
    if (known) {
      // Nothing unfinished below: there is no range to keep, the committable offset is past it anyway.
      if (this.#head < this.#tail) {
        this.#push(offset, 1);
        this.#finishedAbove++;
      }
      this.#version++;
      return false;
    }
    this.#push(offset, 0);
    if (this.#tail - this.#head >= this.#limit) this.#full = true;
    return true;
  }

  /** The client's position moved past offsets that hold no record. False when it did not move. */
  advance(position: number): boolean {
    if (position <= this.#position) return false;
    this.#position = position;
    if (this.#restored.length > 0) this.#dropRestoredBelow(position);
    this.#version++;
    return true;
  }

  /** A record is finished. False when it was not unfinished (finished before, or never received). */
  finish(offset: number): boolean {
    if (this.#head === this.#tail) return false;
    if (this.#headOffset === offset) {
      this.#releaseHead();
    } else {
      const at = this.#find(offset);
      if (at === -1 || this.#isFinished(at)) return false;
      this.#mark(at);
      this.#finishedAbove++;
    }
    this.#version++;
    return true;
  }

  /** Finished ranges above the committable offset, ascending; a gap between two finished records belongs to a range. */
  finishedRanges(): OffsetRange[] {
    const ranges: OffsetRange[] = [];
    const committable = this.committableOffset;
    if (this.#finishedAbove > 0) this.#collectFinished(ranges);
    for (const range of this.#restored) {
      const from = Math.max(range.from, this.#position);
      if (range.to <= from || from <= committable) continue;
      const last = ranges[ranges.length - 1];
      if (last?.to === from) ranges[ranges.length - 1] = { from: last.from, to: range.to };
      else ranges.push({ from, to: range.to });
    }
    return ranges;
  }

  /** The lowest unfinished offset; undefined when everything received is finished. */
  get oldestUnfinished(): number | undefined {
    return this.#head < this.#tail ? this.#headOffset : undefined;
  }

  /** Offsets below `offset` that were received and are not finished, ascending. */
  unfinishedBelow(offset: number): number[] {
    const found: number[] = [];
    for (let at = this.#head; at < this.#tail; at++) {
      const one = this.#offsetAt(at);
      if (one >= offset) break;
      if (!this.#isFinished(at)) found.push(one);
    }
    return found;
  }

  #slot(count: number): number {
    return count & this.#mask;
  }

  #offsetAt(count: number): number {
    return this.#hasGaps ? this.#offsets![this.#slot(count)]! : this.#headOffset + count - this.#head;
  }

  #isFinished(count: number): boolean {
    return this.#finished !== undefined && this.#finished[this.#slot(count)] === 1;
  }

  #mark(count: number): void {
    this.#finished ??= new Uint8Array(this.#mask + 1);
    this.#finished[this.#slot(count)] = 1;
  }

  #push(offset: number, finished: 0 | 1): void {
    if (this.#tail - this.#head > this.#mask) this.#grow();
    if (this.#head === this.#tail) this.#headOffset = offset;
    else if (!this.#hasGaps && offset !== this.#offsetAt(this.#tail)) this.#beginGaps();
    const slot = this.#slot(this.#tail++);
    if (this.#hasGaps) this.#offsets![slot] = offset;
    if (this.#finished !== undefined) this.#finished[slot] = 0;
    if (finished === 1) this.#mark(this.#tail - 1);
  }

  #beginGaps(): void {
    const offsets = this.#offsets ?? new Float64Array(this.#mask + 1);
    for (let at = this.#head; at < this.#tail; at++) offsets[this.#slot(at)] = this.#offsetAt(at);
    this.#offsets = offsets;
    this.#hasGaps = true;
  }

  /** The head is finished: it leaves, and so do all finished ones right behind it. */
  #releaseHead(): void {
    this.#dropHead();
    while (this.#finishedAbove > 0 && this.#isFinished(this.#head)) {
      this.#dropHead();
      this.#finishedAbove--;
    }
    if (this.#full && this.#tail - this.#head <= this.#limit >> 1) this.#full = false;
    // A multiple of every capacity: the slots stay the same, and the counts stay 32-bit integers for ever.
    if (this.#head >= REBASE) {
      this.#head -= REBASE;
      this.#tail -= REBASE;
    }
  }

  #dropHead(): void {
    this.#head++;
    if (this.#head === this.#tail) this.#hasGaps = false;
    else this.#headOffset = this.#hasGaps ? this.#offsets![this.#slot(this.#head)]! : this.#headOffset + 1;
  }

  /** Arrival count of `offset`, or -1. Without gaps the first guess is right; each gap moves the place down. */
  #find(offset: number): number {
    const guess = this.#head + (offset - this.#headOffset);
    if (guess < this.#head) return -1;
    if (!this.#hasGaps) return guess < this.#tail ? guess : -1;
    if (guess < this.#tail && this.#offsetAt(guess) === offset) return guess;
    let low = this.#head;
    let high = Math.min(guess, this.#tail - 1);
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#offsetAt(middle);
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #collectFinished(ranges: OffsetRange[]): void {
    for (let at = this.#head; at < this.#tail; at++) {
      if (!this.#isFinished(at)) continue;
      const from = this.#offsetAt(at);
      while (at + 1 < this.#tail && this.#isFinished(at + 1)) at++;
      ranges.push({ from, to: this.#offsetAt(at) + 1 });
    }
  }

  #isRestored(offset: number): boolean {
    this.#dropRestoredBelow(offset);
    const first = this.#restored[0];
    return first !== undefined && first.from <= offset;
  }

  #dropRestoredBelow(offset: number): void {
    let gone = 0;
    while (gone < this.#restored.length && this.#restored[gone]!.to <= offset) gone++;
    if (gone > 0) this.#restored = this.#restored.slice(gone);
  }

  #grow(): void {
    const mask = this.#mask * 2 + 1;
    const offsets = this.#offsets && new Float64Array(mask + 1);
    const finished = this.#finished && new Uint8Array(mask + 1);
    for (let at = this.#head; at < this.#tail; at++) {
      if (offsets !== undefined) offsets[at & mask] = this.#offsets![this.#slot(at)]!;
      if (finished !== undefined) finished[at & mask] = this.#finished![this.#slot(at)]!;
    }
    this.#offsets = offsets;
    this.#finished = finished;
    this.#mask = mask;
  }
}
