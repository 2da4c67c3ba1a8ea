import { type Identity } from './partition-queue.js';

// What the sender asks of an open transaction: under whose name batches go, and which of them may.

export interface TransactionGate {
  readonly transactionalId: string;
  /** Highest version of Produce. From 12 on brokers add partitions to the transaction by themselves. */
  readonly produceVersion: number;
  /** Whether brokers refuse a first batch of an epoch that is not the first (KIP-890). */
  readonly startsAtZero: boolean;
  /** Producer id and epoch for new batches; undefined while none may go. */
  readonly identity: Identity | undefined;
  /** Whether a new batch of the partition may go now. If not, the sender is woken as soon as it may. */
  admits(topic: string, partition: number): boolean;
  /** A batch is stored. */
  stored(): void;
  /** A batch is lost to its transaction. `wasSent`: under a sequence number, which is then used up. */
  failed(error: Error, wasSent: boolean): void;
}
