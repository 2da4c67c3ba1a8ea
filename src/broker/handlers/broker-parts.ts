import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { type FrameRooms } from '../../protocol/frame-rooms.js';
import { type BrokerConfig } from '../broker-config.js';
import { type FetchPurgatory } from '../fetch/fetch-purgatory.js';
import { type FetchSessions } from '../fetch/fetch-sessions.js';
import { type FileSystem } from '../log/disk/file-system.js';
import { type LogManager } from '../log/log-manager.js';
import { type ClusterMetadata } from '../metadata/cluster-metadata.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { type RootLogger } from '../root-logger.js';

// What handlers are made with, and the checks that several of them share.

export interface BrokerParts {
  readonly config: BrokerConfig;
  readonly metadata: ClusterMetadata;
  readonly purgatory: FetchPurgatory;
  readonly sessions: FetchSessions;
  readonly logs: LogManager;
  readonly fileSystem: FileSystem;
  /** For what is read from logs; the connection gives it back when it was sent. */
  readonly rooms: FrameRooms;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Through which `logger` speaks. */
  readonly rootLogger: RootLogger;
}

/** "Do not check" in a request's leader epoch. */
const ANY_EPOCH = -1;

/** What is wrong with the leader epoch that a client believes in; 0 when nothing is. */
export function leaderEpochError(topic: TopicEntry, partition: number, epoch: number): number {
  if (epoch === ANY_EPOCH) return ErrorCode.NONE;
  const { leaderEpoch } = topic.state.partitions[partition]!;
  if (epoch < leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  return epoch > leaderEpoch ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NONE;
}

const NO_REPLICAS: readonly number[] = [];

/** A partition as answers tell of it: its only replica leads it, also when its directory is out of service. */
export function tellPartition(topic: TopicEntry, partitionIndex: number, replicas: readonly [nodeId: number]) {
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex,
    leaderId: replicas[0],
    leaderEpoch: topic.state.partitions[partitionIndex]!.leaderEpoch,
    replicaNodes: replicas,
    isrNodes: replicas,
    offlineReplicas: topic.partitions[partitionIndex]?.isUnserved ? replicas : NO_REPLICAS,
  };
}

/** Every operation a client may do without an authorizer, as bits. */
export const TOPIC_OPERATIONS = 0xdf8;
export const CLUSTER_OPERATIONS = 0x1fa0;
