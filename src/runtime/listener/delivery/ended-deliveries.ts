import { type BatchOutcome, DONE } from '../invocation.js';
import { type Delivery } from './delivery.js';

// Deliveries whose handler has ended well and whose book-keeping (lane, tracker, budget, commit) waits for the end of
// the turn. Handlers that wait end together: many timers in one turn, many answers of one packet. What they free are
// workers, and each of those should start its next record first: book-keeping between two of them would be time that
// all the others wait. Until then the record counts as running, so it is neither committed nor given up as finished.
//
// Linked through the deliveries: nothing is allocated.

export class EndedDeliveries {
  #first: Delivery | undefined;
  #last: Delivery | undefined;
  #size = 0;

  /** Workers that are free although their records still count as running. */
  get size(): number {
    return this.#size;
  }

  /** Whether the book-keeping of this end may wait: nothing but a normal return, and nobody waits behind it. */
  static mayWait(delivery: Delivery, outcome: BatchOutcome): boolean {
    return outcome === DONE && delivery.next === null && delivery.isPlain;
  }

  add(delivery: Delivery): void {
    if (this.#last === undefined) this.#first = delivery;
    else this.#last.newer = delivery;
    this.#last = delivery;
    this.#size++;
  }

  /** Takes the oldest one out. */
  take(): Delivery | undefined {
    const delivery = this.#first;
    if (delivery === undefined) return undefined;
    this.#first = delivery.newer;
    if (this.#first === undefined) this.#last = undefined;
    delivery.newer = undefined;
    this.#size--;
    return delivery;
  }
}
