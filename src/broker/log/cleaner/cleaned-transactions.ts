import { decodeControlRecord } from '../../../protocol/record-batch.js';
import { isTransactional, lastOffset, producerId, recordCount } from '../../../protocol/record-batch-header.js';
import { type AbortedTxn } from '../segment/transaction-index.js';

// Which batches of transactions a cleaner may drop, told batch by batch in the order of the log: data of aborted
// transactions at once, a marker when nothing of its transaction is left before it. Pure.

interface Aborting {
  readonly txn: AbortedTxn;
  hasData: boolean;
}

export class CleanedTransactions {
  /** Not reached yet, by first offset. */
  #ahead: AbortedTxn[] = [];
  readonly #aborting = new Map<bigint, Aborting>();
  readonly #committing = new Set<bigint>();

  /** `onKeptAbort` gets each aborted transaction of which readers still meet data. */
  constructor(private readonly onKeptAbort?: (txn: AbortedTxn) => void) {}

  /** Aborted transactions of the stretch that is read next; one that is told twice counts once. */
  expect(aborted: readonly AbortedTxn[]): void {
    this.#ahead = [...this.#ahead, ...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  #reach(offset: number): void {
    let reached = 0;
    for (; reached < this.#ahead.length; reached++) {
      const txn = this.#ahead[reached]!;
      if (txn.firstOffset > offset) break;
      if (!this.#aborting.has(txn.producerId)) this.#aborting.set(txn.producerId, { txn, hasData: false });
    }
    if (reached > 0) this.#ahead.splice(0, reached);
  }

  /** Takes note of a batch of data; true when its records were aborted. */
  onData(buffer: Buffer, at: number): boolean {
    this.#reach(lastOffset(buffer, at));
    if (!isTransactional(buffer, at)) return false;
    const id = producerId(buffer, at);
    const aborting = this.#aborting.get(id);
    if (aborting) aborting.hasData = true;
    else this.#committing.add(id);
    return aborting !== undefined;
  }

  /** Takes note of a control batch; true when no reader needs it any more. */
  onControl(buffer: Buffer, at: number): boolean {
    this.#reach(lastOffset(buffer, at));
    if (recordCount(buffer, at) === 0) return true; // what is left of a marker that was cleaned away before
    const id = producerId(buffer, at);
    switch (decodeControlRecord(buffer, at).type) {
      case 'commit':
        return !this.#committing.delete(id);
      case 'abort': {
        const aborting = this.#aborting.get(id);
        this.#aborting.delete(id);
        if (!aborting?.hasData) return true;
        this.onKeptAbort?.(aborting.txn);
        return false;
      }
      case 'other':
        return false;
    }
  }
}
