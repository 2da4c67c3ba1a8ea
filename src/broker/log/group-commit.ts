// One fsync for all that wait: calls made while a sync runs share the next one.

export class GroupCommit {
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(private readonly sync: () => Promise<void>) {}

  /** Resolves after a sync that began after this call; rejects with that sync's error. */
  commit(): Promise<void> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(previous: Promise<void> | undefined): Promise<void> {
    // At least one turn later, so that all appends of this turn are covered. The earlier error is its callers'.
    await previous?.catch(() => undefined);
    this.#running = this.#next;
    this.#next = undefined;
    await this.sync();
  }
}
