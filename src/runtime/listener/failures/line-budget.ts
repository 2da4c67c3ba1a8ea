import { type Clock, type Timer } from '../../../common/clock.js';

// How many lines a log takes about things that may happen thousands of times a second: a few by themselves, the others
// as a number at the end of the period.

/** Lines of one period. */
const MOST_LINES = 10;
const PERIOD_MS = 1_000;

export class LineBudget {
  readonly #clock: Clock;
  readonly #tellSum: (unsaid: number) => void;
  #periodStart = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #unsaid = 0;
  #timer: Timer | undefined;

  /** @param tellSum told how many there were beside those with a line, where there were any */
  constructor(clock: Clock, tellSum: (unsaid: number) => void) {
    this.#clock = clock;
    this.#tellSum = tellSum;
  }

  /** Whether this one has a line; else it is counted. */
  take(): boolean {
    if (this.#timer !== undefined) {
      this.#unsaid++;
      return false;
    }
    const now = this.#clock.monotonic();
    if (now - this.#periodStart >= PERIOD_MS) {
      this.#periodStart = now;
      this.#lines = 0;
    }
    if (++this.#lines === MOST_LINES) {
      this.#timer = this.#clock.schedule(this.#periodStart + PERIOD_MS - now, () => this.#sumUp());
    }
    return true;
  }

  /** Says what has not been said yet. */
  close(): void {
    this.#timer?.cancel();
    this.#sumUp();
  }

  #sumUp(): void {
    this.#timer = undefined;
    const unsaid = this.#unsaid;
    this.#unsaid = 0;
    if (unsaid > 0) this.#tellSum(unsaid);
  }
}
