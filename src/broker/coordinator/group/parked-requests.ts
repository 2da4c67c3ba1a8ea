import { type Deferred, deferred } from '../../../common/lifecycle.js';
import { type Ticket } from './group-effects.js';

/** Requests of one kind that wait for an answer. Each is answered once; a second answer is an error of ours. */
export class ParkedRequests<A> {
  readonly #waiting = new Map<Ticket, Deferred<A>>();
  #last: Ticket = 0;

  get size(): number {
    return this.#waiting.size;
  }

  park(): { readonly ticket: Ticket; readonly answer: Promise<A> } {
    const parked = deferred<A>();
    this.#waiting.set(++this.#last, parked);
    return { ticket: this.#last, answer: parked.promise };
  }

  /** The answer leaves when `after` has resolved; if that fails, the request fails with it. */
  answer(ticket: Ticket, answer: A, after: Promise<void> | undefined): void {
    const parked = this.#waiting.get(ticket);
    if (!parked) throw new Error(`request ${ticket} is answered a second time`);
    this.#waiting.delete(ticket);
    if (after)
      after.then(
        () => parked.resolve(answer),
        (error: unknown) => parked.reject(error),
      );
    else parked.resolve(answer);
  }

  answerAll(answer: A): void {
    for (const parked of this.#waiting.values()) parked.resolve(answer);
    this.#waiting.clear();
  }
}
