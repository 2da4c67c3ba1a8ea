import { type CommitOffset, type GroupMetadata } from '../../client/consumer-client.js';

// What a container asks of the producer whose transactions its handlers run in.

/** One transaction after the other, all under one transactional id: one of these a consumer (KIP-447). */
export interface SpanProducer {
  /** Ms after which the broker aborts a transaction that is still open. */
  readonly timeoutMs: number;
  begin(): Promise<void>;
  /** Calls `work`, and everything that it sends, now and later, belongs to the open transaction. */
  run<R>(work: () => R): R;
  /**
   * Commits what was sent together with the offsets. Rejects with KAFKA_TRANSACTION_ABORTED when it has to be aborted,
   * KAFKA_TRANSACTION_UNDECIDED when nobody answered, KAFKA_PRODUCER_FENCED when the id was taken over.
   */
  commit(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void>;
  /** Does nothing when none is open. Rejects when the producer is of no use any more: replace it. */
  abort(): Promise<void>;
  /** A new producer under the same id: what the old one left undecided is decided when it resolves. */
  replace(): Promise<void>;
  /** Gives the producer back. */
  close(): void;
}

/** Opens a producer for one consumer. */
export type OpenSpanProducer = () => Promise<SpanProducer>;
