import { type OutgoingRecord } from '../../common/record.js';
import { type CommitOffset } from './consumer-client.js';

// A producer as the templates see it: records in, one acknowledgment or error per record out.

/** Where a record was stored. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 under acks=0, where the broker does not answer. */
  readonly offset: number;
  /** The record's time, or the broker's under LogAppendTime. */
  readonly timestamp: number;
}

export type Acks = 0 | 1 | -1;

export interface ProducerClient {
  start(): Promise<void>;

  /**
   * Appends to the partition's open batch; resolves when the batch is acknowledged, rejects with KAFKA_DELIVERY_FAILED
   * (after delivery.timeout.ms or a final refusal), KAFKA_RECORD_TOO_LARGE or KAFKA_BUFFER_FULL. Records of one
   * partition are stored in the order of the calls. `partition` undefined: by key (murmur2), sticky without a key.
   */
  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata>;

  /** Sends what waits without lingering and settles when all of it is acknowledged or has failed. */
  flush(): Promise<void>;

  /** Number of partitions, from cached metadata where there is any. */
  partitionsFor(topic: string): Promise<number>;

  /** Flushes within the delivery time-out, then ends. */
  stop(): Promise<void>;
}

/** Who commits offsets inside a transaction: fences zombies by generation and member (KIP-447). */
export interface GroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId?: string;
}

/** A producer with a transactional id: everything between `begin` and `commit` becomes visible together or not at all. */
export interface TransactionalProducerClient extends ProducerClient {
  /** Started, and no transaction is open: `begin` may be called. */
  readonly isReady: boolean;
  begin(): Promise<void>;
  /** Makes consumed offsets part of the transaction. */
  sendOffsets(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void>;
  /**
   * Sends what waits, then commits. Rejects with KAFKA_TRANSACTION_ABORTED when a record or an offset was lost: abort
   * then. With KAFKA_TRANSACTION_UNDECIDED nobody answered: commit again, or discard the producer. With
   * KAFKA_PRODUCER_FENCED the producer is of no use any more.
   */
  commit(): Promise<void>;
  /** Also after a failure, when nothing else is allowed; rejects when the producer is of no use any more. */
  abort(): Promise<void>;
  /** Ends at once, without an abort: for a producer that is of no use, or whose outcome nobody knows. */
  discard(): Promise<void>;
}
