import { type Clock, every, type Timer } from '../../common/clock.js';
import { type SteeringOptions, WorkerSteering } from '../dispatch/worker-steering.js';

// Lets a pool find its own number of workers: measures a period, asks the controller, sets the number.

const PERIOD_MS = 1_000;

export interface PoolSteeringOptions extends SteeringOptions {
  readonly clock: Clock;
  readonly workers: () => number;
  readonly isSaturated: () => boolean;
  /** Records in the log and in memory that are not handled. */
  readonly lag: () => number;
  readonly resize: (workers: number) => void;
}

export class PoolSteering {
  readonly #options: PoolSteeringOptions;
  readonly #steering: WorkerSteering;
  #timer: Timer | undefined;
  #finished = 0;
  #busyMs = 0;

  constructor(options: PoolSteeringOptions) {
    this.#options = options;
    this.#steering = new WorkerSteering(options);
  }

  start(): void {
    this.#timer ??= every(this.#options.clock, PERIOD_MS, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A handler took this long. */
  took(ms: number): void {
    this.#finished++;
    this.#busyMs += ms;
  }

  #look(): void {
    const { workers, isSaturated, lag, resize } = this.#options;
    const sample = { finished: this.#finished, busyMs: this.#busyMs, isSaturated: isSaturated(), lag: lag() };
    this.#finished = this.#busyMs = 0;
    const before = workers();
    const after = this.#steering.next(before, sample);
    if (after !== before) resize(after);
  }
}
