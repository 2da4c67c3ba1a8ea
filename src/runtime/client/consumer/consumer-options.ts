import { type Backoff, exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, systemClock } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { type SeekTarget } from '../../../common/seek-target.js';
import { type Cluster } from '../cluster/cluster.js';
import { type OffsetKeeper } from '../consumer-client.js';
import { type Assignor } from './assignors/assignor.js';
import { resolveAssignors } from './assignors/assignors.js';

// What a consumer is told: Kafka's names in camel case, with the defaults of the Java consumer.

export interface ConsumerOptions {
  /** Empty only with `assignment`: then nothing is committed. */
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Instead of `topics`: all whose whole name matches, later ones too. */
  readonly topicPattern?: RegExp;
  /** Keeps the group's offsets instead of the group's coordinator. */
  readonly offsets?: OffsetKeeper;
  /** Whether a pattern passes over topics of the brokers themselves, such as __consumer_offsets. Default true. */
  readonly excludeInternalTopics?: boolean;
  /** Partitions to read without membership in the group. With neither, all of `topics` or `topicPattern`. */
  readonly assignment?: ManualAssignment;
  /**
   * Opens a cluster; called twice (group requests and fetches need connections of their own, since a broker answers
   * one connection in order and a JoinGroup may wait for minutes), and again for each try to connect.
   */
  readonly createCluster: () => Cluster;
  /** What brokers know its connections by (`client.id`), to be told to whoever watches. */
  readonly clientId?: string | undefined;
  /** Makes the member static: it keeps its partitions over a restart that is shorter than the session. */
  readonly groupInstanceId?: string;
  /** Whether `stop` leaves the group. Default true, but false for a static member, which is expected back (KIP-345). */
  readonly leaveOnStop?: boolean;
  /** Default 45000. */
  readonly sessionTimeoutMs?: number;
  /** Default 3000; at most a third of the session time-out. */
  readonly heartbeatIntervalMs?: number;
  /** Default 300000. Here it is the rebalance time-out: how long draining may take. */
  readonly maxPollIntervalMs?: number;
  /** Where to begin without a committed offset, and when it is gone. Default latest. */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none';
  /** Default read_uncommitted. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed';
  /**
   * Strategies in order of preference, by wire name, Java class name, or as an object. Default range, with
   * cooperative-sticky second so that a group can be moved to it member by member.
   */
  readonly partitionAssignmentStrategy?: readonly (string | Assignor)[];
  /** Default 1. */
  readonly fetchMinBytes?: number;
  /** Default 52428800. */
  readonly fetchMaxBytes?: number;
  /** Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** Default 1048576. */
  readonly maxPartitionFetchBytes?: number;
  /** Fetched bytes that may wait for `poll` before fetching stops. Default 52428800. */
  readonly fetchBufferBytes?: number;
  /** Default true. */
  readonly checkCrcs?: boolean;
  /** Default empty. */
  readonly clientRack?: string;
  /** Default 300000. */
  readonly metadataMaxAgeMs?: number;
  /** Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1000. */
  readonly retryBackoffMaxMs?: number;
  /** Default 30000. */
  readonly requestTimeoutMs?: number;
  /** How long a commit is tried again before it fails. Default 60000. */
  readonly defaultApiTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** What a consumer reads that is no member of a group. */
export interface ManualAssignment {
  /** Undefined: every partition of the topics. */
  readonly partitions?: readonly ManualPartition[];
  /** The share of one consumer among several of one application that read these partitions together. */
  readonly index: number;
  readonly of: number;
}

export interface ManualPartition {
  readonly topic: string;
  /** Undefined: every partition of the topic, later ones too. */
  readonly partition?: number;
  /** Where to begin at each start. Default: the committed offset, else auto.offset.reset. */
  readonly start?: SeekTarget;
}

/** The options with every default filled in, and what is derived from them. */
export type ConsumerSettings = Required<
  Omit<
    ConsumerOptions,
    'clientId' | 'groupInstanceId' | 'partitionAssignmentStrategy' | 'topicPattern' | 'assignment' | 'offsets'
  >
> & {
  readonly topicPattern: RegExp | undefined;
  readonly assignment: ManualAssignment | undefined;
  readonly offsets: OffsetKeeper | undefined;
  readonly clientId: string | undefined;
  readonly groupInstanceId: string | null;
  readonly assignors: readonly Assignor[];
  /** Whether this member keeps what it owns while the group rebalances. */
  readonly isCooperative: boolean;
  readonly backoff: Backoff;
};

/** What a consumer keeps of fetched records, unless told otherwise. */
export const FETCH_BUFFER_BYTES = 52_428_800;
const DEFAULT_STRATEGIES = ['range', 'cooperative-sticky'] as const;

export function consumerSettings(options: ConsumerOptions): ConsumerSettings {
  const random = options.random ?? systemRandom;
  const retryBackoffMs = options.retryBackoffMs ?? 100;
  const retryBackoffMaxMs = options.retryBackoffMaxMs ?? 1000;
  const assignors = resolveAssignors(options.partitionAssignmentStrategy ?? DEFAULT_STRATEGIES);
  const settings: ConsumerSettings = {
    groupId: options.groupId,
    topics: [...new Set(options.topics)],
    topicPattern: options.topicPattern,
    excludeInternalTopics: options.excludeInternalTopics ?? true,
    assignment: options.assignment,
    offsets: options.offsets,
    createCluster: options.createCluster,
    clientId: options.clientId,
    groupInstanceId: options.groupInstanceId ?? null,
    leaveOnStop: options.leaveOnStop ?? options.groupInstanceId === undefined,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3_000,
    maxPollIntervalMs: options.maxPollIntervalMs ?? 300_000,
    autoOffsetReset: options.autoOffsetReset ?? 'latest',
    isolationLevel: options.isolationLevel ?? 'read_uncommitted',
    assignors,
    isCooperative: assignors.every(({ isCooperative }) => isCooperative === true),
    fetchMinBytes: options.fetchMinBytes ?? 1,
    fetchMaxBytes: options.fetchMaxBytes ?? 52_428_800,
    fetchMaxWaitMs: options.fetchMaxWaitMs ?? 500,
    maxPartitionFetchBytes: options.maxPartitionFetchBytes ?? 1_048_576,
    fetchBufferBytes: options.fetchBufferBytes ?? FETCH_BUFFER_BYTES,
    checkCrcs: options.checkCrcs ?? true,
    clientRack: options.clientRack ?? '',
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
    retryBackoffMs,
    retryBackoffMaxMs,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    defaultApiTimeoutMs: options.defaultApiTimeoutMs ?? 60_000,
    clock: options.clock ?? systemClock,
    random,
    logger: options.logger ?? silentLogger,
    backoff: exponentialBackoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs, random }),
  };
  const mistakes = mistakesIn(settings);
  if (mistakes.length > 0) throw new NestdawError('KAFKA_CONFIG_INVALID', mistakes.join('; '));
  return settings;
}

function mistakesIn(settings: ConsumerSettings): string[] {
  const { sessionTimeoutMs, heartbeatIntervalMs, autoOffsetReset } = settings;
  const mistakes: string[] = [];
  const { assignment, topicPattern, topics } = settings;
  if (settings.groupId === '' && !assignment) mistakes.push('group.id is empty: give the consumer a group');
  if (topics.length === 0 && !topicPattern && !assignment?.partitions) {
    mistakes.push('a consumer needs at least one topic');
  }
  if (heartbeatIntervalMs * 3 > sessionTimeoutMs) {
    mistakes.push(
      `heartbeat.interval.ms=${heartbeatIntervalMs} must be at most a third of session.timeout.ms=${sessionTimeoutMs}: ` +
        'lower the first or raise the second',
    );
  }
  if (!['earliest', 'latest', 'none'].includes(autoOffsetReset)) {
    mistakes.push(`auto.offset.reset=${autoOffsetReset} is unknown: use earliest, latest or none`);
  }
  return mistakes;
}
