import { type TopicPartition } from '../../common/topic-partition.js';

// The port of stores that keep a group's offsets outside of Kafka.

/** Where a partition goes on, and who may say so. */
export interface StoredOffset extends TopicPartition {
  /** Next offset to read; undefined: nothing was ever stored. */
  readonly offset: number | undefined;
  /** What finished out of order behind it, in the container's own form; kept as it is. */
  readonly metadata: string;
  /** Grows with each assignment: who holds an older one is not the owner any more. */
  readonly epoch: number;
}

/** What an owner stores. */
export interface OffsetToStore extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
  readonly epoch: number;
}

/**
 * Keeps offsets for `@ExternalOffsets`, in two methods that follow a rebalance listener's: one for partitions that are
 * assigned, one for what is finished. A rejected call means that the store is down: an assignment then waits, a commit
 * is tried again.
 */
export interface OffsetStore {
  /**
   * Partitions were assigned: answers for each where it goes on. With `claims` the caller is its owner from now on:
   * its epoch grows, and whoever had it before cannot store any more.
   */
  load(group: string, partitions: readonly TopicPartition[], claims: boolean): Promise<readonly StoredOffset[]>;
  /**
   * Stores offsets, by policy and when partitions are revoked. Answers with those that were refused because a newer
   * epoch owns their partition.
   */
  store(group: string, offsets: readonly OffsetToStore[]): Promise<readonly TopicPartition[]>;
}
