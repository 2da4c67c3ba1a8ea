import {
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlTransaction,
} from '../sql-database.js';
import { soundly } from './sound-commit.js';

// What query builders and ORMs have in common: a client that runs statements, and gives one like it to a transaction.

export abstract class QueryTool<Client extends Own, Own extends object = Client> implements SqlDatabase<any> {
  constructor(
    protected readonly client: Client,
    readonly dialect: SqlDialect,
  ) {}

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    return this.run<R>(this.client, sql, params);
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const { dialect } = this;
    return this.transact((client) =>
      soundly({ dialect, query: (sql, params = []) => this.run(client, sql, params), client }, work),
    );
  }

  protected abstract run<R extends SqlRow>(client: Own, sql: string, params: readonly unknown[]): Promise<SqlResult<R>>;

  /** Calls `work` with the client of a transaction, which ends as `work` does. */
  protected abstract transact<T>(work: (client: Own) => Promise<T>): Promise<T>;
}
