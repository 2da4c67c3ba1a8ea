import { beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Claimant, type DedupStore, type IdGroup } from '../../../src/runtime/dedup/dedup-store.js';
import { MemoryDedupStore } from '../../../src/runtime/dedup/memory-dedup-store.js';
import { RedisDedupStore } from '../../../src/runtime/dedup/redis-dedup-store.js';
import { redisRunner } from '../../../src/runtime/redis/redis-scripts.js';
import { describeWith } from '../../support/describe-with.js';
import { ManualClock } from '../../support/manual-clock.js';
import { whyNoRedis } from '../../support/servers/redis.js';
import { redisClient } from '../../support/servers/store-clients.js';

// One suite for every store of claims. SQL has its own: there the transaction is the claim.

let scopes = 0;
const ME: Claimant = { owner: 'me', leaseMs: 60_000 };
const OTHER: Claimant = { owner: 'other', leaseMs: 60_000 };
const KEEP_ALL = { count: 1_000, timeMs: undefined };

function behavesAsAStore(name: string, make: () => DedupStore): void {
  describe(`${name}`, () => {
    let store: DedupStore;
    let scope: string;
    const group = (ids: readonly string[], partition = 0): IdGroup => ({ scope, topic: 'orders', partition, ids });

    beforeEach(() => {
      store = make();
      scope = `billing-${process.pid}-${++scopes}`;
    });

    it('gives an id to the first, and says done once it is finished', async () => {
      expect(await store.claim([group(['a', 'b'])], ME)).toEqual(['first', 'first']);
      expect(await store.claim([group(['b', 'c'])], OTHER)).toEqual(['in-progress', 'first']);
      await store.finish([group(['a'])], ME, KEEP_ALL);
      expect(await store.claim([group(['a', 'b', 'c'])], ME)).toEqual(['done', 'first', 'in-progress']);
    });

    it('gives exactly one of two at once the id', async () => {
      const all = await Promise.all(
        Array.from({ length: 20 }, async (_, at) => store.claim([group(['x'])], { ...ME, owner: `o${at}` })),
      );
      expect(all.flat().filter((answer) => answer === 'first')).toHaveLength(1);
    });

    it('frees what is released, and only by its owner', async () => {
      await store.claim([group(['a', 'b'])], ME);
      await store.release([group(['a', 'b'])], OTHER);
      expect(await store.claim([group(['a'])], OTHER)).toEqual(['in-progress']);
      await store.release([group(['a'])], ME);
      expect(await store.claim([group(['a', 'b'])], OTHER)).toEqual(['first', 'in-progress']);
    });

    it('keeps scopes apart and partitions of one together', async () => {
      await store.claim([group(['a'], 0)], ME);
      await store.finish([group(['a'], 0)], ME, KEEP_ALL);
      expect(await store.claim([group(['a'], 1), { ...group(['a']), scope: `${scope}-2` }], ME)).toEqual([
        'done',
        'first',
      ]);
    });

    it('answers in the order of groups of several scopes and partitions', async () => {
      await store.claim([group(['b'])], ME);
      await store.finish([group(['b'])], ME, KEEP_ALL);
      const second = { ...group(['b']), scope: `${scope}-2` };
      const answers = await store.claim([group(['a']), second, group(['b', 'c'], 1)], OTHER);
      expect(answers).toEqual(['first', 'first', 'done', 'first']);
    });

    it('forgets the oldest ids of a partition beyond the count', async () => {
      const ids = Array.from({ length: 2_500 }, (_, at) => `id-${at}`);
      await store.claim([group(ids)], ME);
      await store.finish([group(ids)], ME, { count: 1_000, timeMs: undefined });
      const answers = await store.claim([group(ids)], OTHER);
      expect(answers.slice(0, 1_500).every((answer) => answer === 'first')).toBe(true);
      expect(answers.slice(1_500).every((answer) => answer === 'done')).toBe(true);
    });

    it('keeps a window for each partition that is finished in one call, in several scopes', async () => {
      const groups = [group(['a', 'b', 'c']), group(['d'], 1), { ...group(['a', 'e']), scope: `${scope}-2` }];
      await store.claim(groups, ME);
      await store.finish(groups, ME, { count: 2, timeMs: undefined });
      expect(await store.claim(groups, OTHER)).toEqual(['first', 'done', 'done', 'done', 'done', 'done']);
      await store.finish([group(['f', 'g'], 1)], ME, { count: 2, timeMs: undefined });
      expect(await store.claim([group(['b', 'c', 'd', 'f', 'g'])], ME)).toEqual([
        'done',
        'done',
        'first',
        'done',
        'done',
      ]);
    });

    it('counts an id once that is finished twice', async () => {
      const window = { count: 2, timeMs: undefined };
      await store.claim([group(['a', 'b'])], ME);
      await store.finish([group(['a', 'b'])], ME, window);
      await store.finish([group(['b'])], ME, window);
      await store.finish([group(['b'])], ME, window);
      expect(await store.claim([group(['a', 'b'])], OTHER)).toEqual(['done', 'done']);
    });
  });
}

behavesAsAStore('memory', () => new MemoryDedupStore());

describe('memory', () => {
  const group = (ids: readonly string[]): IdGroup => ({ scope: 's', topic: 't', partition: 0, ids });

  it('keeps ids for the time of the window, or the count, whichever is longer', async () => {
    const clock = new ManualClock();
    const store = new MemoryDedupStore(clock);
    const window = { count: 2, timeMs: 1_000 };
    store.claim([group(['a', 'b', 'c'])], ME);
    store.finish([group(['a', 'b', 'c'])], ME, window);
    expect(store.claim([group(['a'])], ME)).toEqual(['done']);
    await clock.advance(1_001);
    store.claim([group(['d'])], ME);
    store.finish([group(['d'])], ME, window);
    expect(store.claim([group(['a', 'b', 'c', 'd'])], OTHER)).toEqual(['first', 'first', 'done', 'done']);
  });
});

describeWith('store of ids in Redis', whyNoRedis)('Redis', () => {
  const client = redisClient();

  behavesAsAStore('through ioredis', () => new RedisDedupStore(redisRunner(client())));
  behavesAsAStore('through a client of the package redis', () => new RedisDedupStore(redisRunner(nodeRedis(client()))));

  const group = (scope: string, ids: readonly string[]): IdGroup => ({ scope, topic: 't', partition: 0, ids });

  it('frees a claim whose lease has passed, and none that is renewed', async () => {
    const store = new RedisDedupStore(redisRunner(client()));
    const brief = { owner: 'me', leaseMs: 300 };
    await store.claim([group('lease', ['dead', 'alive'])], brief);
    for (;;) {
      await store.renew([group('lease', ['alive'])], brief);
      const [dead, alive] = await store.claim([group('lease', ['dead', 'alive'])], OTHER);
      expect(alive).toBe('in-progress');
      if (dead === 'first') break;
    }
  });

  it('forgets ids whose time has passed, and leaves no keys behind', async () => {
    const store = new RedisDedupStore(redisRunner(client()));
    const window = { count: undefined, timeMs: 50 };
    await store.claim([group('time', ['a'])], { owner: 'me', leaseMs: 50 });
    await store.finish([group('time', ['a'])], { owner: 'me', leaseMs: 50 }, window);
    let keys: string[];
    do keys = await client().keys('nestdaw:dedup:{time}*');
    while (keys.length > 0);
    expect(keys).toEqual([]);
  });

  it('keeps ids for as long as count or time says, where both are given', async () => {
    const store = new RedisDedupStore(redisRunner(client()));
    await store.claim([group('both', ['a', 'b', 'c'])], ME);
    await store.finish([group('both', ['a', 'b', 'c'])], ME, { count: 2, timeMs: 60_000 });
    expect(await store.claim([group('both', ['a', 'b', 'c'])], OTHER)).toEqual(['done', 'done', 'done']);
    for (;;) {
      // What is older than a millisecond may go now, but for the last two.
      await store.finish([group('both', ['c'])], ME, { count: 2, timeMs: 1 });
      if ((await store.claim([group('both', ['a'])], OTHER))[0] === 'first') break;
    }
    expect(await store.claim([group('both', ['b', 'c'])], OTHER)).toEqual(['done', 'done']);
  });

  it('forgets by time what came in a partition that is idle since, while others are busy', async () => {
    const store = new RedisDedupStore(redisRunner(client()));
    const window = { count: undefined, timeMs: 50 };
    const me = { owner: 'me', leaseMs: 50 };
    const finish = async (id: string, partition: number) => {
      const one = [{ scope: 'idle', topic: 't', partition, ids: [id] }];
      await store.claim(one, me);
      await store.finish(one, me, window);
    };
    await finish('once', 0);
    const ended = Date.now() + 2_000;
    for (let n = 0; Date.now() < ended && (await client().hexists('nestdaw:dedup:{idle}:ids', 'once')) === 1; n++) {
      await finish(`busy-${n}`, 1);
    }
    expect(await client().hexists('nestdaw:dedup:{idle}:ids', 'once')).toBe(0);
  });

  it('knows scripts again after a restart of Redis forgot them', async () => {
    const store = new RedisDedupStore(redisRunner(client()));
    await store.claim([group('flush', ['a'])], ME);
    await client().script('FLUSH');
    expect(await store.claim([group('flush', ['a', 'b'])], OTHER)).toEqual(['in-progress', 'first']);
  });

  it('makes one round trip for a thousand ids', async () => {
    const ids = Array.from({ length: 1_000 }, (_, at) => `id-${at}`);
    const before = await commands(client());
    const store = new RedisDedupStore(redisRunner(client()));
    await store.claim([group('round', ids)], ME);
    expect((await commands(client())) - before).toBe(1);
  });
});

/** Scripts run so far. */
async function commands(client: Redis): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** As the client of node-redis is called. */
function nodeRedis(client: Redis): object {
  type Options = { readonly keys: string[]; readonly arguments: string[] };
  return {
    evalSha: (digest: string, options: Options) =>
      client.evalsha(digest, options.keys.length, ...options.keys, ...options.arguments),
    eval: (text: string, options: Options) =>
      client.eval(text, options.keys.length, ...options.keys, ...options.arguments),
  };
}
