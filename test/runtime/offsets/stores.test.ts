import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import sqlite from 'node-sqlite3-wasm';
import { FileOffsetStore } from '../../../src/runtime/offsets/file-offset-store.js';
import { type OffsetStore } from '../../../src/runtime/offsets/offset-store.js';
import { RedisOffsetStore } from '../../../src/runtime/offsets/redis-offset-store.js';
import { SqlOffsetStore } from '../../../src/runtime/offsets/sql-offset-store.js';
import { redisRunner } from '../../../src/runtime/redis/redis-scripts.js';
import { describeWith } from '../../support/describe-with.js';
import { fullDisk } from '../../support/full-disk.js';
import { whyNoMariadb } from '../../support/servers/mariadb.js';
import { whyNoPostgres } from '../../support/servers/postgres.js';
import { whyNoRedis } from '../../support/servers/redis.js';
import { mysqlPool, postgresPool, redisClient } from '../../support/servers/store-clients.js';

// One suite for every offset store.

let groups = 0;

function keepsOffsets(name: string, open: () => OffsetStore): void {
  describe(`${name}`, () => {
    let store: OffsetStore;
    let group: string;
    const [first, second] = [0, 1].map((partition) => ({ topic: 'orders', partition })) as [
      { topic: string; partition: number },
      { topic: string; partition: number },
    ];

    beforeEach(() => {
      store = open();
      group = `billing/${++groups}`;
    });

    it('knows nothing of a group that stored nothing', async () => {
      const loaded = await store.load(group, [first, second], true);
      expect(loaded).toEqual([
        { ...first, offset: undefined, metadata: '', epoch: 1 },
        { ...second, offset: undefined, metadata: '', epoch: 1 },
      ]);
    });

    it('gives back what its owner stored, metadata too', async () => {
      await store.load(group, [first, second], true);
      expect(await store.store(group, [{ ...first, offset: 12, metadata: 'ndw:1-3=', epoch: 1 }])).toEqual([]);
      expect(await store.load(group, [first, second], false)).toEqual([
        { ...first, offset: 12, metadata: 'ndw:1-3=', epoch: 1 },
        { ...second, offset: undefined, metadata: '', epoch: 1 },
      ]);
      expect(await store.load(`${group}-other`, [first], false)).toEqual([
        { ...first, offset: undefined, metadata: '', epoch: 0 },
      ]);
    });

    it('refuses an owner that has a successor', async () => {
      await store.load(group, [first, second], true);
      await store.store(group, [{ ...first, offset: 5, metadata: '', epoch: 1 }]);
      const [taken] = await store.load(group, [first], true);
      expect(taken).toMatchObject({ offset: 5, epoch: 2 });
      const late = [first, second].map((one) => ({ ...one, offset: 9, metadata: '', epoch: 1 }));
      expect(await store.store(group, late)).toEqual([first]);
      expect(await store.load(group, [first, second], false)).toMatchObject([{ offset: 5 }, { offset: 9 }]);
      expect(await store.store(group, [{ ...first, offset: 3, metadata: '', epoch: 2 }])).toEqual([]);
      expect(await store.load(group, [first], false)).toMatchObject([{ offset: 3, epoch: 2 }]);
    });

    it('gives each of several claims at once an epoch of its own', async () => {
      const all = await Promise.all(Array.from({ length: 5 }, () => store.load(group, [first], true)));
      expect(all.map(([one]) => one!.epoch).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    });

    it('tells topics apart by their letters', async () => {
      await store.load(group, [first, { topic: 'Orders', partition: 0 }], true);
      await store.store(group, [{ ...first, offset: 1, metadata: '', epoch: 1 }]);
      expect(await store.load(group, [{ topic: 'Orders', partition: 0 }], false)).toMatchObject([
        { offset: undefined },
      ]);
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'offsets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
keepsOffsets('files', () => new FileOffsetStore(folder));

describe('files', () => {
  const one = { topic: 'orders', partition: 3 };
  const own = join(folder, 'own');
  const path = join(own, 'billing', 'orders-3-offset.txt');

  it('are text that people can read, one a partition, and nothing is left over', async () => {
    const store = new FileOffsetStore(own);
    for (const epoch of [1, 2, 3]) {
      await store.load('billing', [one], true);
      await store.store('billing', [{ ...one, offset: 7, metadata: 'm', epoch }]);
    }
    expect(readFileSync(path, 'utf8')).toMatch(/^offset=7\nepoch=3\nmetadata=m\nsum=[0-9a-f]{8}\n$/);
    expect(readdirSync(join(own, 'billing')).sort()).toEqual(['orders-3-offset.txt', 'orders-3-offset.txt.owner-3']);
  });

  it('of other programs, with nothing but a number, are understood', async () => {
    writeFileSync(path, '41\n');
    expect(await new FileOffsetStore(own).load('billing', [one], false)).toMatchObject([{ offset: 41 }]);
  });

  it('stay as they were while the disk is full', async () => {
    const store = new FileOffsetStore(join(folder, 'full'));
    await store.load('billing', [one], true);
    await store.store('billing', [{ ...one, offset: 7, metadata: '', epoch: 1 }]);
    const disk = await fullDisk();
    try {
      await expect(store.store('billing', [{ ...one, offset: 8, metadata: '', epoch: 1 }])).rejects.toMatchObject({
        code: 'ENOSPC',
      });
    } finally {
      disk.hasRoom();
    }
    expect(await store.load('billing', [one], false)).toMatchObject([{ offset: 7 }]);
    await store.store('billing', [{ ...one, offset: 9, metadata: '', epoch: 1 }]);
    expect(await store.load('billing', [one], false)).toMatchObject([{ offset: 9 }]);
  });

  it('that are torn are refused, with what to do', async () => {
    const store = new FileOffsetStore(own);
    for (const text of ['', 'offset=7\nepoch=3\nmeta', 'offset=8\nepoch=3\nmetadata=m\nsum=00000000\n']) {
      writeFileSync(path, text);
      await expect(store.load('billing', [one], true)).rejects.toThrow(
        /is not whole.*put the next offset to read into it/,
      );
    }
  });
});

describe('SQLite', () => {
  const database = new sqlite.Database(':memory:');
  afterAll(() => database.close());
  keepsOffsets('through node-sqlite3-wasm', () => new SqlOffsetStore(database));

  it('never goes back behind what a transaction has stored', async () => {
    const store = new SqlOffsetStore(database);
    const one = { topic: 'orders', partition: 0, metadata: '', epoch: 1 };
    await store.load('tx', [one], true);
    await store.database.runInTransaction((transaction) => store.write(transaction, 'tx', { ...one, offset: 10 }));
    expect(await store.advance('tx', [{ ...one, offset: 8 }])).toEqual([]);
    expect(await store.load('tx', [one], false)).toMatchObject([{ offset: 10 }]);
    await store.advance('tx', [{ ...one, offset: 11 }]);
    expect(await store.load('tx', [one], false)).toMatchObject([{ offset: 11 }]);
  });
});

describeWith('store of offsets in Redis', whyNoRedis)('Redis', () => {
  const client = redisClient();
  keepsOffsets('through ioredis', () => new RedisOffsetStore(redisRunner(client())));
});

describeWith('store of offsets in PostgreSQL', whyNoPostgres)('PostgreSQL', () => {
  const pool = postgresPool();
  keepsOffsets('through a pool', () => new SqlOffsetStore(pool(), { table: 'group_offsets' }));
});

describeWith('store of offsets in MySQL', whyNoMariadb)('MySQL', () => {
  const pool = mysqlPool();
  keepsOffsets('through a pool', () => new SqlOffsetStore(pool()));
});
