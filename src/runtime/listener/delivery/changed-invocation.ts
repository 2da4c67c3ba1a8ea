import { type SqlTransaction } from '../../sql/sql-database.js';
import { type Acknowledgment, type InvocationContext } from '../invocation.js';

// An invocation as somebody between container and handler passes it on: with an acknowledgment of its own, or inside of
// a transaction. Everything else is still asked of the invocation itself, whose signal is only made when it is read.

export class ChangedInvocation implements InvocationContext {
  readonly #invocation: InvocationContext;

  /** @param sql default: the transaction that the invocation is in, if it is in one */
  constructor(
    invocation: InvocationContext,
    readonly acknowledgment: Acknowledgment | undefined,
    readonly sql: SqlTransaction | undefined = invocation.sql,
  ) {
    this.#invocation = invocation;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  get attempt(): number {
    return this.#invocation.attempt;
  }

  get consumer(): InvocationContext['consumer'] {
    return this.#invocation.consumer;
  }

  get remote(): InvocationContext['remote'] {
    return this.#invocation.remote;
  }

  set remote(work: InvocationContext['remote']) {
    this.#invocation.remote = work;
  }
}
