import { type Clock, nextTurn, type Timer } from '../../common/clock.js';

// Records that are not due for long leave together: one request for many costs what one costs, and none comes later for
// it, since each says itself when it is due.

/** The part of its delay that a record waits for others, and the most of it in ms. */
const SHARE = 5;
const MOST_MS = 100;
/** A record that is due earlier than this leaves at once. */
const LEAST_DELAY_MS = 100;
/** So many wait at most. */
const MOST_WAITING = 500;

export class Departures {
  readonly #clock: Clock;
  #waiting: Array<() => void> = [];
  #timer: Timer | undefined;
  #leaveAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when a record may leave that is due in `delayMs`; undefined: now. */
  next(delayMs: number): Promise<void> | undefined {
    if (delayMs < LEAST_DELAY_MS) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length >= MOST_WAITING) this.#leave();
      else this.#leaveBefore(Math.min(MOST_MS, delayMs / SHARE));
    });
  }

  #leaveBefore(waitMs: number): void {
    const at = this.#clock.monotonic() + waitMs;
    if (at >= this.#leaveAt) return;
    this.#timer?.cancel();
    this.#leaveAt = at;
    // Handlers that are due in the same turn go on first: many sends take long. Kept alive, for a failed record that
    // waits here is unfinished work.
    this.#timer = this.#clock.schedule(waitMs, () => nextTurn(() => this.#leave()), { keepAlive: true });
  }

  #leave(): void {
    this.#timer?.cancel();
    this.#leaveAt = Number.POSITIVE_INFINITY;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const leave of waiting) leave();
  }
}
