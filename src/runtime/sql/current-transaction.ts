import { AsyncLocalStorage } from 'node:async_hooks';
import { type SqlTransaction } from './sql-database.js';

// The SQL transaction that the code running now is part of, known without handing it from call to call.

const transactions = new AsyncLocalStorage<SqlTransaction>();

/**
 * The transaction that the calling code runs in; undefined outside of one. `transaction.client` is the application's
 * own kind of connection.
 *
 * @typeParam C what `client` is, see `SqlTransaction`
 */
export function currentSqlTransaction<C = any>(): SqlTransaction<C> | undefined {
  return transactions.getStore();
}

/** Makes `transaction` the current one of everything that `work` does. */
export function withSqlTransaction<T>(transaction: SqlTransaction, work: () => T): T {
  return transactions.run(transaction, work);
}
