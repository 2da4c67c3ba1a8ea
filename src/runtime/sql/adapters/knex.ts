import { type SqlResult, type SqlRow } from '../sql-database.js';
import { QueryTool } from './query-tool.js';

// Knex: an instance. In a transaction `client` is its Transaction. Parameters stand as `?` in every dialect.

export interface KnexClient {
  readonly client: { readonly config: { readonly client: unknown } };
  raw(sql: string, bindings: unknown[]): Promise<unknown>;
  transaction<T>(work: (transaction: KnexClient) => Promise<T>): Promise<T>;
}

export class KnexDatabase extends QueryTool<KnexClient> {
  protected transact<T>(work: (client: KnexClient) => Promise<T>): Promise<T> {
    return this.client.transaction(work);
  }

  protected async run<R extends SqlRow>(
    client: KnexClient,
    sql: string,
    params: readonly unknown[],
  ): Promise<SqlResult<R>> {
    const answer = await client.raw(sql, [...params]);
    const isPair = Array.isArray(answer) && answer.length === 2 && isHeaderOrRows(answer[0]);
    return resultOf<R>(isPair ? answer[0] : answer);
  }
}

/** Each dialect's driver answers in its own way. */
function resultOf<R extends SqlRow>(result: unknown): SqlResult<R> {
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
