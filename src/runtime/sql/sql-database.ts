// SQL as the guarantees need it: statements with parameters, and a transaction around the application's own work. It
// stands over whatever the application has: a pool, a connection, an ORM (see `sqlDatabase`).

export type SqlDialect = 'postgres' | 'mysql' | 'sqlite';

export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlResult<R extends SqlRow = SqlRow> {
  /** Rows that the statement gave; empty for one that gives none. */
  readonly rows: readonly R[];
  /** Rows that it changed; of a query the rows that it gave. */
  readonly count: number;
}

/** One statement with what stands for its `?`. */
export interface SqlStatement {
  readonly sql: string;
  readonly params: ReadonlyArray<string | number>;
}

/** What runs statements. */
export interface SqlRunner {
  readonly dialect: SqlDialect;
  /**
   * Runs one statement. Parameters stand as `?`, in every dialect; PostgreSQL's `$1` works there as well.
   *
   * @throws what the driver throws
   */
  query<R extends SqlRow = SqlRow>(sql: string, params?: readonly unknown[]): Promise<SqlResult<R>>;
}

/**
 * A transaction that is open. Everything done through it, or through `client`, becomes visible at once, or not at all.
 *
 * @typeParam C what `client` is: `PoolClient` of pg, `PoolConnection` of mysql2, `EntityManager`, …
 */
export interface SqlTransaction<C = any> extends SqlRunner {
  /** The application's own kind of connection, inside of this transaction. */
  readonly client: C;
}

/** A database that can run transactions. */
export interface SqlDatabase<C = any> extends SqlRunner {
  /**
   * Runs `work` in a transaction of its own: committed when it resolves, rolled back when it rejects.
   *
   * @param opening a statement to begin the transaction with. A database that can run it in the round trip of `BEGIN`
   *   does so, and gives `work` its result; for one that cannot `opened` is undefined, and `work` runs it itself.
   * @throws what `work` rejects with, what the driver says about `opening`, and what it says when the commit fails:
   *   then its outcome is unknown
   */
  runInTransaction<T>(
    work: (transaction: SqlTransaction<C>, opened?: SqlResult) => Promise<T>,
    opening?: SqlStatement,
  ): Promise<T>;
}

/** Whether a statement gives rows, told from its text: not every driver says. */
export function givesRows(sql: string): boolean {
  return /^\s*(select|with|values|pragma|show|explain)\b|\breturning\b/i.test(sql);
}
