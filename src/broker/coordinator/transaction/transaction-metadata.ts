import { PartitionSet } from './partition-set.js';
import { type TransactionState } from './transaction-state.js';

// What is known of one transactional id: the value that is stored in `__transaction_state`.

export const NO_PRODUCER_ID = -1n;
export const NO_EPOCH = -1;
/** Ways in which a client ends its transactions. The second one gives every transaction an epoch (KIP-890). */
export const ClientVersion = { V0: 0, V2: 2 } as const;
export type ClientVersion = (typeof ClientVersion)[keyof typeof ClientVersion];

export interface TransactionMetadata {
  readonly state: TransactionState;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** The id before the one that counts now; the same one when it did not change. */
  readonly previousProducerId: bigint;
  /** The id that the producer goes on with once the prepared end of the transaction is complete; -1: the same. */
  readonly nextProducerId: bigint;
  /**
   * The epoch before the one that counts now, by which a repeated request is known. It is not stored, as in Kafka:
   * a repetition over a restart is taken for a new request of an old producer.
   */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly partitions: PartitionSet;
  /** When the first partition came in; -1 before. */
  readonly startTimestamp: number;
  readonly lastUpdateTimestamp: number;
  /** As stored: 2 when the transaction was driven by a client of version 2, else 0. */
  readonly clientVersion: number;
}

/** What makes one producer out of many with the same transactional id. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Of a transactional id that was never seen. */
export function newTransaction(producerId: bigint, timeoutMs: number, now: number): TransactionMetadata {
  return {
    state: 'Empty',
    producerId,
    producerEpoch: 0,
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    lastProducerEpoch: NO_EPOCH,
    timeoutMs,
    partitions: PartitionSet.NONE,
    startTimestamp: -1,
    lastUpdateTimestamp: now,
    clientVersion: ClientVersion.V0,
  };
}

/** Every epoch but the last: that one is left for fencing whoever has the one before. */
const LAST_CLIENT_EPOCH = 0x7fff - 1;

/** Whether the producer id has no further epoch for a client. */
export function isExhausted(producerEpoch: number): boolean {
  return producerEpoch >= LAST_CLIENT_EPOCH;
}
