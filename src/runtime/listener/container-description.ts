import { type ContainerCounters } from './container-counters.js';
import { type ContainerState } from './container-state.js';
import { type InterceptorFigures } from './delivery/interceptors.js';
import { type HoldReason } from './partitions/partition-state.js';
import { type HotPartition, hottestOf } from './watches/hot-partition.js';

// What a container knows about itself, as plain data for health, metrics and the console.

export interface PartitionDescription {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to be received. */
  readonly position: number;
  /** Next offset to read after a restart. */
  readonly committable: number;
  /** Last acknowledged commit; undefined before the first. */
  readonly committed: number | undefined;
  /** Offsets from `committable` to the end of the log, as the last fetch told. */
  readonly lag: number;
  /** Records received since the partition was assigned. */
  readonly received: number;
  /** Records received and not finished; running ones and those waiting for a retry are among them. */
  readonly unfinished: number;
  readonly running: number;
  /** Keys with records that run, are next to run, or wait behind one of those. */
  readonly lanes: number;
  readonly retrying: number;
  /** Records that failed for good and wait for `resume`. */
  readonly parked: number;
  /** Finished records behind an unfinished one. */
  readonly finishedAbove: number;
  /** Of its records that wait or run. */
  readonly bytes: number;
  /** Paused because a budget of its own is used up. */
  readonly isBackpressured: boolean;
  /** Paused because the partitions of the listener hold as much as they may together. */
  readonly isShortOfMemory: boolean;
  readonly holds: readonly HoldReason[];
}

export interface ConsumerDescription {
  readonly index: number;
  /** What brokers know it by (`client.id`); undefined where its factory does not say. */
  readonly clientId: string | undefined;
  /** Handlers that may run at once in it: 1 without a pool. A pool that steers itself changes its own number. */
  readonly workers: number;
  readonly running: number;
  /** The handler that has been running longest. */
  readonly oldest:
    | { readonly topic: string; readonly partition: number; readonly offset: number; readonly ms: number }
    | undefined;
  readonly partitions: readonly PartitionDescription[];
  readonly counters: ContainerCounters;
}

/** A worker thread of a listener. */
export interface ThreadDescription {
  readonly name: string;
  /** Calls that it has, begun or not; undefined where it runs a whole consumer. */
  readonly calls: number | undefined;
  /** How long the handler that keeps it busy has been running, ms; undefined when it is idle, or waits. */
  readonly busyMs: number | undefined;
  /** Threads that stood in its place before and died. */
  readonly deaths: number;
}

export interface ContainerDescription {
  readonly id: string;
  readonly connection: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Source of the pattern that topics are found by; undefined when they are named. */
  readonly topicPattern: string | undefined;
  readonly state: ContainerState;
  readonly failure: unknown;
  /**
   * As they were asked for, of each consumer; what a pool that steers itself has come to is in `consumers`. Undefined:
   * records of a consumer run one after another.
   */
  readonly workers: number | undefined;
  readonly consumers: readonly ConsumerDescription[];
  /**
   * Of the partitions that are assigned here, the one with most records; undefined where there is nothing to compare.
   */
  readonly hottest: HotPartition | undefined;
  /** What its interceptors have cost; not counted where handlers run in threads. */
  readonly interceptors: InterceptorFigures;
  /** Its worker threads; absent where it has none. */
  readonly threads?: readonly ThreadDescription[];
}

interface Described {
  readonly endpoint: {
    readonly id: string;
    readonly connection: string;
    readonly groupId: string;
    readonly topics: readonly string[];
    readonly topicPattern?: RegExp | undefined;
    readonly workers: number | undefined;
    readonly executor?: { describe(): readonly ThreadDescription[] } | undefined;
  };
  readonly state: ContainerState;
  readonly failure: unknown;
  readonly workers: number;
  readonly interceptors: InterceptorFigures;
}

export function describeContainer(
  container: Described,
  consumers: ReadonlyArray<{ describe(): ConsumerDescription }>,
): ContainerDescription {
  const { id, connection, groupId, topics, topicPattern } = container.endpoint;
  const described = consumers.map((consumer) => consumer.describe());
  return {
    id,
    connection,
    groupId,
    topics,
    topicPattern: topicPattern?.source,
    state: container.state,
    failure: container.failure,
    workers: container.endpoint.workers === undefined ? undefined : container.workers,
    consumers: described,
    interceptors: container.interceptors,
    hottest: hottestOf(described.flatMap(({ partitions }) => partitions)),
    ...(container.endpoint.executor === undefined ? {} : { threads: container.endpoint.executor.describe() }),
  };
}
