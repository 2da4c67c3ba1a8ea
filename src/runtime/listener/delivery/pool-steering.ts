import { type Clock, every, type Timer } from '../../../common/clock.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type SteeringOptions, WorkerSteering } from '../../dispatch/worker-steering.js';
import { type ContainerEvents } from '../container-events.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type Delivery } from './delivery.js';

// Lets a pool find its own number of workers: measures a period, asks the controller, sets the number.

const PERIOD_MS = 1_000;

export interface PoolSteeringParts {
  readonly index: number;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly clock: Clock;
  readonly events: ContainerEvents;
  /** There may be more workers than before. */
  readonly wake: () => void;
}

/** Undefined for a pool whose number of workers is given. */
export function steeringOf(bounds: SteeringOptions | undefined, parts: PoolSteeringParts): PoolSteering | undefined {
  return bounds && new PoolSteering(bounds, parts);
}

export class PoolSteering {
  readonly #parts: PoolSteeringParts;
  readonly #steering: WorkerSteering;
  #timer: Timer | undefined;
  #finished = 0;
  #busyMs = 0;

  constructor(bounds: SteeringOptions, parts: PoolSteeringParts) {
    this.#parts = parts;
    this.#steering = new WorkerSteering(bounds);
  }

  start(): void {
    this.#timer ??= every(this.#parts.clock, PERIOD_MS, () => this.#look());
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
    const { dispatcher, partitions, events, index, wake } = this.#parts;
    const { isSaturated, workers: from } = dispatcher;
    const sample = { finished: this.#finished, busyMs: this.#busyMs, isSaturated, lag: partitions.lag() };
    this.#finished = this.#busyMs = 0;
    const to = this.#steering.next(from, sample);
    if (to === from) return;
    dispatcher.workers = to;
    events.emit({ type: 'resized', consumer: index, from, to });
    wake();
  }
}
