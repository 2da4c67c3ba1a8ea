import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import sqlite from 'node-sqlite3-wasm';
import { redisRunner } from '../../../../src/runtime/redis/redis-scripts.js';
import { type DelayedMessage, type DelayStore } from '../../../../src/runtime/retry/delays/delay-store.js';
import { delayStoreOver } from '../../../../src/runtime/retry/delays/delay-stores.js';
import { sqlDelayTable } from '../../../../src/runtime/retry/delays/delay-tables.js';
import { RedisDelayStore } from '../../../../src/runtime/retry/delays/redis-delay-store.js';
import { SqlDelayStore } from '../../../../src/runtime/retry/delays/sql-delay-store.js';
import { describeWith } from '../../../support/describe-with.js';
import { whyNoMariadb } from '../../../support/servers/mariadb.js';
import { whyNoPostgres } from '../../../support/servers/postgres.js';
import { whyNoRedis } from '../../../support/servers/redis.js';
import { mysqlPool, postgresPool, redisClient } from '../../../support/servers/store-clients.js';

// One suite for every store of delayed messages.

const message = (id: string, dueAt: number): DelayedMessage => ({
  id,
  dueAt,
  topic: 'reminders',
  partition: undefined,
  record: { key: null, value: Buffer.from([0, 255]), headers: [{ key: 'h', value: null }] },
});

const idsOf = (messages: readonly DelayedMessage[]): string[] => messages.map(({ id }) => id);
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `m${String(from + n).padStart(3, '0')}`);

let names = 0;

function keepsMessages(make: (name: string) => DelayStore): void {
  let store: DelayStore;
  let name: string;
  beforeEach(() => {
    name = `suite-${++names}`;
    store = make(name);
  });

  const putAll = (): Promise<unknown> =>
    Promise.all(numbered(0, 250).map((id, n) => store.put(message(id, 1_000 + n))));

  it('gives what is due, earliest first, and nothing before', async () => {
    await putAll();
    expect(await store.nextDue()).toBe(1_000);
    expect(await store.take(999, 10, 500)).toEqual([]);
    expect(idsOf(await store.take(1_004, 10, 50_000))).toEqual(numbered(0, 5));
    expect(idsOf(await store.take(2_000, 7, 50_000))).toEqual(numbered(5, 12));
  });

  it('gives each to one of several takers', async () => {
    await putAll();
    const taken: string[] = [];
    for (let round = 0; round < 200 && taken.length < 250; round++) {
      const some = await Promise.all(Array.from({ length: 6 }, () => store.take(5_000, 20, 60_000)));
      taken.push(...some.flatMap(idsOf));
    }
    expect(taken.sort()).toEqual(numbered(0, 250));
  });

  it('gives again what was taken and not told to be sent, once its lease has run out', async () => {
    await putAll();
    const taken = await store.take(1_100, 200, 500);
    expect(taken).toHaveLength(101);
    await store.done(idsOf(taken).slice(1));
    expect(idsOf(await store.take(1_100, 200, 500))).toEqual([]);
    const again = await store.take(1_600, 500, 500);
    expect(idsOf(again)).toEqual([taken[0]!.id, ...numbered(101, 250)]);
    await store.done(idsOf(again));
    expect(await store.take(9_000, 500, 500)).toEqual([]);
  });

  it('knows when the next one is due, leases counted', async () => {
    expect(await store.nextDue()).toBeUndefined();
    await store.put(message('late', 9_000));
    await store.put(message('soon', 2_000));
    expect(await store.nextDue()).toBe(2_000);
    await store.take(2_000, 1, 500);
    expect(await store.nextDue()).toBe(2_500);
  });

  it('takes back what waits, and nothing that is being sent', async () => {
    await store.put(message('a', 1_000));
    await store.put(message('b', 2_000));
    await store.take(1_000, 1, 500);
    expect([await store.cancel('a'), await store.cancel('b'), await store.cancel('b')]).toEqual([false, true, false]);
    expect(idsOf(await store.take(9_000, 5, 500))).toEqual(['a']);
  });

  it('keeps bytes, headers and partitions as they are, and ids apart exactly', async () => {
    const record = {
      key: Buffer.from([0, 1, 254]),
      value: null,
      headers: [
        { key: 'twice', value: Buffer.from([255]) },
        { key: 'twice', value: Buffer.from("it's ?") },
      ],
    };
    const full = { id: "Case ?'\\ü", dueAt: 1, topic: 'reminders', partition: 7, record };
    const all = [full, message('case', 2), message('Case', 3), message('case ', 4), message('x'.repeat(300), 5)];
    for (const one of all) await store.put(one);
    expect(await store.take(10, 10, 500)).toEqual(all);
  });

  it('leaves a known id as it is', async () => {
    await Promise.all([store.put(message('a', 1_000)), store.put(message('b', 1_500)), store.put(message('a', 9_999))]);
    expect((await store.take(2_000, 5, 500)).map(({ dueAt }) => dueAt)).toEqual([1_000, 1_500]);
    await store.put(message('a', 9_999));
    expect(await store.take(2_000, 5, 500)).toEqual([]);
  });

  it('keeps stores of other names apart', async () => {
    const other = make(`${name}-other`);
    await store.put(message('a', 1_000));
    expect(await other.take(9_000, 5, 500)).toEqual([]);
    expect(await other.cancel('a')).toBe(false);
    await other.put(message('a', 2_000));
    expect(await other.nextDue()).toBe(2_000);
    await other.done(['a']);
    expect(idsOf(await store.take(9_000, 5, 500))).toEqual(['a']);
  });
}

describeWith('delayed messages in Redis', whyNoRedis)('Redis', () => {
  const client = redisClient();
  keepsMessages((name) => new RedisDelayStore(redisRunner(client()), name));
});

/** How the database finds what is due among many that wait. */
async function planOf(store: SqlDelayStore, explain: string): Promise<string> {
  await Promise.all(Array.from({ length: 3_000 }, (_, n) => store.put(message(`p${n}`, n))));
  const table = { postgres: 'ANALYZE nestdaw_delays', mysql: 'ANALYZE TABLE nestdaw_delays', sqlite: 'ANALYZE' };
  await store.database.query(table[store.database.dialect]);
  const sql = 'SELECT id FROM nestdaw_delays WHERE store = ? AND available_at <= ? ORDER BY available_at LIMIT 20';
  return JSON.stringify((await store.database.query(`${explain} ${sql}`, ['plan', 10])).rows);
}

describeWith('delayed messages in PostgreSQL', whyNoPostgres)('PostgreSQL', () => {
  const pool = postgresPool();
  keepsMessages((name) => new SqlDelayStore(pool(), { name }));
  it('finds what is due by its index', async () => {
    expect(await planOf(new SqlDelayStore(pool(), { name: 'plan' }), 'EXPLAIN')).toContain('nestdaw_delays_available');
  });
});

describeWith('delayed messages in MySQL', whyNoMariadb)('MySQL', () => {
  const pool = mysqlPool();
  keepsMessages((name) => new SqlDelayStore(pool(), { name }));
  it('finds what is due by its index', async () => {
    expect(await planOf(new SqlDelayStore(pool(), { name: 'plan' }), 'EXPLAIN')).toContain('nestdaw_delays_available');
  });
});

describe('SQLite', () => {
  const database = new sqlite.Database(':memory:');
  afterAll(() => database.close());
  keepsMessages((name) => new SqlDelayStore(database, { name }));
  it('finds what is due by its index', async () => {
    const store = new SqlDelayStore(database, { name: 'plan' });
    expect(await planOf(store, 'EXPLAIN QUERY PLAN')).toContain('nestdaw_delays_available');
  });
  it('says when its table is missing and is not to be made, and goes on when the application has made it', async () => {
    const store = new SqlDelayStore(database, { table: 'own_delays', createTable: false });
    await expect(store.put(message('a', 1))).rejects.toThrow('own_delays');
    for (const statement of sqlDelayTable('sqlite', 'own_delays')) database.exec(statement);
    await store.put(message('a', 1));
    expect(await store.nextDue()).toBe(1);
  });
});

describe('delayStoreOver', () => {
  it('takes stores as they are, names tables that have no name, and refuses what is none', () => {
    const own: DelayStore = {
      put: () => Promise.resolve(),
      take: () => Promise.resolve([]),
      done: () => Promise.resolve(),
      cancel: () => Promise.resolve(false),
      nextDue: () => Promise.resolve(undefined),
    };
    expect(delayStoreOver(own, 'n')).toBe(own);
    const database = new sqlite.Database(':memory:');
    const named = new SqlDelayStore(database, { name: 'mine' });
    expect(delayStoreOver(named, 'n')).toBe(named);
    const unnamed = new SqlDelayStore(database);
    expect(delayStoreOver(unnamed, 'n')).not.toBe(unnamed);
    expect(() => delayStoreOver({}, 'n')).toThrow('is no SQL client that is known');
    database.close();
  });
});
