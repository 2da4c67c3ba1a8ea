import { type DedupWindow } from './dedup-store.js';

// The ids of one partition in the order in which they were finished, as long as the window keeps them. Pure.

/** The most that is kept whatever the window says, so that a long time window cannot fill the memory. */
export const MOST_IDS = 1_000_000;

const COMPACT_AT = 1_024;

export class RecentIds {
  #ids: string[] = [];
  #times: number[] = [];
  #head = 0;

  get size(): number {
    return this.#ids.length - this.#head;
  }

  add(id: string, now: number): void {
    this.#ids.push(id);
    this.#times.push(now);
  }

  /** Takes the oldest id if the window does not keep it any more. */
  takeExpired(window: DedupWindow, now: number): string | undefined {
    if (this.size === 0 || !this.#isExpired(window, now)) return undefined;
    const id = this.#ids[this.#head++]!;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#ids.length) {
      this.#ids = this.#ids.slice(this.#head);
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    return id;
  }

  #isExpired({ count, timeMs }: DedupWindow, now: number): boolean {
    if (this.size > MOST_IDS) return true;
    if (count !== undefined && this.size <= count) return false;
    return timeMs === undefined || this.#times[this.#head]! + timeMs <= now;
  }
}
