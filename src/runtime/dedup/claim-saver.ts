import { type Claim } from './claim.js';
import { type ClaimTable, groupsOf } from './claim-table.js';
import { type Claimant, type DedupStore, type DedupWindow } from './dedup-store.js';

// Tells the store how claims ended: one call at a time, what ends meanwhile goes with the next. No handler waits for
// it; the commit of the offset does.

export interface ClaimSaverOptions {
  readonly store: DedupStore;
  readonly table: ClaimTable;
  readonly claimant: Claimant;
  readonly window: DedupWindow;
  readonly onSaved: () => void;
  readonly onFailed: (error: unknown) => void;
}

export class ClaimSaver {
  readonly #options: ClaimSaverOptions;
  #finished: Claim[] = [];
  #released: Claim[] = [];
  /** Resolves with what went wrong, if something did. */
  #saving: Promise<{ readonly error: unknown } | undefined> | undefined;

  constructor(options: ClaimSaverOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#saving === undefined && this.#finished.length === 0;
  }

  finished(claim: Claim): void {
    this.#finished.push(claim);
    this.#save();
  }

  released(claim: Claim): void {
    this.#released.push(claim);
    this.#save();
  }

  /** The id is claimed again: a release that was not sent yet must not come after that. */
  reclaimed(claim: Claim): void {
    const at = this.#released.indexOf(claim);
    if (at !== -1) this.#released.splice(at, 1);
  }

  /** Resolves when the store knows everything; rejects with what kept it from that. */
  async saved(): Promise<void> {
    while (!this.isIdle) {
      this.#save();
      const failure = await this.#saving;
      if (failure) throw failure.error;
    }
  }

  #save(): void {
    this.#saving ??= this.#saveAll();
  }

  async #saveAll(): Promise<{ readonly error: unknown } | undefined> {
    // In a later turn: what ends in this one goes along.
    await Promise.resolve();
    try {
      while (this.#finished.length > 0 || this.#released.length > 0) await this.#saveOnce();
      this.#options.onSaved();
      return undefined;
    } catch (error) {
      this.#options.onFailed(error);
      return { error };
    } finally {
      this.#saving = undefined;
    }
  }

  async #saveOnce(): Promise<void> {
    const { store, table, claimant } = this.#options;
    const [finished, released] = [this.#finished, this.#released];
    this.#finished = [];
    this.#released = [];
    try {
      if (released.length > 0) await store.release(groupsOf(released), claimant);
    } finally {
      // One that the store did not hear ends with its lease.
      for (const claim of released) table.delete(claim);
      if (finished.length > 0) await this.#finish(finished);
    }
  }

  async #finish(finished: Claim[]): Promise<void> {
    const { store, table, claimant, window } = this.#options;
    try {
      await store.finish(groupsOf(finished), claimant, window);
    } catch (error) {
      this.#finished = [...finished, ...this.#finished];
      throw error;
    }
    for (const claim of finished) table.delete(claim);
  }
}
