import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type Failure } from './failure.js';
import { type Recoverer } from './recoverer.js';

// What is remembered of failed records over the rollback of their transaction, which makes new deliveries of them.

export interface RedoEntry {
  /** Deliveries that have failed, and one more: the number of the next. */
  attempt: number;
  /** The handler does not run again: the record is passed over, or its recoverer takes it in the next transaction. */
  instead?: 'skip' | { readonly recoverer: Recoverer; readonly failure: Failure; readonly attemptAfterFailure: number };
}

export class RedoLedger {
  readonly #entries = new TopicPartitionMap<Map<number, RedoEntry>>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get({ topic, partition }: TopicPartition, offset: number): RedoEntry | undefined {
    return this.#entries.get(topic, partition)?.get(offset);
  }

  set({ topic, partition }: TopicPartition, offset: number, entry: RedoEntry): void {
    this.#entries.getOrCreate(topic, partition, () => new Map()).set(offset, entry);
  }

  /** The next failure of the record counts as the first. */
  forget({ topic, partition }: TopicPartition, offset: number): void {
    const entries = this.#entries.get(topic, partition);
    entries?.delete(offset);
    if (entries?.size === 0) this.#entries.delete(topic, partition);
  }

  /** Keeps the entries of records that are still to be done. */
  retain(isOpen: (partition: TopicPartition, offset: number) => boolean): void {
    for (const [tp, entries] of this.#entries.entries()) {
      for (const offset of entries.keys()) if (!isOpen(tp, offset)) this.forget(tp, offset);
    }
  }
}
