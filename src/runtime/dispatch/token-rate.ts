// A rate as a pure core: so many a second, a few more at once after a pause. Each caller is given the time at which its
// turn comes, so that those who wait need not race for it (the generic cell rate algorithm).

export interface RateOptions {
  /** Above 0; fractions make sense: 0.1 is one in ten seconds. */
  readonly perSecond: number;
  /** How many may go at once after a pause, at least 1. Default 1. */
  readonly burst?: number;
}

export class TokenRate {
  readonly #intervalMs: number;
  readonly #slackMs: number;
  /** When everything that was given away so far would be used up at the plain rate. */
  #usedUntil = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst = 1 }: RateOptions) {
    this.#intervalMs = 1_000 / perSecond;
    this.#slackMs = (burst - 1) * this.#intervalMs;
  }

  /** The time at which the caller may go, `now` or later. */
  reserve(now: number): number {
    const from = Math.max(now, this.#usedUntil);
    this.#usedUntil = from + this.#intervalMs;
    return Math.max(now, from - this.#slackMs);
  }

  /** As good as new: nothing is gained by remembering it. */
  isFresh(now: number): boolean {
    return this.#usedUntil <= now;
  }
}
