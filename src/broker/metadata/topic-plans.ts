import { type Random } from '../../common/random.js';
import { type BrokerConfig, mistakeIn } from '../broker-config.js';
import { TopicConfig } from '../config/topic-config.js';
import { TOPIC_KEYS } from '../config/topic-keys.js';
import { replicasRefusal } from './assignments.js';
import { partitionVersion } from './features.js';
import { ConfigResource, type MetadataImage, type TopicState } from './metadata-image.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import { Config, Partition, RemoveTopic, Topic } from './metadata-records.js';
import { type Refusal, refused } from './refusal.js';
import { METADATA_TOPIC, nameRefusal } from './topic-name.js';

// What creating, growing and deleting a topic means in records: pure, from the image and the wish to records or a
// refusal.

export interface NewTopic {
  readonly name: string;
  /** -1: num.partitions. */
  readonly numPartitions: number;
  /** -1: the default, which on one node is one copy. */
  readonly replicationFactor: number;
  readonly assignments?: ReadonlyArray<{ readonly partitionIndex: number; readonly brokerIds: readonly number[] }>;
  readonly configs?: ReadonlyArray<{ readonly name: string; readonly value: string | null }>;
}

export interface TopicPlan {
  readonly name: string;
  readonly topicId: string;
  readonly numPartitions: number;
  readonly configs: ReadonlyMap<string, string>;
  readonly records: readonly MetadataRecord[];
}

export interface PlanContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  /** Ids of the directories for this many new partitions. */
  readonly directoriesForNew: (count: number) => readonly string[];
  readonly random: Random;
}

/** Partitions of one topic; each is a directory with files, so a slip of the keyboard must not create millions. */
const MAX_PARTITIONS = 10_000;

export function planTopic(wish: NewTopic, context: PlanContext): TopicPlan | Refusal {
  const { name } = wish;
  const refusal = creationRefusal(wish, context);
  if (refusal) return refusal;
  const configs = new Map<string, string>();
  for (const { name: key, value } of wish.configs ?? []) {
    const mistake = value === null ? `'${key}' is null` : mistakeIn(TOPIC_KEYS, key, value);
    if (mistake) return refused('INVALID_CONFIG', `topic '${name}': ${mistake}`);
    configs.set(key, value!.trim());
  }
  const together = new TopicConfig(context.config, configs).mistake();
  if (together !== undefined) return refused('INVALID_CONFIG', `topic '${name}': ${together}`);
  const topicId = newTopicId(context);
  const numPartitions = partitionsOf(wish, context.config);
  const records = [
    metadataRecord(Topic, 0, { name, topicId }),
    ...[...configs].map(([key, value]) => configRecord(ConfigResource.TOPIC, name, key, value)),
    ...partitionRecords(topicId, 0, numPartitions, context),
  ];
  return { name, topicId, numPartitions, configs, records };
}

function creationRefusal(wish: NewTopic, { image, config }: PlanContext): Refusal | undefined {
  const { name, numPartitions, replicationFactor, assignments = [] } = wish;
  if (name === METADATA_TOPIC) return refused('INVALID_REQUEST', `topic '${name}' is the broker's own`);
  const badName = nameRefusal(name);
  if (badName) return badName;
  if (image.topic(name)) return refused('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
  const collision = image.collisionOf(name);
  if (collision !== undefined) {
    return refused(
      'INVALID_TOPIC_EXCEPTION',
      `topic '${name}' collides with '${collision}': '.' and '_' count as equal`,
    );
  }
  if (assignments.length > 0) return assignmentRefusal(wish, config.nodeId);
  if (numPartitions === 0 || numPartitions < -1) {
    return refused(
      'INVALID_PARTITIONS',
      `topic '${name}': ${numPartitions} partitions; at least 1, or -1 for the default`,
    );
  }
  if (numPartitions > MAX_PARTITIONS) {
    return refused('POLICY_VIOLATION', `topic '${name}': ${numPartitions} partitions; at most ${MAX_PARTITIONS}`);
  }
  if (replicationFactor === 1 || replicationFactor === -1) return undefined;
  const why = replicationFactor > 1 ? 'this broker is a single node, which holds one copy' : 'it must be 1';
  return refused('INVALID_REPLICATION_FACTOR', `topic '${name}': replication factor ${replicationFactor}; ${why}`);
}

function assignmentRefusal(wish: NewTopic, nodeId: number): Refusal | undefined {
  const { name, numPartitions, replicationFactor, assignments = [] } = wish;
  if (numPartitions !== -1 || replicationFactor !== -1) {
    const both = 'with an assignment, partitions and replication factor must be -1';
    return refused('INVALID_REQUEST', `topic '${name}': ${both}`);
  }
  const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
  if (indexes.some((index, i) => index !== i)) {
    return refused('INVALID_REPLICA_ASSIGNMENT', `topic '${name}': partitions must be numbered from 0 without holes`);
  }
  return assignmentsRefusal(assignments, nodeId);
}

function assignmentsRefusal(assignments: ReadonlyArray<{ brokerIds: readonly number[] }>, nodeId: number) {
  for (const { brokerIds } of assignments) {
    const refusal = replicasRefusal(brokerIds, nodeId);
    if (refusal) return refusal;
  }
  return undefined;
}

function partitionsOf({ assignments = [], numPartitions }: NewTopic, config: BrokerConfig): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? config.number('num.partitions') : numPartitions;
}

function partitionRecords(topicId: string, from: number, to: number, context: PlanContext) {
  const { config, image } = context;
  const directories = context.directoriesForNew(to - from);
  const replicas = [config.nodeId];
  const version = partitionVersion(image.features);
  return Array.from({ length: to - from }, (_, i) =>
    metadataRecord(Partition, version, {
      partitionId: from + i,
      topicId,
      replicas,
      isr: replicas,
      removingReplicas: [],
      addingReplicas: [],
      leader: config.nodeId,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [directories[i]!],
    }),
  );
}

/** More partitions for a topic. */
export function planPartitions(
  wish: {
    readonly name: string;
    readonly count: number;
    readonly assignments: ReadonlyArray<{ brokerIds: readonly number[] }> | null;
  },
  context: PlanContext,
): readonly MetadataRecord[] | Refusal {
  const { name, count, assignments } = wish;
  const topic = context.image.topic(name);
  if (!topic) return refused('UNKNOWN_TOPIC_OR_PARTITION', `topic '${name}' does not exist`);
  const current = topic.partitions.length;
  if (count === current) return refused('INVALID_PARTITIONS', `Topic already has ${current} partition(s).`);
  if (count < current) {
    const state = `The topic ${name} currently has ${current} partition(s)`;
    return refused('INVALID_PARTITIONS', `${state}; ${count} would not be an increase.`);
  }
  if (count > MAX_PARTITIONS) {
    return refused('POLICY_VIOLATION', `topic '${name}': ${count} partitions; at most ${MAX_PARTITIONS}`);
  }
  if (assignments) {
    const added = count - current;
    if (assignments.length !== added) {
      const given = `${assignments.length} assignments for ${added} new partitions`;
      return refused('INVALID_REPLICA_ASSIGNMENT', `topic '${name}': ${given}`);
    }
    const refusal = assignmentsRefusal(assignments, context.config.nodeId);
    if (refusal) return refusal;
  }
  return partitionRecords(topic.topicId, current, count, context);
}

/**
 * The end of a topic. Its configuration is taken back key by key in front of it: Kafka, reading the log, would
 * otherwise give it to the next topic of that name.
 */
export function topicRemoval(topic: TopicState, image: MetadataImage): MetadataRecord[] {
  const keys = [...image.configsOf(ConfigResource.TOPIC, topic.name).keys()];
  return [
    ...keys.map((key) => configRecord(ConfigResource.TOPIC, topic.name, key, null)),
    metadataRecord(RemoveTopic, 0, { topicId: topic.topicId }),
  ];
}

export function configRecord(
  resourceType: ConfigResource,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecord {
  return metadataRecord(Config, 0, { resourceType, resourceName, name, value });
}

/** A random id that no topic has; never one that Kafka keeps for itself, nor one whose text looks like an option. */
function newTopicId({ image, random }: PlanContext): string {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const id = bytes.toString('base64url');
    if (!id.startsWith('-') && !image.topicById(id)) return id;
  }
}
