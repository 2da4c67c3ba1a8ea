import { type BatchOutcome, DONE } from '../invocation.js';
import { type Delivery } from './delivery.js';

// Deliveries whose handler has ended and whose book-keeping (lane, tracker, budget, commit; all that becomes of one
// that failed) waits for the end of the turn. Handlers that wait end together: many timers in one turn, many answers of
// one packet. What they free are workers, and each of those should start its next record first: book-keeping between
// two of them would be time that all the others wait. Until then the record counts as running, so it is neither
// committed nor given up as finished.
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

  /** Takes an end in whose book-keeping may wait: a normal return or a failure, and nobody waits behind it. */
  takes(delivery: Delivery, outcome: BatchOutcome): boolean {
    if (delivery.next !== null || !delivery.isPlain) return false;
    if (outcome.status === 'failed') delivery.failure = outcome;
    else if (outcome !== DONE) return false;
    this.#add(delivery);
    return true;
  }

  #add(delivery: Delivery): void {
    if (this.#last === undefined) this.#first = delivery;
    else this.#last.nextEnded = delivery;
    this.#last = delivery;
    this.#size++;
  }

  /** Takes the oldest one out. */
  take(): Delivery | undefined {
    const delivery = this.#first;
    if (delivery === undefined) return undefined;
    this.#first = delivery.nextEnded;
    if (this.#first === undefined) this.#last = undefined;
    delivery.nextEnded = undefined;
    this.#size--;
    return delivery;
  }
}
