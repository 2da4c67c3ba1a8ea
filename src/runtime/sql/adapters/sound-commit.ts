import { type SqlTransaction } from '../sql-database.js';

// PostgreSQL answers the COMMIT of a transaction that it has given up with ROLLBACK, and ORMs do not look. A last
// statement finds out: in such a transaction it fails.

/** Runs `work`, and rejects when PostgreSQL would roll its transaction back instead of committing it. */
export async function soundly<T>(
  transaction: SqlTransaction,
  work: (transaction: SqlTransaction) => Promise<T>,
): Promise<T> {
  const result = await work(transaction);
  if (transaction.dialect === 'postgres') await transaction.query('SELECT 1');
  return result;
}
