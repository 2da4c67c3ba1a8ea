import { type Clock, type Timer } from '../../src/common/clock.js';

// A clock that stands still until the test moves it.

interface Due {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  #lastOrder = 0;
  readonly #due = new Set<Due>();

  constructor(readonly startedAt: number = 1_700_000_000_000) {
    this.#now = startedAt;
  }

  now(): number {
    return Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#now - this.startedAt;
  }

  schedule(delayMs: number, action: () => void): Timer {
    const due: Due = { at: this.#now + Math.max(0, delayMs), order: this.#lastOrder++, action };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  /** Timers that are waiting. */
  get pending(): number {
    return this.#due.size;
  }

  /** Moves time on; timers run in the order in which they are due, each at its own time, what they cause settled. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await flush();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#due.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
      await flush();
    }
    // A leap meanwhile went further: time does not go back.
    this.#now = Math.max(this.#now, until);
  }

  /**
   * Moves time on at once, as for a machine that slept: what was due meanwhile runs once, now. For days, which hold
   * more ticks of the broker's periodic work than a test has time for.
   */
  async leap(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  #next(until: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due) {
      if (due.at > until) continue;
      if (!first || due.at < first.at || (due.at === first.at && due.order < first.order)) first = due;
    }
    return first;
  }
}

/** Lets everything run that is ready: promises and what they start, no timers. */
export async function flush(turns = 3): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
