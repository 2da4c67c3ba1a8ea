import { type BatchOutcome } from '../invocation.js';
import { type Delivery } from './delivery.js';

/** The handler of `worker.delivery` has ended: the call that the worker goes on with, having taken its record. */
export type GoOn = (worker: PoolWorker, outcome: BatchOutcome) => Promise<BatchOutcome> | undefined;

/**
 * One worker: waits for its call and goes on with the next record, until none may start. What it does when a call ends
 * is made once and not for each record, as an async function would.
 */
export class PoolWorker {
  /** The record in work. */
  delivery: Delivery;
  /** @internal Links of the table of workers. */
  older: PoolWorker | undefined = undefined;
  /** @internal */
  newer: PoolWorker | undefined = undefined;
  readonly #ended: (outcome: BatchOutcome) => void;
  readonly #failed: (error: unknown) => void;

  /** `goOn` never throws. */
  constructor(delivery: Delivery, goOn: GoOn) {
    this.delivery = delivery;
    this.#ended = (outcome) => {
      const next = goOn(this, outcome);
      if (next !== undefined) this.waitFor(next);
    };
    this.#failed = (error) => this.#ended({ status: 'failed', error });
  }

  waitFor(call: Promise<BatchOutcome>): void {
    // Anything with a `then` may be answered: only a promise of the language calls back later, and once.
    const promise = call instanceof Promise ? call : Promise.resolve(call);
    void promise.then(this.#ended, this.#failed);
  }
}
