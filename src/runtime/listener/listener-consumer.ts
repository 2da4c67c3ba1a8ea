import { type SeekTarget } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type GroupMetadata } from '../client/consumer-client.js';

// What user code may ask of a consumer and tell it: in handlers (`@Consumer()`), in rebalance callbacks, from outside.

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
  /** Commits what is finished by now. Never passes unfinished work. */
  commit(): Promise<void>;
  /**
   * Whose offsets these are, for `template.sendOffsetsToTransaction`: a consumer that lost its partitions meanwhile is
   * refused (KIP-447). Undefined between two assignments; absent where the consumer runs in another thread.
   */
  groupMetadata?(): GroupMetadata | undefined;
  /** Makes the group rebalance. */
  enforceRebalance(): void;
}
