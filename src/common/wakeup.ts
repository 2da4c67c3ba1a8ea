import { type Clock, type ScheduleOptions } from './clock.js';
import { type Deferred, deferred } from './lifecycle.js';

// Waiting for something to happen, or for a time to pass, whichever comes first.

export class Wakeup {
  #waiting: Deferred<void> | undefined;

  /** Ends the wait that is going on, if there is one. */
  wake(): void {
    this.#waiting?.resolve();
  }

  /** Resolves when woken, after `maxWaitMs`, or when `signal` aborts. */
  async wait(clock: Clock, maxWaitMs: number, signal?: AbortSignal, options?: ScheduleOptions): Promise<void> {
    if (signal?.aborted) return;
    const waiting = deferred();
    this.#waiting = waiting;
    const wake = (): void => waiting.resolve();
    signal?.addEventListener('abort', wake, { once: true });
    const timer = clock.schedule(maxWaitMs, wake, options);
    await waiting.promise;
    timer.cancel();
    signal?.removeEventListener('abort', wake);
    if (this.#waiting === waiting) this.#waiting = undefined;
  }
}
