import { type RedisRunner } from '../redis/redis-scripts.js';
import { type ClaimAnswer, type Claimant, type DedupStore, type DedupWindow, type IdGroup } from './dedup-store.js';
import { CLAIM, FINISH, RELEASE, RENEW } from './redis-dedup-scripts.js';

// Ids in Redis, shared by all processes. Times are Redis's own, so that clocks of processes need not agree.

const ANSWERS: Readonly<Record<string, ClaimAnswer>> = { '0': 'done', '1': 'first', '2': 'in-progress' };

/**
 * One list for all partitions of a scope, where time alone forgets: it and the hash then end together. A list of an
 * idle partition would end before, and its ids stay in the hash for ever.
 */
const BY_TIME = 'by-time';

export interface RedisDedupOptions {
  /** Beginning of its keys. Default `nestdaw:dedup`. */
  readonly prefix?: string;
}

/**
 * A `DedupStore` in Redis (5 or newer, Valkey, or a cluster of them). A batch of ids of one scope is one script and one
 * round trip. What Redis forgets after a crash of its own is forgotten: `appendfsync always` keeps all, `everysec`
 * loses up to a second.
 */
export class RedisDedupStore implements DedupStore {
  readonly #redis: RedisRunner;
  readonly #prefix: string;

  constructor(redis: RedisRunner, { prefix = 'nestdaw:dedup' }: RedisDedupOptions = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async claim(groups: readonly IdGroup[], { owner, leaseMs }: Claimant): Promise<ClaimAnswer[]> {
    const answers = await Promise.all(
      inScopes(groups).map(([scope, ids]) => this.#redis.run(CLAIM, [this.#hash(scope)], [owner, leaseMs, ...ids])),
    );
    // Groups of one scope went together; their answers are taken from its text, in the order of the groups.
    const left = new Map(inScopes(groups).map(([scope], index) => [scope, { text: String(answers[index]), at: 0 }]));
    return groups.flatMap(({ scope, ids }) => {
      const answer = left.get(scope)!;
      return ids.map(() => ANSWERS[answer.text[answer.at++]!]!);
    });
  }

  async finish(groups: readonly IdGroup[], { leaseMs }: Claimant, { count, timeMs }: DedupWindow): Promise<void> {
    const scopes = new Map<string, { readonly keys: string[]; readonly args: Array<string | number> }>();
    for (const { scope, topic, partition, ids } of groups) {
      let call = scopes.get(scope);
      if (call === undefined) {
        call = { keys: [this.#hash(scope)], args: [count ?? -1, timeMs ?? -1, leaseMs] };
        scopes.set(scope, call);
      }
      const list = count === undefined ? BY_TIME : `${topic}-${partition}`;
      call.keys.push(`${this.#prefix}:{${scope}}:${list}`);
      call.args.push(ids.length, ...ids);
    }
    await Promise.all(Array.from(scopes.values(), ({ keys, args }) => this.#redis.run(FINISH, keys, args)));
  }

  async release(groups: readonly IdGroup[], { owner }: Claimant): Promise<void> {
    await Promise.all(
      inScopes(groups).map(([scope, ids]) => this.#redis.run(RELEASE, [this.#hash(scope)], [owner, ...ids])),
    );
  }

  async renew(groups: readonly IdGroup[], { owner, leaseMs }: Claimant): Promise<void> {
    await Promise.all(
      inScopes(groups).map(([scope, ids]) => this.#redis.run(RENEW, [this.#hash(scope)], [owner, leaseMs, ...ids])),
    );
  }

  /** The braces keep all keys of a scope on one node of a cluster. */
  #hash(scope: string): string {
    return `${this.#prefix}:{${scope}}:ids`;
  }
}

function inScopes(groups: readonly IdGroup[]): ReadonlyArray<readonly [scope: string, ids: readonly string[]]> {
  if (groups.length === 1) return [[groups[0]!.scope, groups[0]!.ids]];
  const scopes = new Map<string, string[]>();
  for (const { scope, ids } of groups) {
    const known = scopes.get(scope);
    if (known) known.push(...ids);
    else scopes.set(scope, [...ids]);
  }
  return [...scopes];
}
