import { type Deferred, deferred } from '../../common/lifecycle.js';
import { fromPlainError, type PlainError } from './plain-error.js';

// Questions to another thread that are not answered yet, by their numbers.

export class PendingRequests<T = void> {
  readonly #waiting = new Map<number, Deferred<T>>();
  #last = 0;

  /** One more; `ask` posts it with its number. */
  open(ask: (request: number) => void): Promise<T> {
    const request = ++this.#last;
    const answer = deferred<T>();
    this.#waiting.set(request, answer);
    ask(request);
    return answer.promise;
  }

  /** The answer has come; one that nobody waits for is passed over. */
  settle(request: number, error: PlainError | undefined, value: T): void {
    const answer = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (error) answer?.reject(fromPlainError(error));
    else answer?.resolve(value);
  }

  /** There will be no answers any more. */
  rejectAll(reason: Error): void {
    for (const answer of this.#waiting.values()) answer.reject(reason);
    this.#waiting.clear();
  }
}
