import { SerialQueue } from '../../../common/lifecycle.js';
import {
  givesRows,
  type SqlDatabase,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlTransaction,
} from '../sql-database.js';

// MySQL and MariaDB through `mysql2`: a pool or a connection, of its promise API or of the one with callbacks.

interface MysqlRunner {
  query(sql: string, params?: unknown[]): Promise<[unknown, unknown]>;
}

interface MysqlConnection extends MysqlRunner {
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  release?(): void;
  destroy(): void;
}

export interface MysqlPool extends MysqlRunner {
  getConnection(): Promise<MysqlConnection>;
}

/** A pool or connection with callbacks knows its other self. */
export interface MysqlCallbacks {
  promise(): MysqlPool | MysqlConnection;
}

export class MysqlDatabase implements SqlDatabase<any> {
  readonly dialect = 'mysql';
  readonly #client: MysqlPool | MysqlConnection;
  readonly #turns = new SerialQueue();

  constructor(client: MysqlPool | MysqlConnection | MysqlCallbacks) {
    this.#client =
      'promise' in client && typeof client.promise === 'function' ? client.promise() : (client as MysqlPool);
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    if (isPool(this.#client)) return run<R>(this.#client, sql, params);
    // On one connection a statement would else become part of the transaction that is open on it.
    return this.#turns.run(() => run<R>(this.#client, sql, params));
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const client = this.#client;
    if (!isPool(client)) return this.#turns.run(() => transact(client, work));
    return onOwnConnection(client, work);
  }
}

async function onOwnConnection<T>(pool: MysqlPool, work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
  const connection = await pool.getConnection();
  let isBroken = false;
  try {
    return await transact(connection, work, () => {
      isBroken = true;
    });
  } finally {
    // A connection whose rollback failed may still hold the transaction: it must not serve anybody else.
    if (isBroken) connection.destroy();
    else connection.release?.();
  }
}

async function transact<T>(
  connection: MysqlConnection,
  work: (transaction: SqlTransaction) => Promise<T>,
  onBroken: () => void = () => undefined,
): Promise<T> {
  await connection.beginTransaction();
  const runner: SqlRunner = { dialect: 'mysql', query: (sql, params = []) => run(connection, sql, params) };
  let result: T;
  try {
    result = await work({ ...runner, client: connection });
  } catch (error) {
    await connection.rollback().catch(onBroken);
    throw error;
  }
  try {
    await connection.commit();
  } catch (error) {
    onBroken();
    throw error;
  }
  return result;
}

async function run<R extends SqlRow>(
  client: MysqlRunner,
  sql: string,
  params: readonly unknown[],
): Promise<SqlResult<R>> {
  const [result] = await client.query(sql, [...params]);
  if (Array.isArray(result)) return { rows: result as R[], count: result.length };
  return { rows: [], count: givesRows(sql) ? 0 : (result as { affectedRows: number }).affectedRows };
}

function isPool(client: MysqlPool | MysqlConnection): client is MysqlPool {
  return typeof (client as Partial<MysqlPool>).getConnection === 'function';
}
