import { NestdawError } from '../../../common/errors.js';
import { SerialQueue } from '../../../common/lifecycle.js';
import { numberPlaceholders } from '../placeholders.js';
import { type SqlDatabase, type SqlResult, type SqlRow, type SqlRunner, type SqlTransaction } from '../sql-database.js';

// PostgreSQL through `pg`: a Pool, or one Client, whose transactions then follow each other.

interface PgResult {
  readonly command: string;
  readonly rows: readonly SqlRow[];
  readonly rowCount: number | null;
}

export interface PgRunner {
  query(sql: string, params?: unknown[]): Promise<PgResult>;
}

export interface PgPoolClient extends PgRunner {
  release(error?: unknown): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  removeListener(event: 'error', listener: (error: unknown) => void): unknown;
}

export interface PgPool extends PgRunner {
  readonly totalCount: number;
  connect(): Promise<PgPoolClient>;
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

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    if (!this.#pool) return this.#turns.run(() => transact(this.#client, work));
    return this.#onOwnConnection(this.#pool, work);
  }

  async #onOwnConnection<T>(pool: PgPool, work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    let broken: unknown;
    const onBroken = (error: unknown): void => {
      broken = error;
    };
    // A connection that breaks while it is lent tells nobody but its listeners; without one it ends the process.
    client.on('error', onBroken);
    try {
      return await transact(client, work, onBroken);
    } finally {
      client.removeListener('error', onBroken);
      // A connection whose rollback failed may still hold the transaction: it must not serve anybody else.
      client.release(broken);
    }
  }
}

async function transact<T>(
  client: PgRunner,
  work: (transaction: SqlTransaction) => Promise<T>,
  onBroken: (error: unknown) => void = () => undefined,
): Promise<T> {
  await client.query('BEGIN');
  const runner: SqlRunner = {
    dialect: 'postgres',
    query: (sql, params = []) => run(client, sql, params),
  };
  let result: T;
  try {
    result = await work({ ...runner, client });
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

async function run<R extends SqlRow>(client: PgRunner, sql: string, params: readonly unknown[]): Promise<SqlResult<R>> {
  const { rows, rowCount } = await client.query(numberPlaceholders(sql), [...params]);
  return { rows: rows as R[], count: rowCount ?? rows.length };
}

function isPool(client: PgPool | PgRunner): client is PgPool {
  return typeof (client as Partial<PgPool>).totalCount === 'number';
}
