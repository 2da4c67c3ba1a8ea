import { type TopicPartition } from '../../../common/topic-partition.js';
import { type Delivery } from './delivery.js';
import { type PoolWorker } from './pool-worker.js';

// Deliveries whose handler has answered with a promise: those that workers wait for. A worker is in here as long as it
// goes on from record to record, so that a record costs nothing. Linked through the workers: adding and removing
// allocate nothing and look nothing up.

export class InFlightTable {
  #oldest: PoolWorker | undefined;
  #newest: PoolWorker | undefined;

  add(worker: PoolWorker): void {
    worker.older = this.#newest;
    if (this.#newest) this.#newest.newer = worker;
    else this.#oldest = worker;
    this.#newest = worker;
  }

  remove(worker: PoolWorker): void {
    if (worker.older) worker.older.newer = worker.newer;
    else this.#oldest = worker.newer;
    if (worker.newer) worker.newer.older = worker.older;
    else this.#newest = worker.older;
    worker.older = worker.newer = undefined;
  }

  /** What was called first. */
  get oldest(): Delivery | undefined {
    let oldest: Delivery | undefined;
    for (const delivery of this) if (oldest === undefined || delivery.startedAt < oldest.startedAt) oldest = delivery;
    return oldest;
  }

  /** In no order; the one just handed out may be removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<Delivery> {
    let next = this.#oldest;
    while (next) {
      const { delivery, newer } = next;
      next = newer;
      yield delivery;
    }
  }

  *ofPartition({ topic, partition }: TopicPartition): IterableIterator<Delivery> {
    for (const delivery of this) {
      if (delivery.record.partition === partition && delivery.record.topic === topic) yield delivery;
    }
  }
}
