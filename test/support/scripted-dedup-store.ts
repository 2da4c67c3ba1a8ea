import { type Deferred, deferred } from '../../src/common/lifecycle.js';
import { type ClaimAnswer, type Claimant, type DedupStore, type IdGroup } from '../../src/runtime/dedup/dedup-store.js';
import { MemoryDedupStore } from '../../src/runtime/dedup/memory-dedup-store.js';

// A store elsewhere, as far as the guard can tell: it answers later, notes its calls, and is down when told to be.

export class ScriptedDedupStore implements DedupStore {
  readonly memory = new MemoryDedupStore();
  readonly calls: string[] = [];
  isDown = false;
  #held: Deferred<void> | undefined;

  /** Answers wait until `letGo`. */
  hold(): void {
    this.#held ??= deferred();
  }

  letGo(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  claim(groups: readonly IdGroup[], claimant: Claimant): Promise<ClaimAnswer[]> {
    return this.#answer('claim', groups, () => this.memory.claim(groups, claimant));
  }

  finish(groups: readonly IdGroup[], claimant: Claimant): Promise<void> {
    return this.#answer('finish', groups, () =>
      this.memory.finish(groups, claimant, { count: 1_000, timeMs: undefined }),
    );
  }

  release(groups: readonly IdGroup[], claimant: Claimant): Promise<void> {
    return this.#answer('release', groups, () => this.memory.release(groups, claimant));
  }

  renew(groups: readonly IdGroup[]): Promise<void> {
    return this.#answer('renew', groups, () => undefined);
  }

  async #answer<T>(what: string, groups: readonly IdGroup[], act: () => T): Promise<T> {
    this.calls.push(`${what} ${groups.flatMap(({ ids }) => ids).join(' ')}`);
    await this.#held?.promise;
    if (this.isDown) throw new Error('connection refused');
    return act();
  }
}
