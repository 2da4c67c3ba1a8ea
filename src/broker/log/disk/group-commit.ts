import { type CommitGathering } from './commit-gathering.js';

// One fsync for all that wait: calls made while a sync runs share the next one.

export class GroupCommit {
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(
    private readonly gathering: CommitGathering,
    private readonly sync: () => Promise<void>,
  ) {}

  /** Resolves after a sync that began after this call; rejects with that sync's error. */
  commit(): Promise<void> {
    this.gathering.asked();
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(previous: Promise<void> | undefined): Promise<void> {
    // At least one turn later, so that all appends of this turn are covered. The earlier error is its callers'.
    await previous?.catch(() => undefined);
    await this.gathering.gather();
    this.#running = this.#next;
    this.#next = undefined;
    const done = this.gathering.begin();
    try {
      await this.sync();
    } finally {
      done();
    }
  }
}
