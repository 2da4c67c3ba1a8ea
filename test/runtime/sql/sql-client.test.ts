import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysqlCallbacks from 'mysql2';
import mysql from 'mysql2/promise';
import sqlite from 'node-sqlite3-wasm';
import pg from 'pg';
import { sqlDatabase, sqlRunner } from '../../../src/runtime/sql/sql-client.js';
import { type SqlDatabase } from '../../../src/runtime/sql/sql-database.js';
import { describeWith } from '../../support/describe-with.js';
import { mariadbAddress, startMariadb, whyNoMariadb } from '../../support/servers/mariadb.js';
import { postgresAddress, startPostgres, whyNoPostgres } from '../../support/servers/postgres.js';
import { type ServerProcess } from '../../support/servers/server-process.js';

/** An ORM as far as it is known here: one that does not look at what COMMIT answers. */
function prismaOver(pool: pg.Pool): object {
  const runner = (client: pg.Pool | pg.PoolClient) => ({
    $queryRawUnsafe: async (sql: string, ...params: unknown[]) => (await client.query(sql, params)).rows as unknown,
    $executeRawUnsafe: async (sql: string, ...params: unknown[]) => (await client.query(sql, params)).rowCount ?? 0,
  });
  return {
    _activeProvider: 'postgresql',
    ...runner(pool),
    async $transaction<T>(work: (client: object) => Promise<T>): Promise<T> {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        const result = await work(runner(client));
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    },
  };
}

/** The same for every client: rows, counts, commit, rollback, transactions beside each other. */
function behavesAsADatabase(name: string, open: () => SqlDatabase): void {
  describe(`${name}`, () => {
    checks(open);
  });
}

function checks(open: () => SqlDatabase): void {
  let database: SqlDatabase;
  let table: string;
  let tables = 0;

  beforeAll(async () => {
    database = open();
    table = `t_${process.pid}_${++tables}_${database.constructor.name.toLowerCase()}`;
    await database.query(`DROP TABLE IF EXISTS ${table}`);
    await database.query(`CREATE TABLE ${table} (id VARCHAR(40) PRIMARY KEY, n INTEGER)`);
  });

  const ids = async () => {
    const { rows } = await database.query<{ id: string }>(`SELECT id FROM ${table} ORDER BY id`);
    return rows.map(({ id }) => id);
  };

  it('gives rows and counts', async () => {
    const inserted = await database.query(`INSERT INTO ${table} (id, n) VALUES (?, ?), (?, ?)`, ['a', 1, "it's ?", 2]);
    expect(inserted.count).toBe(2);
    const found = await database.query(`SELECT id, n FROM ${table} WHERE n > ? ORDER BY n`, [0]);
    expect(found.rows).toEqual([
      { id: 'a', n: 1 },
      { id: "it's ?", n: 2 },
    ]);
    expect((await database.query(`UPDATE ${table} SET n = ? WHERE id = ?`, [5, 'none'])).count).toBe(0);
    expect((await database.query(`DELETE FROM ${table}`)).count).toBe(2);
  });

  it('commits what resolves and rolls back what rejects', async () => {
    const result = await database.runInTransaction(async (transaction) => {
      await transaction.query(`INSERT INTO ${table} (id, n) VALUES (?, ?)`, ['kept', 1]);
      return 'done';
    });
    expect(result).toBe('done');
    const failure = database.runInTransaction(async (transaction) => {
      await transaction.query(`INSERT INTO ${table} (id, n) VALUES (?, ?)`, ['gone', 1]);
      throw new Error('no');
    });
    await expect(failure).rejects.toThrow('no');
    expect(await ids()).toEqual(['kept']);
  });

  it('keeps transactions that run at once apart', async () => {
    await database.query(`DELETE FROM ${table}`);
    const work = (id: string, fails: boolean) =>
      database.runInTransaction(async (transaction) => {
        await transaction.query(`INSERT INTO ${table} (id, n) VALUES (?, ?)`, [id, 1]);
        await Promise.resolve();
        if (fails) throw new Error(id);
      });
    const all = await Promise.allSettled([work('a', false), work('b', true), work('c', false), work('d', true)]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(await ids()).toEqual(['a', 'c']);
  });

  it('begins with a statement', async () => {
    await database.query(`DELETE FROM ${table}`);
    const opening = { sql: `INSERT INTO ${table} (id, n) VALUES (?, ?)`, params: ["it's \\ ?", -3] };
    const begin = (fails: boolean) =>
      database.runInTransaction(async (transaction, opened) => {
        const { count } = opened ?? (await transaction.query(opening.sql, opening.params));
        if (fails) throw new Error('no');
        return count;
      }, opening);
    await expect(begin(true)).rejects.toThrow('no');
    expect(await ids()).toEqual([]);
    expect(await begin(false)).toBe(1);
    expect(await database.query(`SELECT id, n FROM ${table}`)).toMatchObject({ rows: [{ id: "it's \\ ?", n: -3 }] });
    // There already: nothing of the transaction stays, and the connection serves others.
    await expect(begin(false)).rejects.toThrow(/duplicate|unique/i);
    expect((await database.query(`SELECT n FROM ${table}`)).count).toBe(1);
  });

  it('fails with what the database says', async () => {
    await expect(database.query('SELECT * FROM no_such_table')).rejects.toThrow(/no_such_table/);
  });
}

describeWith('SQL client in PostgreSQL', whyNoPostgres)('PostgreSQL', () => {
  let server: ServerProcess;
  let pool: pg.Pool;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ ...postgresAddress(server), max: 4 });
    pool.on('error', () => undefined);
    client = new pg.Client(postgresAddress(server));
    await client.connect();
  }, 60_000);
  afterAll(async () => {
    await client?.end();
    await pool?.end();
    await server?.stop();
  });

  behavesAsADatabase('a pool of pg', () => sqlDatabase(pool));
  behavesAsADatabase('a client of pg', () => sqlDatabase(client));
  behavesAsADatabase('Drizzle over pg', () => sqlDatabase({ $client: pool }));

  behavesAsADatabase('a client with the methods of Prisma', () => sqlDatabase(prismaOver(pool)));

  it.each([
    ['pg', () => pool, /rolled the transaction back instead of committing/],
    ['an ORM', () => prismaOver(pool), /current transaction is aborted/],
  ])('does not take a swallowed failure for a commit through %s', async (_name, client, why) => {
    const work = sqlDatabase(client()).runInTransaction(async (transaction) => {
      await transaction.query('SELECT 1/0').catch(() => undefined);
    });
    await expect(work).rejects.toThrow(why);
  });

  it.each([
    ['a pool', () => pool],
    ['a client', () => client],
  ])('begins in one round trip through %s', async (_name, open) => {
    const opening = { sql: 'SELECT ? AS said', params: ["it's"] };
    const opened = await sqlDatabase(open()).runInTransaction(async (_transaction, result) => result, opening);
    expect(opened).toEqual({ rows: [{ said: "it's" }], count: 1 });
  });

  it('keeps no connection of a failed transaction', async () => {
    const database = sqlDatabase(pool);
    for (let i = 0; i < 20; i++) await database.runInTransaction(() => Promise.reject(new Error('no'))).catch(() => 0);
    expect(pool.totalCount - pool.idleCount).toBe(0);
  });
});

describeWith('SQL client in MySQL', whyNoMariadb)('MySQL', () => {
  let server: ServerProcess;
  let pool: mysql.Pool;
  let callbacks: ReturnType<typeof mysqlCallbacks.createPool>;
  let connection: mysql.Connection;
  beforeAll(async () => {
    server = await startMariadb();
    pool = mysql.createPool(mariadbAddress(server));
    callbacks = mysqlCallbacks.createPool(mariadbAddress(server));
    connection = await mysql.createConnection(mariadbAddress(server));
  }, 60_000);
  afterAll(async () => {
    await connection?.end();
    await pool?.end();
    await callbacks?.promise().end();
    await server?.stop();
  });

  behavesAsADatabase('a pool of mysql2', () => sqlDatabase(pool));
  behavesAsADatabase('a pool with callbacks', () => sqlDatabase(callbacks));
  behavesAsADatabase('a connection of mysql2', () => sqlDatabase(connection));
});

describe('SQLite', () => {
  const database = new sqlite.Database(':memory:');
  afterAll(() => database.close());
  behavesAsADatabase('node-sqlite3-wasm', () => sqlDatabase(database));
});

describe('a pool of pg whose connection breaks as it is lent', () => {
  class Connection extends EventEmitter {
    error: Error | undefined;
    released: unknown[] = [];
    query = () =>
      this.error ? Promise.reject(this.error) : Promise.resolve({ command: 'COMMIT', rows: [], rowCount: 0 });
    release = (error?: unknown) => this.released.push(error);
    break(): void {
      this.error = new Error('terminating connection');
      this.emit('error', this.error);
    }
  }

  it('fails the transaction, and nothing else', async () => {
    const client = new Connection();
    const pool = {
      totalCount: 1,
      query: client.query,
      connect(lend: (error: undefined, client: Connection) => void): void {
        lend(undefined, client);
        // Before anything else gets its turn: the server's last words came with its first.
        client.break();
      },
    };
    const transaction = sqlDatabase(pool).runInTransaction(() => Promise.resolve('done'));
    await expect(transaction).rejects.toThrow('terminating connection');
    expect(client.released).toEqual([client.error]);
    expect(client.listenerCount('error')).toBe(0);
  });

  it('may be one that gives promises only', async () => {
    const client = new Connection();
    const pool = { totalCount: 1, query: client.query, connect: () => Promise.resolve(client) };
    expect(await sqlDatabase(pool).runInTransaction(() => Promise.resolve('done'))).toBe('done');
    expect(client.released).toEqual([undefined]);
  });
});

describe('sqlDatabase', () => {
  it('names what it knows when it does not know the client', () => {
    expect(() => sqlDatabase(new Map())).toThrow(/Map is no SQL client that is known: give a Pool or Client of pg/);
    expect(() => sqlDatabase({ createQueryRunner() {}, transaction() {}, options: { type: 'oracle' } })).toThrow(
      /TypeORM speaks oracle here/,
    );
  });

  it('lets all who use one connection take turns', async () => {
    const client = new sqlite.Database(':memory:');
    const [one, other] = [sqlDatabase(client), sqlDatabase(client)];
    expect(other).toBe(one);
    await one.query('CREATE TABLE turns (n INTEGER)');
    const rolledBack = one.runInTransaction(async (transaction) => {
      await transaction.query('INSERT INTO turns VALUES (1)');
      throw new Error('not this one');
    });
    const kept = other.runInTransaction((transaction) => transaction.query('INSERT INTO turns VALUES (2)'));
    await expect(rolledBack).rejects.toThrow('not this one');
    await kept;
    expect((await one.query('SELECT n FROM turns')).rows).toEqual([{ n: 2 }]);
    client.close();
  });

  it('waits for nobody on a connection that is in a transaction already', async () => {
    const client = new sqlite.Database(':memory:');
    await sqlDatabase(client).query('CREATE TABLE turns (n INTEGER)');
    await sqlDatabase(client).runInTransaction(() => sqlRunner(client).query('INSERT INTO turns VALUES (1)'));
    expect((await sqlDatabase(client).query('SELECT n FROM turns')).rows).toEqual([{ n: 1 }]);
    client.close();
  });

  it('takes a database of the application as it is', () => {
    const own: SqlDatabase = {
      dialect: 'sqlite',
      query: () => Promise.resolve({ rows: [], count: 0 }),
      runInTransaction: () => Promise.reject(new Error()),
    };
    expect(sqlDatabase(own)).toBe(own);
  });
});
