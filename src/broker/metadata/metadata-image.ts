import { NestdawError } from '../../common/errors.js';
import { KeptRecords } from './kept-records.js';
import {
  BrokerRegistrationChange,
  Config,
  FeatureLevel,
  FenceBroker,
  FencedChange,
  type MetadataRecordType,
  Partition,
  PartitionChange,
  ProducerIds,
  type RecordOf,
  RegisterBroker,
  RemoveTopic,
  SAME_LEADER,
  SAME_RECOVERY,
  Topic,
  UnfenceBroker,
  UnregisterBroker,
} from './metadata-records.js';

// What the metadata log says, as state. `replay` is the only writer; it is the same for a record just appended and
// for one read at the start.

export interface PartitionState {
  readonly partitionId: number;
  replicas: readonly number[];
  isr: readonly number[];
  leader: number;
  leaderEpoch: number;
  partitionEpoch: number;
  directories: readonly string[];
  removingReplicas: readonly number[];
  addingReplicas: readonly number[];
  /** 1: led by a replica that may have lost records. */
  leaderRecoveryState: number;
  /** Who could lead after the last leader, where the directory keeps account of it. */
  eligibleLeaderReplicas: readonly number[] | null;
  lastKnownElr: readonly number[] | null;
}

export interface TopicState {
  readonly name: string;
  readonly topicId: string;
  /** By partition number, without holes. */
  readonly partitions: PartitionState[];
}

/** The registration as it was written, with the changes since. */
export type RegistrationState = RecordOf<typeof RegisterBroker>;

/** Kafka's numbers for what a Config record belongs to. */
export const ConfigResource = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const;
export type ConfigResource = (typeof ConfigResource)[keyof typeof ConfigResource];

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();

/** Lists that thousands of partitions have alike, each kept once. */
class SharedLists {
  /** Few: one node is in all of them, and its directories are. */
  readonly #known: Array<readonly unknown[]> = [];

  shared<T extends number | string>(list: readonly T[]): readonly T[] {
    for (const known of this.#known) if (isSameList(known, list)) return known as readonly T[];
    this.#known.push(list);
    return list;
  }
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

export class MetadataImage {
  readonly #lists = new SharedLists();
  readonly #topics = new Map<string, TopicState>();
  readonly #topicsById = new Map<string, TopicState>();
  /** Names with `.` as `_`, which is how metrics spell them: two topics must not share one. */
  readonly #metricNames = new Map<string, string>();
  readonly #configs = new Map<number, Map<string, Map<string, string>>>();
  readonly #features = new Map<string, number>();
  readonly #brokers = new Map<number, RegistrationState>();
  /** Users, quotas, ACLs and tokens: nothing in the image acts on them. */
  readonly kept = new KeptRecords();
  readonly #leftBehind = new Map<string, Set<string>>();
  #nextProducerId = 0;

  topic(name: string): TopicState | undefined {
    return this.#topics.get(name);
  }

  topicById(topicId: string): TopicState | undefined {
    return this.#topicsById.get(topicId);
  }

  /** The topic whose name differs from this one only by `.` against `_`, or not at all. */
  collisionOf(name: string): string | undefined {
    return this.#metricNames.get(metricName(name));
  }

  /** Every topic, in the order in which they were created. */
  topics(): IterableIterator<TopicState> {
    return this.#topics.values();
  }

  /** What was set for one resource, by key. */
  configsOf(type: ConfigResource, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(type)?.get(name) ?? NO_OVERRIDES;
  }

  /** Names of the resources for which something is set. */
  configured(type: ConfigResource): Iterable<string> {
    return this.#configs.get(type)?.keys() ?? [];
  }

  /** Every resource with what was set for it. */
  *allConfigs(): Generator<[type: number, name: string, entries: ReadonlyMap<string, string>]> {
    for (const [type, resources] of this.#configs) {
      for (const [name, entries] of resources) yield [type, name, entries];
    }
  }

  /**
   * Configuration of topics that are gone, never taken back: Kafka, reading the log, gives it to the next topic of that
   * name. Keys that a topic of that name has now are not among them.
   */
  *leftoverConfigs(): Generator<[topic: string, key: string]> {
    for (const [name, keys] of this.#leftBehind) {
      const inForce = this.configsOf(ConfigResource.TOPIC, name);
      for (const key of keys) if (!inForce.has(key)) yield [name, key];
    }
  }

  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }

  registrations(): IterableIterator<RegistrationState> {
    return this.#brokers.values();
  }

  registration(brokerId: number): RegistrationState | undefined {
    return this.#brokers.get(brokerId);
  }

  /** First producer id that no block has taken. */
  get nextProducerId(): number {
    return this.#nextProducerId;
  }

  replay(type: MetadataRecordType, record: unknown): void {
    switch (type) {
      case Topic:
        this.#addTopic(record as RecordOf<typeof Topic>);
        break;
      case Partition:
        this.#addPartition(record as RecordOf<typeof Partition>);
        break;
      case PartitionChange:
        this.#changePartition(record as RecordOf<typeof PartitionChange>);
        break;
      case RemoveTopic:
        this.#removeTopic(record as RecordOf<typeof RemoveTopic>);
        break;
      case Config:
        this.#setConfig(record as RecordOf<typeof Config>);
        break;
      case FeatureLevel:
        this.#setFeature(record as RecordOf<typeof FeatureLevel>);
        break;
      case ProducerIds:
        this.#takeProducerIds(record as RecordOf<typeof ProducerIds>);
        break;
      case RegisterBroker:
        this.#registerBroker(record as RecordOf<typeof RegisterBroker>);
        break;
      case UnregisterBroker:
        this.#brokers.delete((record as RecordOf<typeof UnregisterBroker>).brokerId);
        break;
      case BrokerRegistrationChange:
        this.#changeRegistration(record as RecordOf<typeof BrokerRegistrationChange>);
        break;
      case FenceBroker:
      case UnfenceBroker:
        this.#brokerOf((record as RecordOf<typeof FenceBroker>).id).fenced = type === FenceBroker;
        break;
      default:
        this.kept.replay(type, record);
    }
  }

  /** A snapshot was read whole: configuration of topics that it does not have belongs to none. */
  forgetOrphans(): void {
    for (const [name, entries] of this.#configs.get(ConfigResource.TOPIC) ?? []) {
      if (this.#topics.has(name)) continue;
      this.#leaveBehind(name, entries.keys());
      this.#configs.get(ConfigResource.TOPIC)!.delete(name);
    }
  }

  #leaveBehind(name: string, keys: Iterable<string>): void {
    const left = this.#leftBehind.get(name) ?? new Set();
    for (const key of keys) left.add(key);
    if (left.size > 0) this.#leftBehind.set(name, left);
  }

  #addTopic({ name, topicId }: RecordOf<typeof Topic>): void {
    if (this.#topics.has(name)) throw corrupt(`topic '${name}' is created twice`);
    const topic: TopicState = { name, topicId, partitions: [] };
    this.#topics.set(name, topic);
    this.#topicsById.set(topicId, topic);
    this.#metricNames.set(metricName(name), name);
  }

  #topicOf(topicId: string): TopicState {
    return this.#topicsById.get(topicId) ?? fail(`a record names topic id ${topicId}, which no topic has`);
  }

  #addPartition(record: RecordOf<typeof Partition>): void {
    const { partitions } = this.#topicOf(record.topicId);
    const { partitionId } = record;
    partitions[partitionId] = {
      partitionId,
      replicas: this.#lists.shared(record.replicas),
      isr: this.#lists.shared(record.isr),
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      directories: this.#lists.shared(record.directories),
      removingReplicas: this.#lists.shared(record.removingReplicas),
      addingReplicas: this.#lists.shared(record.addingReplicas),
      leaderRecoveryState: record.leaderRecoveryState,
      eligibleLeaderReplicas: record.eligibleLeaderReplicas && this.#lists.shared(record.eligibleLeaderReplicas),
      lastKnownElr: record.lastKnownElr && this.#lists.shared(record.lastKnownElr),
    };
  }

  #changePartition(change: RecordOf<typeof PartitionChange>): void {
    const topic = this.#topicOf(change.topicId);
    const state = topic.partitions[change.partitionId];
    if (!state) throw corrupt(`a change of partition ${change.partitionId} of '${topic.name}', which does not exist`);
    const lists = this.#lists;
    if (change.isr) state.isr = lists.shared(change.isr);
    if (change.replicas) state.replicas = lists.shared(change.replicas);
    if (change.directories) state.directories = lists.shared(change.directories);
    if (change.removingReplicas) state.removingReplicas = lists.shared(change.removingReplicas);
    if (change.addingReplicas) state.addingReplicas = lists.shared(change.addingReplicas);
    if (change.leaderRecoveryState !== SAME_RECOVERY) state.leaderRecoveryState = change.leaderRecoveryState;
    if (change.eligibleLeaderReplicas) state.eligibleLeaderReplicas = lists.shared(change.eligibleLeaderReplicas);
    if (change.lastKnownElr) state.lastKnownElr = lists.shared(change.lastKnownElr);
    if (change.leader !== SAME_LEADER) {
      state.leader = change.leader;
      // The epoch rises whenever a leader is named, even the same one.
      state.leaderEpoch++;
    }
    state.partitionEpoch++;
  }

  #removeTopic({ topicId }: RecordOf<typeof RemoveTopic>): void {
    const { name } = this.#topicOf(topicId);
    this.#topics.delete(name);
    this.#topicsById.delete(topicId);
    this.#metricNames.delete(metricName(name));
    // Also when the log does not say so: a new topic of the same name must not find the old one's configuration.
    this.#leaveBehind(name, this.configsOf(ConfigResource.TOPIC, name).keys());
    this.#configs.get(ConfigResource.TOPIC)?.delete(name);
  }

  #setConfig({ resourceType, resourceName, name, value }: RecordOf<typeof Config>): void {
    const resources = this.#configs.get(resourceType) ?? new Map<string, Map<string, string>>();
    this.#configs.set(resourceType, resources);
    const entries = resources.get(resourceName) ?? new Map<string, string>();
    resources.set(resourceName, entries);
    if (value !== null) entries.set(name, value);
    else entries.delete(name);
    if (value === null && resourceType === ConfigResource.TOPIC) this.#takeBack(resourceName, name);
    if (entries.size === 0) resources.delete(resourceName);
  }

  #takeBack(topic: string, key: string): void {
    const left = this.#leftBehind.get(topic);
    if (left?.delete(key) && left.size === 0) this.#leftBehind.delete(topic);
  }

  #setFeature({ name, featureLevel }: RecordOf<typeof FeatureLevel>): void {
    if (featureLevel === 0) this.#features.delete(name);
    else this.#features.set(name, featureLevel);
  }

  #takeProducerIds({ nextProducerId }: RecordOf<typeof ProducerIds>): void {
    if (nextProducerId <= this.#nextProducerId) {
      throw corrupt(`producer ids go back from ${this.#nextProducerId} to ${nextProducerId}`);
    }
    this.#nextProducerId = nextProducerId;
  }

  #registerBroker(record: RecordOf<typeof RegisterBroker>): void {
    this.#brokers.set(record.brokerId, { ...record });
  }

  #brokerOf(brokerId: number): RegistrationState {
    return this.#brokers.get(brokerId) ?? fail(`a change of broker ${brokerId}, which is not registered`);
  }

  #changeRegistration(change: RecordOf<typeof BrokerRegistrationChange>): void {
    const broker = this.#brokerOf(change.brokerId);
    const { fenced, inControlledShutdown, logDirs, cordonedLogDirs } = change;
    if (fenced !== FencedChange.NONE) broker.fenced = fenced === FencedChange.FENCE;
    if (inControlledShutdown !== 0) broker.inControlledShutdown = inControlledShutdown > 0;
    if (logDirs.length > 0) broker.logDirs = logDirs;
    if (cordonedLogDirs) broker.cordonedLogDirs = cordonedLogDirs;
  }
}

const metricName = (name: string): string => name.replaceAll('.', '_');

function corrupt(what: string): NestdawError {
  return new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `the metadata log is not consistent: ${what}. Restore the data directory from a copy, or start with an empty one.`,
  );
}

function fail(what: string): never {
  throw corrupt(what);
}
