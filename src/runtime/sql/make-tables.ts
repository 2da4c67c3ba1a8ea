import { type SqlDatabase } from './sql-database.js';

/** Runs statements that make what is missing, `CREATE … IF NOT EXISTS`, in applications that may start together. */
export async function makeTables(database: SqlDatabase, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    // PostgreSQL lets two that run at once collide; the second try finds what the other one made.
    await database.query(statement).catch(() => database.query(statement));
  }
}
