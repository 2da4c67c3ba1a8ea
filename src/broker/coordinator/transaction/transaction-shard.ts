import { type CoordinatorShard } from '../coordinator-runtime.js';
import { type TransactionRecord } from '../transaction-records.js';
import { type TransactionMetadata } from './transaction-metadata.js';
import { canMove } from './transaction-state.js';

/** The transactional ids of one partition of `__transaction_state`. */
export class TransactionShard implements CoordinatorShard<TransactionRecord> {
  readonly #transactions = new Map<string, TransactionMetadata>();
  #isLoaded = false;

  constructor(readonly partition: number) {}

  get(transactionalId: string): TransactionMetadata | undefined {
    return this.#transactions.get(transactionalId);
  }

  entries(): IterableIterator<[string, TransactionMetadata]> {
    return this.#transactions.entries();
  }

  replay({ transactionalId, value }: TransactionRecord): void {
    if (value === null) {
      this.#transactions.delete(transactionalId);
      return;
    }
    const state = this.#transactions.get(transactionalId)?.state;
    // A compacted log leaves states out; only what is decided here must go step by step.
    if (this.#isLoaded && state && !canMove(state, value.state)) {
      throw new Error(`transactional id ${transactionalId}: no way from ${state} to ${value.state}`);
    }
    this.#transactions.set(transactionalId, value);
  }

  loaded(): void {
    this.#isLoaded = true;
  }
}
