import { NestdawError } from '../../common/errors.js';
import {
  BrokerRegistrationChange,
  Config,
  FeatureLevel,
  FencedChange,
  type MetadataRecordType,
  Partition,
  PartitionChange,
  ProducerIds,
  type RecordOf,
  RegisterBroker,
  RemoveTopic,
  SAME_LEADER,
  Topic,
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
}

export interface TopicState {
  readonly name: string;
  readonly topicId: string;
  /** By partition number, without holes. */
  readonly partitions: PartitionState[];
}

export interface RegistrationState {
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly brokerEpoch: number;
  fenced: boolean;
  inControlledShutdown: boolean;
}

/** Kafka's numbers for what a Config record belongs to. */
export const ConfigResource = { TOPIC: 2, BROKER: 4, CLIENT_METRICS: 16, GROUP: 32 } as const;
export type ConfigResource = (typeof ConfigResource)[keyof typeof ConfigResource];

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();

export class MetadataImage {
  readonly #topics = new Map<string, TopicState>();
  readonly #topicsById = new Map<string, TopicState>();
  /** Names with `.` as `_`, which is how metrics spell them: two topics must not share one. */
  readonly #metricNames = new Map<string, string>();
  readonly #configs = new Map<number, Map<string, Map<string, string>>>();
  readonly #features = new Map<string, number>();
  readonly #brokers = new Map<number, RegistrationState>();
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

  get features(): ReadonlyMap<string, number> {
    return this.#features;
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
      case BrokerRegistrationChange:
        this.#changeRegistration(record as RecordOf<typeof BrokerRegistrationChange>);
        break;
      // Users, quotas, ACLs and tokens of a Kafka directory: nothing here acts on them, the log keeps them.
    }
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
    const { partitionId, replicas, isr, leader, leaderEpoch, partitionEpoch, directories } = record;
    partitions[partitionId] = { partitionId, replicas, isr, leader, leaderEpoch, partitionEpoch, directories };
  }

  #changePartition(change: RecordOf<typeof PartitionChange>): void {
    const topic = this.#topicOf(change.topicId);
    const state = topic.partitions[change.partitionId];
    if (!state) throw corrupt(`a change of partition ${change.partitionId} of '${topic.name}', which does not exist`);
    if (change.isr) state.isr = change.isr;
    if (change.replicas) state.replicas = change.replicas;
    if (change.directories) state.directories = change.directories;
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
    this.#configs.get(ConfigResource.TOPIC)?.delete(name);
  }

  #setConfig({ resourceType, resourceName, name, value }: RecordOf<typeof Config>): void {
    const resources = this.#configs.get(resourceType) ?? new Map<string, Map<string, string>>();
    this.#configs.set(resourceType, resources);
    const entries = resources.get(resourceName) ?? new Map<string, string>();
    resources.set(resourceName, entries);
    if (value !== null) entries.set(name, value);
    else entries.delete(name);
    if (entries.size === 0) resources.delete(resourceName);
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
    const { brokerId, incarnationId, brokerEpoch, fenced, inControlledShutdown } = record;
    this.#brokers.set(brokerId, { brokerId, incarnationId, brokerEpoch, fenced, inControlledShutdown });
  }

  #changeRegistration({ brokerId, fenced, inControlledShutdown }: RecordOf<typeof BrokerRegistrationChange>): void {
    const broker = this.#brokers.get(brokerId) ?? fail(`a change of broker ${brokerId}, which is not registered`);
    if (fenced !== FencedChange.NONE) broker.fenced = fenced === FencedChange.FENCE;
    if (inControlledShutdown !== 0) broker.inControlledShutdown = inControlledShutdown > 0;
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
