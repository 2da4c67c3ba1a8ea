import { type KafkaRecord } from '../../common/record.js';
import { type LogMoment } from '../../common/seek-target.js';
import { type TopicPartition, type TopicPartitionMap } from '../../common/topic-partition.js';
import { type RebalanceTimes } from './consumer/membership/rebalance-timer.js';

export type { RebalanceTimes } from './consumer/membership/rebalance-timer.js';
export { isRefusal, type Refusal, refusalIn } from './refusal.js';

// A consumer as the listener containers see it, in Kafka's terms. One implementation stands over the port Cluster;
// tests may bring their own.

/** Records of one partition, in offset order. Without any when only control or aborted records were passed. */
export interface PartitionRecords extends TopicPartition {
  readonly records: readonly KafkaRecord[];
  /** Grows at each assignment of the partition; results with an older one are stale. */
  readonly assignmentEpoch: number;
  /** Position after these records: past gaps of compaction and control records too. */
  readonly nextOffset: number;
  readonly highWatermark: number;
}

export interface CommitOffset extends TopicPartition {
  /** Next offset to read, not the last one read. */
  readonly offset: number;
  /** Stored beside the offset, at most 4,096 characters on a stock broker. Default empty. */
  readonly metadata?: string;
}

/** What a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** Who commits offsets inside a transaction: fences zombies by generation and member (KIP-447). */
export interface GroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId?: string;
}

/** Keeps a group's offsets outside of Kafka. */
export interface OffsetKeeper {
  /**
   * Positions, with their metadata; partitions without one have no entry. With `claims` the partitions are ours from
   * now on. Does not reject before `signal` aborts while the store is away.
   */
  fetch(
    partitions: readonly TopicPartition[],
    options: { readonly claims: boolean; readonly signal: AbortSignal },
  ): Promise<TopicPartitionMap<{ readonly offset: number; readonly metadata: string }>>;
  /** Rejects when the store is away, and when partitions have another owner. */
  commit(offsets: readonly CommitOffset[]): Promise<void>;
}

export interface AssignedPartition extends TopicPartition {
  readonly assignmentEpoch: number;
  /** The committed offset, or the one that auto.offset.reset or the kept position gave. */
  readonly position: number;
  /** Metadata of the committed offset; empty when there is none. */
  readonly metadata: string;
  /** Where the position comes from. `kept`: owned before the rebalance as well, nothing was lost. */
  readonly source: 'committed' | 'reset' | 'kept' | 'seek';
}

/** What a rebalance calls; each call is awaited before the consumer goes on. */
export interface RebalanceListener {
  /** New assignment, before the first fetch. May `seek`. Receives only partitions not `kept`, and those kept apart. */
  onAssigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): Promise<void> | void;
  /**
   * Before the member rejoins, heartbeats going on: drain and commit. Of a cooperative member only what it must give
   * up, after the rejoin; the others are not mentioned and go on. `deadline` aborts when the rebalance time-out is
   * about to pass. Commits made here still carry the old generation and are accepted.
   */
  onRevoked(partitions: readonly TopicPartition[], deadline: AbortSignal): Promise<void> | void;
  /** Membership was lost (session expired, fenced): the partitions may be elsewhere, no commit is possible. */
  onLost(partitions: readonly TopicPartition[]): Promise<void> | void;
}

/** Why a partition is paused. Pauses are a set: the partition flows when none is left. */
export type PauseReason =
  | 'user'
  | 'partition'
  | 'backpressure'
  /** All partitions of a listener hold as much together as they may. */
  | 'memory'
  /** Its records wait for their time, and so does what follows them. */
  | 'not-due'
  | 'error'
  | 'retry'
  | 'commit'
  | 'revoked'
  /** The listener is being told of it, and may move its position. */
  | 'assignment';

export type ConsumerEvent =
  | { readonly type: 'joined'; readonly generationId: number; readonly memberId: string; readonly assigned: number }
  | { readonly type: 'rebalancing'; readonly reason: string }
  /** A rebalance is over for this member, the first join too. */
  | ({ readonly type: 'rebalanced' } & RebalanceTimes)
  | {
      readonly type: 'offset-reset';
      readonly topic: string;
      readonly partition: number;
      readonly from: number | null;
      readonly to: number;
      readonly skipped: number | null;
    }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'failed'; readonly error: unknown };

export interface ConsumerClient {
  /** What brokers know it by (`client.id`). Absent: not told. */
  readonly clientId?: string | undefined;

  /** Joins the group and begins to fetch; resolves after the first assignment was handed to the listener. */
  start(listener: RebalanceListener): Promise<void>;

  /**
   * Waits until records are there and hands over what is buffered, at most `maxRecords` in all, arrays per partition.
   * Empty when `signal` aborted or `maxWaitMs` passed. Rejects when the consumer has failed for good.
   */
  poll(options: {
    readonly maxRecords: number;
    readonly maxWaitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<PartitionRecords[]>;

  /** Commits in one request; rejects with KAFKA_COMMIT_FAILED, whose message names the cause and the key to change. */
  commit(offsets: readonly CommitOffset[]): Promise<void>;

  /**
   * Who commits inside of a transaction; undefined while there is no assignment. Absent: transactions are not possible.
   */
  groupMetadata?(): GroupMetadata | undefined;
  /** Offsets that the group has committed, once no open transaction holds any; partitions without one have no entry. */
  committedOffsets?(partitions: readonly TopicPartition[]): Promise<TopicPartitionMap<CommittedOffset>>;

  /** Next offset to be handed over by poll; undefined when not assigned. */
  position(topic: string, partition: number): number | undefined;
  /** Moves the position; what is buffered of the partition is dropped. */
  seek(topic: string, partition: number, offset: number): void;
  /** Stops handing over; what is fetched already is kept. */
  pause(partitions: readonly TopicPartition[], reason: PauseReason): void;
  resume(partitions: readonly TopicPartition[], reason: PauseReason): void;
  assignment(): readonly TopicPartition[];
  /**
   * Moment of the monotonic clock from which on others may have the partitions: the group has confirmed the membership
   * up to here. `onLost` follows, but a process that stood still may run on before it. Absent: there is none.
   */
  readonly sessionEndsAt?: number;
  /** Offsets of a moment: where logs begin or end, or the first record of a time (the end when there is none). */
  offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>>;
  /** Where the log ends, as the last fetch told; undefined before the first. Absent: only `poll` tells. */
  highWatermark?(topic: string, partition: number): number | undefined;
  /**
   * After how many ms these topics delete what is in them; topics that keep it, or whose configs this client may not
   * see, have no entry. Absent: unknown.
   */
  retentionOf?(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Fetches from where the new partitions stand now, before `onAssigned` has ended: nothing is handed over until then.
   * Absent: fetching begins when it has.
   */
  prefetch?(): void;
  /** Makes the group rebalance; does nothing outside of a group, or while it rebalances. */
  enforceRebalance(reason: string): void;

  /**
   * Leaves the group, so that others take the partitions (`onLost` follows), and joins again when what `prepare` gives
   * has settled. `prepare` is awaited before, while commits are still accepted. False when it is no member right now.
   * Absent where there is no group.
   */
  leaveUntil?(reason: string, prepare: () => Promise<() => Promise<unknown>>): boolean;

  /** Stops fetching, calls `onRevoked` for what is left, commits nothing by itself, leaves the group. */
  stop(): Promise<void>;
  onEvent(listener: (event: ConsumerEvent) => void): void;
}
