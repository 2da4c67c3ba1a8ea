import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sqlite from 'node-sqlite3-wasm';
import { SqlDedupStore, sqlDedupTable } from '../../../src/runtime/dedup/sql-dedup-store.js';
import { describeWith } from '../../support/describe-with.js';
import { whyNoMariadb } from '../../support/servers/mariadb.js';
import { whyNoPostgres } from '../../support/servers/postgres.js';
import { mysqlPool, postgresPool } from '../../support/servers/store-clients.js';

const claimOf = (ids: readonly string[], from = 0) => ({
  scope: 'billing/orders',
  topic: 'orders',
  partition: 0,
  ids,
  offsets: ids.map((_, at) => from + at),
});

function writesIds(open: () => object): void {
  let store: SqlDedupStore;
  let tables = 0;
  const claim = (ids: readonly string[], from = 0, fails = false) =>
    store.database.runInTransaction(
      async (transaction, opened) => {
        const [fresh] = await store.claim(transaction, [claimOf(ids, from)], 1_000, opened);
        if (fails) throw new Error('no');
        return [...fresh!].sort();
      },
      store.opening([claimOf(ids, from)], 1_000),
    );

  beforeAll(async () => {
    store = new SqlDedupStore(open(), { table: `dedup_${++tables}` });
    await store.ready();
    await store.ready();
  });

  it('says which ids are new, and keeps them', async () => {
    expect(await claim(['a', 'b'])).toEqual(['a', 'b']);
    expect(await claim(['b', 'c', 'a', 'd'])).toEqual(['c', 'd']);
    expect(await claim(['a'])).toEqual([]);
  });

  it('forgets what is rolled back', async () => {
    await expect(claim(['r'], 0, true)).rejects.toThrow('no');
    expect(await claim(['r'])).toEqual(['r']);
  });

  it('tells ids apart exactly', async () => {
    const ids = ['Case', 'case', 'case ', 'ünïcode', "it's ?", 'a\\', "\\'--", 'x'.repeat(255)];
    expect(await claim(ids)).toEqual([...ids].sort());
    expect(await claim(ids)).toEqual([]);
  });

  it('keeps scopes and partitions apart', async () => {
    const claims = [claimOf(['p', 'q']), { ...claimOf(['p', 'q']), scope: 'shipping/orders', partition: 1 }];
    const both = () => store.database.runInTransaction((transaction) => store.claim(transaction, claims, 1_000));
    await claim(['q']);
    expect(await both()).toEqual([new Set(['p']), new Set(['p', 'q'])]);
    expect(await both()).toEqual([new Set(), new Set()]);
  });

  it('gives an id to one of several transactions', async () => {
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => claim(['once'])));
    const winners = all.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    expect(winners).toEqual(['once']);
  });

  it('takes thousands of ids at once', async () => {
    const ids = Array.from({ length: 2_500 }, (_, at) => `many-${at}`);
    expect(await claim(ids, 100)).toHaveLength(2_500);
    expect(await claim([...ids, 'new'], 100)).toEqual(['new']);
  });

  it('removes ids beyond the count, and beyond the time', async () => {
    await store.prune('billing/orders', 'orders', 0, { count: 1_000, timeMs: undefined }, 2_000);
    // They stood at offsets 100 to 2600.
    expect(await claim(['many-1500', 'many-1501', 'many-2499'], 9_000)).toEqual(['many-1500']);
    await store.prune('billing/orders', 'orders', 0, { count: undefined, timeMs: 500 }, 2_000);
    expect(await claim(['many-2499'], 9_000)).toEqual(['many-2499']);
  });

  it('keeps with both what either keeps', async () => {
    // Written at 1,000.
    expect(await claim(['old-0', 'old-1', 'old-2', 'old-3'], 20_000)).toHaveLength(4);
    const prune = (now: number) => store.prune('billing/orders', 'orders', 0, { count: 2, timeMs: 1_000 }, now);
    await prune(2_000);
    expect(await claim(['old-0'], 20_000)).toEqual([]);
    await prune(2_001);
    expect(await claim(['old-0', 'old-1', 'old-2', 'old-3'], 20_000)).toEqual(['old-0', 'old-1']);
  });
}

describeWith('store of ids in PostgreSQL', whyNoPostgres)('PostgreSQL', () => {
  const pool = postgresPool();
  writesIds(pool);
});

describeWith('store of ids in MySQL', whyNoMariadb)('MySQL', () => {
  const pool = mysqlPool();
  writesIds(pool);
});

describe('SQLite', () => {
  const database = new sqlite.Database(':memory:');
  afterAll(() => database.close());
  writesIds(() => database);
});

describe('sqlDedupTable', () => {
  it('gives the statements for migrations', () => {
    expect(sqlDedupTable('postgres', 'guards.ids')[1]).toBe(
      'CREATE INDEX IF NOT EXISTS guards_ids_window ON guards.ids (scope, topic, part, at_offset)',
    );
    expect(sqlDedupTable('mysql')).toHaveLength(1);
  });
});
