import { type TopicPartition } from '../../../common/topic-partition.js';
import { type Delivery } from './delivery.js';

// Deliveries whose handler has answered with a promise, oldest first. Linked through the deliveries: adding and
// removing allocate nothing and look nothing up.

export class InFlightTable {
  #oldest: Delivery | undefined;
  #newest: Delivery | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): Delivery | undefined {
    return this.#oldest;
  }

  /** Must be given in the order of `startedAt`. */
  add(delivery: Delivery): void {
    delivery.older = this.#newest;
    if (this.#newest) this.#newest.newer = delivery;
    else this.#oldest = delivery;
    this.#newest = delivery;
    this.#size++;
  }

  remove(delivery: Delivery): void {
    if (delivery.older) delivery.older.newer = delivery.newer;
    else this.#oldest = delivery.newer;
    if (delivery.newer) delivery.newer.older = delivery.older;
    else this.#newest = delivery.older;
    delivery.older = delivery.newer = undefined;
    this.#size--;
  }

  /** Oldest first; the one just handed out may be removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<Delivery> {
    let next = this.#oldest;
    while (next) {
      const delivery = next;
      next = delivery.newer;
      yield delivery;
    }
  }

  *ofPartition({ topic, partition }: TopicPartition): IterableIterator<Delivery> {
    for (const delivery of this) {
      if (delivery.record.partition === partition && delivery.record.topic === topic) yield delivery;
    }
  }
}
