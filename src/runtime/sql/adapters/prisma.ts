import { numberPlaceholders } from '../placeholders.js';
import {
  givesRows,
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlTransaction,
} from '../sql-database.js';
import { soundly } from './sound-commit.js';

// Prisma: a PrismaClient. In a transaction `client` is the client of that (interactive) transaction.

interface PrismaRunner {
  $queryRawUnsafe(sql: string, ...params: unknown[]): Promise<unknown>;
  $executeRawUnsafe(sql: string, ...params: unknown[]): Promise<number>;
}

export interface PrismaClient extends PrismaRunner {
  $transaction<T>(
    work: (transaction: PrismaRunner) => Promise<T>,
    options: { readonly timeout: number; readonly maxWait: number },
  ): Promise<T>;
}

/** Prisma ends a transaction after 5 s by itself; how long a handler may run is for its listener to say. */
const LIMITS = { timeout: 300_000, maxWait: 30_000 };

export class PrismaDatabase implements SqlDatabase<any> {
  readonly #prisma: PrismaClient;

  constructor(
    prisma: PrismaClient,
    readonly dialect: SqlDialect,
  ) {
    this.#prisma = prisma;
  }

  query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    return this.#run<R>(this.#prisma, sql, params);
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const { dialect } = this;
    return this.#prisma.$transaction(
      (client) => soundly({ dialect, query: (sql, params = []) => this.#run(client, sql, params), client }, work),
      LIMITS,
    );
  }

  async #run<R extends SqlRow>(client: PrismaRunner, sql: string, params: readonly unknown[]): Promise<SqlResult<R>> {
    const text = this.dialect === 'postgres' ? numberPlaceholders(sql) : sql;
    if (!givesRows(sql)) return { rows: [], count: await client.$executeRawUnsafe(text, ...params) };
    const rows = (await client.$queryRawUnsafe(text, ...params)) as R[];
    return { rows, count: rows.length };
  }
}
