import { Waiters } from '../../../common/lifecycle.js';

// What must not happen while polled records are on their way from the client to the trackers: positions may not move
// under them. Whoever asks is served at once when nothing is on its way, else right after the poll, which is cut short.

export class OwnerQueue {
  #tasks: Array<() => void> = [];
  #isPolling = false;
  /** Of the poll under way and of those behind it, until it cuts one short: a poll that brings much is made often. */
  #early = new AbortController();
  readonly #waiters = new Waiters();

  /** Runs `task` now, or when the poll under way has been taken over. */
  run(task: () => void): void {
    if (!this.#isPolling) {
      task();
      return;
    }
    this.#tasks.push(task);
    this.#early.abort();
  }

  /** A poll begins; the signal asks it to come back early. */
  enter(): AbortSignal {
    this.#isPolling = true;
    if (this.#early.signal.aborted) this.#early = new AbortController();
    return this.#early.signal;
  }

  /** Lets the poll under way come back early. */
  cutShort(): void {
    if (this.#isPolling) this.#early.abort();
  }

  /** What the poll brought is taken over, or dropped. */
  leave(): void {
    this.#isPolling = false;
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    this.#waiters.release();
  }

  /** Resolves when everything asked for so far has been done. */
  drained(): Promise<void> {
    if (this.#tasks.length === 0) return Promise.resolve();
    return this.#waiters.wait();
  }
}
