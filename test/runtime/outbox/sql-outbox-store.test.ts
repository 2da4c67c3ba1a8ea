import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import sqlite from 'node-sqlite3-wasm';
import { type OutboxMessage } from '../../../src/runtime/outbox/outbox-message.js';
import { SqlOutboxStore } from '../../../src/runtime/outbox/sql-outbox-store.js';
import { sqlDatabase } from '../../../src/runtime/sql/sql-client.js';
import { type SqlDatabase } from '../../../src/runtime/sql/sql-database.js';
import { describeWith } from '../../support/describe-with.js';
import { whyNoMariadb } from '../../support/servers/mariadb.js';
import { whyNoPostgres } from '../../support/servers/postgres.js';
import { mysqlPool, postgresPool } from '../../support/servers/store-clients.js';

const message = (id: string, more: Partial<OutboxMessage> = {}): OutboxMessage => ({
  messageId: id,
  topic: 'orders',
  partition: undefined,
  key: Buffer.from('anna'),
  value: Buffer.from([0, 1, 255]),
  headers: [],
  timestamp: 1_700_000_000_000,
  ...more,
});

/** The same for every database. */
function holdsMessages(open: () => SqlDatabase): void {
  let database: SqlDatabase;
  let store: SqlOutboxStore;

  beforeAll(async () => {
    database = open();
    store = new SqlOutboxStore({ database, table: 'waiting' });
    await store.open();
  });

  beforeEach(async () => {
    await database.query('DELETE FROM waiting');
    await database.query('DELETE FROM waiting_relay');
  });

  const write = (...messages: OutboxMessage[]) =>
    database.runInTransaction((transaction) => store.append(transaction, messages));
  const ids = async (limit = 100, without: string[] = []) =>
    (await store.read(limit, without)).map(({ messageId }) => messageId);

  it('may be opened twice, and by several at once', async () => {
    await Promise.all([1, 2, 3].map(() => new SqlOutboxStore({ database, table: 'waiting' }).open()));
    expect(await ids()).toEqual([]);
  });

  it('gives a message back as it was', async () => {
    const headers = [
      { key: 'a', value: Buffer.from('1') },
      { key: 'a', value: null },
    ];
    const whole = message('m1', { partition: 3, headers });
    const bare = message('m2', { key: null, value: null });
    await write(whole, bare);
    const [first, second] = await store.read(10, []);
    expect(first).toMatchObject(whole);
    expect(first!.lane).toMatch(/^[0-9a-f]{16}$/);
    expect(second).toMatchObject({ ...bare, lane: null });
  });

  it('gives the oldest first, without lanes that wait', async () => {
    await write(message('a1'), message('b1', { key: Buffer.from('ben') }), message('a2'), message('n', { key: null }));
    expect(await ids()).toEqual(['a1', 'b1', 'a2', 'n']);
    expect(await ids(2)).toEqual(['a1', 'b1']);
    const lane = (await store.read(1, []))[0]!.lane!;
    expect(await ids(100, [lane])).toEqual(['b1', 'n']);
  });

  it('takes many at once, and forgets them', async () => {
    const many = Array.from({ length: 250 }, (_, index) => message(`m${index}`));
    await write(...many);
    const stored = await store.read(1_000, []);
    expect(stored.map(({ messageId }) => messageId)).toEqual(many.map(({ messageId }) => messageId));
    await store.remove(stored.slice(0, 249));
    expect(await ids()).toEqual(['m249']);
    expect(await store.backlog()).toEqual({ messages: 1, oldest: 1_700_000_000_000 });
    await store.remove(stored.slice(249));
    expect(await store.backlog()).toEqual({ messages: 0, oldest: undefined });
  });

  it('knows nothing of a transaction that was rolled back', async () => {
    const work = database.runInTransaction(async (transaction) => {
      await store.append(transaction, [message('gone')]);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await ids()).toEqual([]);
  });

  it('gives the office to one, and to another when its lease has ended', async () => {
    const owners = ['one', 'two', 'three', 'four'];
    const first = await Promise.all(owners.map((owner) => store.lead(owner, 60_000)));
    expect(first.filter(Boolean)).toHaveLength(1);
    const leader = owners[first.indexOf(true)]!;
    expect(await store.lead(leader, 60_000)).toBe(true);
    await store.resign('nobody');
    expect(await store.lead('late', 60_000)).toBe(false);
    await store.lead(leader, -1);
    expect(await store.lead('late', 60_000)).toBe(true);
    expect(await store.lead(leader, 60_000)).toBe(false);
    await store.resign('late');
    expect(await store.lead(leader, 60_000)).toBe(true);
  });
}

describe('SQL outbox in SQLite', () => {
  holdsMessages(() => sqlDatabase(new sqlite.Database(':memory:')));
});

describeWith('outbox in PostgreSQL', whyNoPostgres)('SQL outbox in PostgreSQL', () => {
  const pool = postgresPool();
  holdsMessages(() => sqlDatabase(pool()));
});

describeWith('outbox in MySQL', whyNoMariadb)('SQL outbox in MySQL', () => {
  const pool = mysqlPool();
  holdsMessages(() => sqlDatabase(pool()));
});
