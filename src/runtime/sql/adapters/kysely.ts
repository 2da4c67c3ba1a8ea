import { numberPlaceholders } from '../placeholders.js';
import { type SqlResult, type SqlRow } from '../sql-database.js';
import { QueryTool } from './query-tool.js';

// Kysely: an instance. In a transaction `client` is its Transaction.

export interface KyselyClient {
  executeQuery(query: object): Promise<{ readonly rows: readonly unknown[]; readonly numAffectedRows?: bigint }>;
  transaction(): { execute<T>(work: (transaction: KyselyClient) => Promise<T>): Promise<T> };
}

export class KyselyDatabase extends QueryTool<KyselyClient> {
  protected transact<T>(work: (client: KyselyClient) => Promise<T>): Promise<T> {
    return this.client.transaction().execute(work);
  }

  protected async run<R extends SqlRow>(
    client: KyselyClient,
    sql: string,
    params: readonly unknown[],
  ): Promise<SqlResult<R>> {
    const text = this.dialect === 'postgres' ? numberPlaceholders(sql) : sql;
    const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
    const compiled = { sql: text, parameters: [...params], query, queryId: { queryId: text } };
    const { rows, numAffectedRows } = await client.executeQuery(compiled);
    return { rows: rows as R[], count: numAffectedRows === undefined ? rows.length : Number(numAffectedRows) };
  }
}
