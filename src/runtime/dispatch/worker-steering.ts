// How many workers a pool should have, as a pure controller: told what happened in a period, it answers with the number
// for the next one. It probes upwards while that pays and backs off when it does not.

export type SteeringMeasure = 'latency' | 'lag';

export interface SteeringOptions {
  readonly min: number;
  readonly max: number;
  /**
   * `latency`: more while handlers take no longer for it; fewer when they do, for then something behind them is full.
   * `lag`: more while what waits in the log grows or stays, fewer when there is none.
   */
  readonly by: SteeringMeasure;
}

/** One period. */
export interface SteeringSample {
  /** Handlers that ended, and the time that they took together, ms. */
  readonly finished: number;
  readonly busyMs: number;
  /** All workers had work and more was waiting. */
  readonly isSaturated: boolean;
  /** Records in the log and in memory that are not handled. */
  readonly lag: number;
}

/** Handlers that take this much longer than they did at best are being held up. */
const SLOWER = 1.5;
/** The best latency is forgotten slowly: work changes. */
const FORGET = 1.002;
const CALM_PERIODS = 5;

export class WorkerSteering {
  readonly #options: SteeringOptions;
  #bestMs = Number.POSITIVE_INFINITY;
  #lastLag = 0;
  #calm = 0;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  next(workers: number, sample: SteeringSample): number {
    const { min, max, by } = this.#options;
    const wanted = by === 'latency' ? this.#byLatency(workers, sample) : this.#byLag(workers, sample);
    return Math.min(max, Math.max(min, wanted));
  }

  #byLatency(workers: number, { finished, busyMs, isSaturated }: SteeringSample): number {
    if (finished === 0) return isSaturated ? workers : this.#shrinkWhenCalm(workers);
    const ms = busyMs / finished;
    this.#bestMs = Math.min(this.#bestMs * FORGET, ms);
    if (ms > this.#bestMs * SLOWER + 1) return Math.floor(workers * 0.8);
    if (!isSaturated) return this.#shrinkWhenCalm(workers);
    this.#calm = 0;
    return workers + Math.ceil(Math.sqrt(workers));
  }

  #byLag(workers: number, { lag, isSaturated }: SteeringSample): number {
    const before = this.#lastLag;
    this.#lastLag = lag;
    if (!isSaturated) return this.#shrinkWhenCalm(workers);
    this.#calm = 0;
    // A backlog that melts by a tenth in a period is on its way.
    return lag > before * 0.9 ? Math.ceil(workers * 1.5) : workers;
  }

  #shrinkWhenCalm(workers: number): number {
    if (++this.#calm < CALM_PERIODS) return workers;
    return Math.floor(workers * 0.9);
  }
}
