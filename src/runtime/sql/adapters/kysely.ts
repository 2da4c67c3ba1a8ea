import { numberPlaceholders } from '../placeholders.js';
import {
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlTransaction,
} from '../sql-database.js';
import { soundly } from './sound-commit.js';

// Kysely: an instance. In a transaction `client` is its Transaction.

export interface KyselyClient {
  executeQuery(query: object): Promise<{ readonly rows: readonly unknown[]; readonly numAffectedRows?: bigint }>;
  transaction(): { execute<T>(work: (transaction: KyselyClient) => Promise<T>): Promise<T> };
}

export class KyselyDatabase implements SqlDatabase<any> {
  readonly #kysely: KyselyClient;

  constructor(
    kysely: KyselyClient,
    readonly dialect: SqlDialect,
  ) {
    this.#kysely = kysely;
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    return this.#run<R>(this.#kysely, sql, params);
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const { dialect } = this;
    return this.#kysely
      .transaction()
      .execute((client) =>
        soundly({ dialect, query: (sql, params = []) => this.#run(client, sql, params), client }, work),
      );
  }

  async #run<R extends SqlRow>(client: KyselyClient, sql: string, params: readonly unknown[]): Promise<SqlResult<R>> {
    const text = this.dialect === 'postgres' ? numberPlaceholders(sql) : sql;
    const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
    const compiled = { sql: text, parameters: [...params], query, queryId: { queryId: text } };
    const { rows, numAffectedRows } = await client.executeQuery(compiled);
    return { rows: rows as R[], count: numAffectedRows === undefined ? rows.length : Number(numAffectedRows) };
  }
}
