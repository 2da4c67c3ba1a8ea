import { type Clock, systemClock } from '../../../common/clock.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type LogMoment } from '../../../common/seek-target.js';
import { partitionName, type TopicPartition } from '../../../common/topic-partition.js';
import { Metadata } from '../../../protocol/messages/03-metadata.js';
import { type Cluster, type NodeInfo } from '../cluster/cluster.js';
import { AdminCalls } from './admin-calls.js';
import { ConfigAdmin, type ConfigEntry, type ConfigOwner } from './config-admin.js';
import { GroupAdmin, type GroupDescription, type GroupListing, type GroupOffset } from './group-admin.js';
import { type LogDir, LogDirAdmin } from './log-dir-admin.js';
import { type TopicOptions } from './new-topic.js';
import { OffsetAdmin, type PartitionOffset } from './offset-admin.js';
import { TopicAdmin, type TopicDescription } from './topic-admin.js';
import { checkedTopics, type ExistingTopic, planTopics } from './topic-plan.js';

export interface KafkaAdminOptions {
  /** A new cluster, not connected. */
  readonly openCluster: () => Cluster;
  /** How long one operation is tried. Default 30,000. */
  readonly operationTimeoutMs?: number;
  /** Whether configs of topics that exist are changed to what is declared. Default false. */
  readonly modifyTopicConfigs?: boolean;
  /** The topics that `initialize` makes. Default: none. */
  readonly declared?: () => readonly TopicOptions[];
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A committed offset, and how much lies behind it. */
export interface GroupLag extends GroupOffset {
  readonly end: number;
  readonly lag: number;
}

/**
 * Topics, configs, offsets and groups of a cluster (Spring: `KafkaAdmin`); injectable. Connects at its first use. What
 * a broker refuses rejects with KAFKA_PROTOCOL_ERROR and its `errorName`; trouble that may pass is tried again for
 * `kafka.admin.operation-timeout`.
 */
export class KafkaAdmin {
  readonly #calls: AdminCalls;
  readonly #topics: TopicAdmin;
  readonly #configs: ConfigAdmin;
  readonly #groups: GroupAdmin;
  readonly #offsets: OffsetAdmin;
  readonly #logDirs: LogDirAdmin;
  readonly #logger: Logger;
  readonly #modifyTopicConfigs: boolean;
  readonly #declared: () => readonly TopicOptions[];

  constructor(options: KafkaAdminOptions) {
    const { openCluster, operationTimeoutMs = 30_000, clock = systemClock, logger = silentLogger } = options;
    this.#calls = new AdminCalls({ openCluster, clock, operationTimeoutMs });
    this.#topics = new TopicAdmin(this.#calls, logger);
    this.#configs = new ConfigAdmin(this.#calls);
    this.#groups = new GroupAdmin(this.#calls);
    this.#offsets = new OffsetAdmin(this.#calls);
    this.#logDirs = new LogDirAdmin(this.#calls);
    this.#logger = logger;
    this.#modifyTopicConfigs = options.modifyTopicConfigs ?? false;
    this.#declared = options.declared ?? (() => []);
  }

  /**
   * Makes the topics that the application declares (Spring: `initialize`), as `createOrModifyTopics` does: for
   * `kafka.admin.auto-create=false`, under which the start makes none, and for clusters that were away then. Resolves
   * with false where none are declared; rejects when they cannot be made, whatever `kafka.admin.fail-fast` says.
   */
  async initialize(): Promise<boolean> {
    const topics = this.#declared();
    await this.createOrModifyTopics(...topics);
    return topics.length > 0;
  }

  /**
   * Creates topics that are missing, gives those that have fewer partitions than declared more, and changes configs
   * where `kafka.admin.modify-topic-configs` says so. Throws KAFKA_CONFIG_INVALID for declarations that are none.
   */
  async createOrModifyTopics(...declared: readonly TopicOptions[]): Promise<void> {
    const topics = checkedTopics(declared);
    if (topics.length === 0) return;
    const { create, grow, alter, notices } = planTopics(topics, await this.#existing(topics));
    for (const notice of notices) this.#logger.warn(notice);
    const made = await this.#topics.create(create);
    if (made.length > 0) this.#logger.log(`created ${made.length === 1 ? 'topic' : 'topics'} ${made.join(', ')}`);
    await this.#topics.grow(grow.map(({ topic: { name }, to }) => ({ name, count: to })));
    for (const { topic, from, to } of grow)
      this.#logger.log(`topic ${topic.name}: ${to} partitions instead of ${from}`);
    for (const { name, changes } of alter) {
      await this.alterTopicConfigs(name, changes);
      this.#logger.log(`topic ${name}: configs changed: ${textOf(changes)}`);
    }
  }

  /** Deletes topics with their records. Rejects with UNKNOWN_TOPIC_OR_PARTITION when one does not exist. */
  async deleteTopics(...names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#topics.delete(names);
  }

  /** Names of all topics, sorted; Kafka's own ones only where asked for. */
  async listTopics(options: { readonly internal?: boolean } = {}): Promise<string[]> {
    const all = [...(await this.#topics.describe(null)).values()];
    const wanted = all.filter(({ isInternal }) => !isInternal || options.internal === true);
    return wanted.map(({ name }) => name).sort();
  }

  /** Topics by name, with leaders and replicas; those that do not exist have no entry. */
  async describeTopics(...names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return names.length === 0 ? new Map() : this.#topics.describe(names);
  }

  /** All configs of a topic, by name. */
  async topicConfigs(topic: string): Promise<ReadonlyMap<string, ConfigEntry>> {
    return (await this.describeConfigs({ kind: 'topic', name: topic })).get(topic)!;
  }

  /** Configs of topics and brokers, by the name of each. */
  describeConfigs(...owners: readonly ConfigOwner[]): Promise<ReadonlyMap<string, ReadonlyMap<string, ConfigEntry>>> {
    return this.#configs.describe(owners);
  }

  /** What a broker itself says that each key of a topic or a broker means; null where it says nothing. */
  configDocumentation(owner: ConfigOwner): Promise<ReadonlyMap<string, string | null>> {
    return this.#configs.documentation(owner);
  }

  /** Changes some configs of a topic and leaves the others; null goes back to the default. */
  alterTopicConfigs(topic: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
    return this.alterConfigs({ kind: 'topic', name: topic }, changes);
  }

  /** Changes some configs of a topic or a broker and leaves the others; null goes back to the default. */
  alterConfigs(owner: ConfigOwner, changes: Readonly<Record<string, string | null>>): Promise<void> {
    return this.#configs.alter(owner, changes);
  }

  /** Offsets of a topic's partitions at a moment: `'beginning'`, `'end'`, or ms since the epoch. */
  async topicOffsets(topic: string, moment: LogMoment = 'end'): Promise<PartitionOffset[]> {
    const partitions = (await this.describeTopics(topic)).get(topic)?.partitions ?? [];
    return this.offsetsAt(
      partitions.map(({ partition }) => ({ topic, partition })),
      moment,
    );
  }

  /** The same of single partitions. */
  async offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<PartitionOffset[]> {
    return partitions.length === 0 ? [] : this.#offsets.at(partitions, moment);
  }

  /** Removes the records before an offset; gives where each log begins then. */
  deleteRecords(before: readonly PartitionOffset[]): Promise<PartitionOffset[]> {
    return this.#topics.deleteRecords(before);
  }

  /** All groups of the cluster. */
  listGroups(): Promise<GroupListing[]> {
    return this.#groups.list();
  }

  /** Groups by id, with their members; one that does not exist has the state `Dead`. */
  describeGroups(...groupIds: readonly string[]): Promise<ReadonlyMap<string, GroupDescription>> {
    return this.#groups.describe(groupIds);
  }

  /** Deletes groups that have no members, with their offsets. */
  deleteGroups(...groupIds: readonly string[]): Promise<void> {
    return this.#groups.delete(groupIds);
  }

  /** What a group has committed, and how much lies behind it. */
  async groupOffsets(groupId: string): Promise<GroupLag[]> {
    const committed = await this.#groups.offsets(groupId);
    const ends = new Map((await this.offsetsAt(committed, 'end')).map((one) => [partitionName(one), one.offset]));
    return committed.map((one) => {
      const end = ends.get(partitionName(one)) ?? one.offset;
      return { ...one, end, lag: Math.max(0, end - one.offset) };
    });
  }

  /** Moves a group that has no members: rejects with UNKNOWN_MEMBER_ID while it has some. */
  alterGroupOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#groups.alterOffsets(groupId, offsets);
  }

  /** Forgets what a group has committed for some partitions. */
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.#groups.deleteOffsets(groupId, partitions);
  }

  /** Id of the cluster; null from brokers that have none. */
  async clusterId(): Promise<string | null> {
    return (await this.describeCluster()).clusterId;
  }

  /** Nodes of the cluster, and its id. */
  describeCluster(): Promise<{ readonly clusterId: string | null; readonly nodes: readonly NodeInfo[] }> {
    return this.#calls.run('describing the cluster', async (cluster) => {
      const request = { topics: [], allowAutoTopicCreation: false };
      const { clusterId, brokers } = await this.#calls.any(cluster, Metadata, () => request, 12);
      return { clusterId, nodes: brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })) };
    });
  }

  /** Directories that a broker keeps its data in (Kafka: `describeLogDirs`). */
  logDirs(nodeId: number): Promise<LogDir[]> {
    return this.#logDirs.of(nodeId);
  }

  /** Ends its connections; the application's end does that. */
  close(): Promise<void> {
    return this.#calls.close();
  }

  async #existing(topics: readonly TopicOptions[]): Promise<Map<string, ExistingTopic>> {
    const found = await this.#topics.describe(topics.map(({ name }) => name));
    const wanted = topics.filter(({ name, configs }) => found.has(name) && configs !== undefined);
    const configs = this.#modifyTopicConfigs && wanted.length > 0 ? await this.#configsOf(wanted) : undefined;
    return new Map(
      [...found].map(([name, { partitions }]) => {
        return [name, { partitions: partitions.length, configs: configs?.get(name) }] as const;
      }),
    );
  }

  async #configsOf(topics: readonly TopicOptions[]): Promise<Map<string, ReadonlyMap<string, string | null>>> {
    const found = await this.#configs.describe(topics.map(({ name }) => ({ kind: 'topic', name })));
    return new Map(
      [...found].map(([name, entries]) => [name, new Map([...entries].map(([key, { value }]) => [key, value]))]),
    );
  }
}

function textOf(changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
