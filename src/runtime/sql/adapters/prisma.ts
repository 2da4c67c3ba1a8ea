import { numberPlaceholders } from '../placeholders.js';
import { givesRows, type SqlResult, type SqlRow } from '../sql-database.js';
import { QueryTool } from './query-tool.js';

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

export class PrismaDatabase extends QueryTool<PrismaClient, PrismaRunner> {
  protected transact<T>(work: (client: PrismaRunner) => Promise<T>): Promise<T> {
    return this.client.$transaction(work, LIMITS);
  }

  protected async run<R extends SqlRow>(
    client: PrismaRunner,
    sql: string,
    params: readonly unknown[],
  ): Promise<SqlResult<R>> {
    const text = this.dialect === 'postgres' ? numberPlaceholders(sql) : sql;
    if (!givesRows(sql)) return { rows: [], count: await client.$executeRawUnsafe(text, ...params) };
    const rows = (await client.$queryRawUnsafe(text, ...params)) as R[];
    return { rows, count: rows.length };
  }
}
