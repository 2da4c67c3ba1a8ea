import { SerialQueue } from '../../../common/lifecycle.js';
import {
  givesRows,
  type SqlDatabase,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlTransaction,
} from '../sql-database.js';

// SQLite through a synchronous driver: node:sqlite, better-sqlite3, node-sqlite3-wasm. One connection has one
// transaction at a time, so transactions take turns, and so do statements outside of them. Give it a connection of its
// own: what the application does on the same one meanwhile would be part of the transaction.

/** node:sqlite and better-sqlite3. */
interface PreparingDatabase {
  prepare(sql: string): {
    all(...params: unknown[]): unknown[];
    run(...params: unknown[]): { readonly changes: number | bigint };
  };
  exec(sql: string): unknown;
}

/** node-sqlite3-wasm: its statements have to be freed, so they are left to it. */
interface DirectDatabase {
  all(sql: string, params?: unknown): unknown[];
  run(sql: string, params?: unknown): { readonly changes: number };
  exec(sql: string): unknown;
}

export type SqliteClient = PreparingDatabase | DirectDatabase;

export class SqliteDatabase implements SqlDatabase<any> {
  readonly dialect = 'sqlite';
  readonly #client: SqliteClient;
  readonly #turns = new SerialQueue();

  constructor(client: SqliteClient) {
    this.#client = client;
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    return this.#turns.run(async () => run<R>(this.#client, sql, params));
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    return this.#turns.run(() => transact(this.#client, work));
  }
}

async function transact<T>(client: SqliteClient, work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
  // At once a writer: one that read first could not become it any more after somebody else wrote.
  client.exec('BEGIN IMMEDIATE');
  const runner: SqlRunner = { dialect: 'sqlite', query: async (sql, params = []) => run(client, sql, params) };
  let result: T;
  try {
    result = await work({ ...runner, client });
    client.exec('COMMIT');
  } catch (error) {
    rollback(client);
    throw error;
  }
  return result;
}

/** Some errors have rolled back already; then there is nothing left to do. */
function rollback(client: SqliteClient): void {
  try {
    client.exec('ROLLBACK');
  } catch (error) {
    if (!/no transaction/i.test(String(error))) throw error;
  }
}

function run<R extends SqlRow>(client: SqliteClient, sql: string, params: readonly unknown[]): SqlResult<R> {
  if (givesRows(sql)) {
    const rows = ('all' in client ? client.all(sql, [...params]) : client.prepare(sql).all(...params)) as R[];
    return { rows, count: rows.length };
  }
  const { changes } = 'run' in client ? client.run(sql, [...params]) : client.prepare(sql).run(...params);
  return { rows: [], count: Number(changes) };
}
