import { type Clock, systemClock } from '../../common/clock.js';
import { TopicPartitionMap } from '../../common/topic-partition.js';
import { type ClaimAnswer, type Claimant, type DedupStore, type DedupWindow, type IdGroup } from './dedup-store.js';
import { RecentIds } from './recent-ids.js';

// Ids in the memory of this process: the fastest store, for one process, and forgotten with it.

/** In place of an owner: the id is finished. */
const DONE = Symbol('done');

interface Scope {
  /** Owner of a claim, or DONE. */
  readonly states: Map<string, string | typeof DONE>;
  readonly recent: TopicPartitionMap<RecentIds>;
}

/** A `DedupStore` in memory, bounded by the window (and by a million ids a partition). */
export class MemoryDedupStore implements DedupStore {
  readonly isLocal = true;
  readonly #clock: Clock;
  readonly #scopes = new Map<string, Scope>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  claim(groups: readonly IdGroup[], { owner }: Claimant): ClaimAnswer[] {
    const answers: ClaimAnswer[] = [];
    for (const { scope, ids } of groups) {
      const { states } = this.#scope(scope);
      for (const id of ids) {
        const state = states.get(id);
        if (state === undefined) states.set(id, owner);
        answers.push(state === undefined || state === owner ? 'first' : state === DONE ? 'done' : 'in-progress');
      }
    }
    return answers;
  }

  /** `onForgotten` hears of ids that the window does not keep any more. */
  finish(
    groups: readonly IdGroup[],
    _claimant: Claimant,
    window: DedupWindow,
    onForgotten?: (group: IdGroup, id: string) => void,
  ): void {
    const now = this.#clock.monotonic();
    for (const group of groups) {
      const { scope, topic, partition, ids } = group;
      const { states, recent } = this.#scope(scope);
      const kept = recent.getOrCreate(topic, partition, () => new RecentIds());
      for (const id of ids) {
        if (states.get(id) === DONE) continue;
        states.set(id, DONE);
        kept.add(id, now);
      }
      let gone = kept.takeExpired(window, now);
      while (gone !== undefined) {
        states.delete(gone);
        onForgotten?.(group, gone);
        gone = kept.takeExpired(window, now);
      }
    }
  }

  release(groups: readonly IdGroup[], { owner }: Claimant): void {
    for (const { scope, ids } of groups) {
      const { states } = this.#scope(scope);
      for (const id of ids) if (states.get(id) === owner) states.delete(id);
    }
  }

  renew(): void {
    // A claim lives as long as this process, and so does who has it.
  }

  #scope(name: string): Scope {
    const known = this.#scopes.get(name);
    if (known) return known;
    const scope: Scope = { states: new Map(), recent: new TopicPartitionMap() };
    this.#scopes.set(name, scope);
    return scope;
  }
}
