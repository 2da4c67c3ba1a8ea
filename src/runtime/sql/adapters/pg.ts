import { NestdawError } from '../../../common/errors.js';
import { SerialQueue } from '../../../common/lifecycle.js';
import { fillPlaceholders, numberPlaceholders } from '../placeholders.js';
import {
  type SqlDatabase,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlStatement,
  type SqlTransaction,
} from '../sql-database.js';

// PostgreSQL through `pg`: a Pool, or one Client, whose transactions then follow each other.

interface PgResult {
  readonly command: string;
  readonly rows: readonly SqlRow[];
  readonly rowCount: number | null;
}

export interface PgRunner {
  /** Several statements in one text have a result each. */
  query(sql: string, params?: unknown[]): Promise<PgResult>;
}

type Work<T> = (transaction: SqlTransaction, opened?: SqlResult) => Promise<T>;

export interface PgPoolClient extends PgRunner {
  release(error?: unknown): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  removeListener(event: 'error', listener: (error: unknown) => void): unknown;
}

export interface PgPool extends PgRunner {
  readonly totalCount: number;
  /** Calls back at once when there is a connection; pools that know promises only give one. */
  connect(lend: (error: Error | undefined, client?: PgPoolClient) => void): Promise<PgPoolClient> | undefined;
}

export class PgDatabase implements SqlDatabase<any> {
  readonly dialect = 'postgres';
  readonly #pool: PgPool | undefined;
  readonly #client: PgRunner;
  readonly #turns = new SerialQueue();

  constructor(client: PgPool | PgRunner) {
    this.#client = client;
    this.#pool = isPool(client) ? client : undefined;
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    if (this.#pool) return run<R>(this.#pool, sql, params);
    // On one connection a statement would else become part of the transaction that is open on it.
    return this.#turns.run(() => run<R>(this.#client, sql, params));
  }

  runInTransaction<T>(work: Work<T>, opening?: SqlStatement): Promise<T> {
    if (!this.#pool) return this.#turns.run(() => transact(this.#client, work, opening));
    return this.#onOwnConnection(this.#pool, work, opening);
  }

  async #onOwnConnection<T>(pool: PgPool, work: Work<T>, opening: SqlStatement | undefined): Promise<T> {
    let broken: unknown;
    const onBroken = (error: unknown): void => {
      broken = error;
    };
    const client = await borrow(pool, onBroken);
    try {
      return await transact(client, work, opening, onBroken);
    } finally {
      client.removeListener('error', onBroken);
      // A connection whose rollback failed may still hold the transaction: it must not serve anybody else.
      client.release(broken);
    }
  }
}

/**
 * A connection of the pool with a listener for its errors: one that breaks while it is lent tells nobody else, and
 * without a listener it ends the process. So there is none between the pool's own and this one: the server's last words
 * may stand right behind its first.
 */
function borrow(pool: PgPool, onBroken: (error: unknown) => void): Promise<PgPoolClient> {
  return new Promise((resolve, reject) => {
    let isLent = false;
    const lend = (error: Error | undefined, client?: PgPoolClient): void => {
      if (isLent) return;
      isLent = true;
      if (!client) {
        reject(error);
        return;
      }
      client.on('error', onBroken);
      resolve(client);
    };
    pool.connect(lend)?.then(
      (client) => lend(undefined, client),
      (error: Error) => lend(error),
    );
  });
}

async function transact<T>(
  client: PgRunner,
  work: Work<T>,
  opening: SqlStatement | undefined,
  onBroken: (error: unknown) => void = () => undefined,
): Promise<T> {
  const runner: SqlRunner = {
    dialect: 'postgres',
    query: (sql, params = []) => run(client, sql, params),
  };
  let result: T;
  try {
    const opened = await begin(client, opening);
    result = await work({ ...runner, client }, opened);
  } catch (error) {
    await client.query('ROLLBACK').catch(onBroken);
    throw error;
  }
  let answer: PgResult;
  try {
    answer = await client.query('COMMIT');
  } catch (error) {
    onBroken(error);
    throw error;
  }
  if (answer.command === 'COMMIT') return result;
  // A statement had failed and its error was swallowed: PostgreSQL answers COMMIT with ROLLBACK, and no error.
  throw new NestdawError(
    'KAFKA_SQL_FAILED',
    'PostgreSQL rolled the transaction back instead of committing it: a statement in it had failed and its error was ' +
      'caught; let it be thrown, or wrap the statement in a savepoint',
  );
}

/** Two statements in one round trip have to be one text, so that what the parameters hold stands in it. */
async function begin(client: PgRunner, opening: SqlStatement | undefined): Promise<SqlResult | undefined> {
  const text = opening && fillPlaceholders(opening);
  if (text === undefined) {
    await client.query('BEGIN');
    return undefined;
  }
  const results: unknown = await client.query(`BEGIN;${text}`);
  // A client of somebody's own may give one result for both; then the last one is the statement's.
  const { rows, rowCount } = (Array.isArray(results) ? results.at(-1) : results) as PgResult;
  return { rows, count: rowCount ?? rows.length };
}

async function run<R extends SqlRow>(client: PgRunner, sql: string, params: readonly unknown[]): Promise<SqlResult<R>> {
  const { rows, rowCount } = await client.query(numberPlaceholders(sql), [...params]);
  return { rows: rows as R[], count: rowCount ?? rows.length };
}

function isPool(client: PgPool | PgRunner): client is PgPool {
  return typeof (client as Partial<PgPool>).totalCount === 'number';
}
