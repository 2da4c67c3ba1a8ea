import { type SeekTarget } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type CommitOffset, type GroupMetadata } from '../client/consumer-client.js';

// What user code may ask of a consumer and tell it: in handlers (`@Consumer()`), in rebalance callbacks, from outside.

/**
 * What `commit` is asked for. Without `offset`: all that is finished of the partition. With `offset`: exactly there, as
 * Kafka's `commitSync(Map<TopicPartition, OffsetAndMetadata>)`; it is the next offset to be read, not the last one that
 * was: `record.offset + 1`.
 */
export interface CommitTarget extends TopicPartition {
  readonly offset?: number;
  /**
   * Stored beside the offset, at most 4,096 characters on a stock broker; takes the place of the map of what is
   * finished behind the offset, until the next commit of the container. Default: that map, where the listener keeps
   * one.
   */
  readonly metadata?: string;
}

/** How `commit` treats offsets that were given. */
export interface CommitOptions {
  /**
   * What becomes of records below an offset that are not finished, and are none of the call's own. `refuse`: nothing is
   * committed, the promise rejects with KAFKA_COMMIT_FAILED. `finish`: by your word they count as finished; they still
   * run here, and are lost should the process die before. Default `refuse`.
   */
  readonly unfinished?: 'refuse' | 'finish';
}

/** The partitions of one consumer of a listener: where it stands, where it shall go on, what waits. */
export interface ListenerConsumer {
  /** Id of the listener. */
  readonly listenerId: string;
  /** Consumer group; empty when the listener has none. */
  readonly groupId: string;
  /** Number of the consumer in its listener, from 0. */
  readonly index: number;
  /** Partitions that the consumer has right now. */
  assignment(): readonly TopicPartition[];
  /** Next offset to be received of a partition; undefined when it is not assigned here. */
  position(partition: TopicPartition): number | undefined;
  /** Last acknowledged commit; undefined before the first, or when the partition is not assigned here. */
  committed(partition: TopicPartition): number | undefined;
  /**
   * Moves partitions (all by default) to another position. From the call on none of their records starts; what waited
   * of them is dropped, and the result of a handler that still runs changes nothing any more. The commits of the
   * partition go on from the new position. Resolves when it is in force: do not await it in a handler for its own
   * partition without need, nothing of the partition runs meanwhile anyway. Rejects when a partition is not assigned
   * here.
   */
  seek(target: SeekTarget, partitions?: TopicPartition | readonly TopicPartition[]): Promise<void>;
  /** Starts none of their records (all partitions by default) until `resume`; survives rebalances. */
  pause(partitions?: TopicPartition | readonly TopicPartition[]): void;
  resume(partitions?: TopicPartition | readonly TopicPartition[]): void;
  /** Partitions paused by `pause`. */
  paused(): readonly TopicPartition[];
  /**
   * Commits what is finished by now, of some partitions or of all. Never passes unfinished work, unless offsets are
   * given and `unfinished: 'finish'` says so. Of the records that a handler was called with, an offset of its own may
   * cover as many as it likes: they count as finished from then on.
   *
   * Resolves with what was committed, when the brokers have stored it: awaited it is Kafka's `commitSync`, with `then`
   * and `catch` its `commitAsync` and callback. One that nobody awaits ends no process when it fails; that is logged.
   * One request is under way at a time, in the order of the calls. An offset below what is committed stands until more
   * is finished. Failures that pass are tried again within `default.api.timeout.ms`.
   *
   * @throws {NestdawError} KAFKA_CONFIG_INVALID, KAFKA_COMMIT_FAILED, KAFKA_REBALANCED (the partition is not assigned
   *   here), KAFKA_TRANSACTION_STATE (of a listener in transactions), KAFKA_STOPPED
   */
  commit(which?: CommitTarget | readonly CommitTarget[], options?: CommitOptions): Promise<readonly CommitOffset[]>;
  /**
   * Whose offsets these are, for `template.sendOffsetsToTransaction`: a consumer that lost its partitions meanwhile is
   * refused (KIP-447). Undefined between two assignments; absent where the consumer runs in another thread.
   */
  groupMetadata?(): GroupMetadata | undefined;
  /** Makes the group rebalance. */
  enforceRebalance(): void;
}
