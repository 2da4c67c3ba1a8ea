import {
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlTransaction,
} from '../sql-database.js';
import { soundly } from './sound-commit.js';

// Knex: an instance. In a transaction `client` is its Transaction. Parameters stand as `?` in every dialect.

export interface KnexClient {
  readonly client: { readonly config: { readonly client: unknown } };
  raw(sql: string, bindings: unknown[]): Promise<unknown>;
  transaction<T>(work: (transaction: KnexClient) => Promise<T>): Promise<T>;
}

export class KnexDatabase implements SqlDatabase<any> {
  readonly #knex: KnexClient;

  constructor(
    knex: KnexClient,
    readonly dialect: SqlDialect,
  ) {
    this.#knex = knex;
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    return run<R>(this.#knex, sql, params);
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const { dialect } = this;
    return this.#knex.transaction((client) =>
      soundly({ dialect, query: (sql, params = []) => run(client, sql, params), client }, work),
    );
  }
}

/** Each dialect's driver answers in its own way. */
async function run<R extends SqlRow>(
  client: KnexClient,
  sql: string,
  params: readonly unknown[],
): Promise<SqlResult<R>> {
  const answer = await client.raw(sql, [...params]);
  const result = Array.isArray(answer) && answer.length === 2 && isHeaderOrRows(answer[0]) ? answer[0] : answer;
  if (Array.isArray(result)) return { rows: result as R[], count: result.length };
  const {
    rows = [],
    rowCount,
    affectedRows,
    changes,
  } = (result ?? {}) as {
    readonly rows?: readonly R[];
    readonly rowCount?: number | null;
    readonly affectedRows?: number;
    readonly changes?: number;
  };
  return { rows, count: rowCount ?? affectedRows ?? changes ?? rows.length };
}

/** mysql2 gives the pair of a result and its fields. */
function isHeaderOrRows(value: unknown): boolean {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && 'affectedRows' in value);
}
