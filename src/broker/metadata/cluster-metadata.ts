import { join } from 'node:path';
import { type Clock } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type Random } from '../../common/random.js';
import { type BrokerConfig } from '../broker-config.js';
import { type FileSystem } from '../log/disk/file-system.js';
import { type LogManager } from '../log/log-manager.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type ConfigChange, planChanges, planReplacement } from './config-plans.js';
import { type ConfigTarget } from './config-targets.js';
import { type FeatureUpdate, planFeatures } from './feature-plans.js';
import { checkFeatures, METADATA_VERSION, TRANSACTION_VERSION } from './features.js';
import {
  checkDirectories,
  checkReplicas,
  clusterDefaults,
  featuresOf,
  formattedRecords,
  leftoverRemovals,
} from './foreign-directory.js';
import { type InternalTopic, internalPartitions, newInternalTopic } from './internal-topics.js';
import { MetadataImage } from './metadata-image.js';
import { MetadataLog } from './metadata-log.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import { AbortTransaction, UnregisterBroker } from './metadata-records.js';
import { MetadataSnapshots } from './metadata-snapshots.js';
import { ProducerIdBlocks } from './producer-id-blocks.js';
import { QuorumStateFile } from './quorum-state.js';
import { isRefusal, type Refusal, refused } from './refusal.js';
import {
  bootstrapRecords,
  brokerRegistration,
  controllerRegistration,
  farewellRecord,
  placementRecords,
  readyRecords,
} from './registration.js';
import { SnapshotStore } from './snapshot-store.js';
import { METADATA_TOPIC } from './topic-name.js';
import { type NewTopic, planPartitions, planTopic, type TopicPlan, topicRemoval } from './topic-plans.js';
import { TopicRegistry } from './topic-registry.js';

// The broker's knowledge of its topics, configurations and producer ids, and the only way to change it. Every change
// is decided from the image, appended, replayed and put into effect in one turn; `flush` then makes it durable, and
// only after that is anybody told.

/** The fixed id of the metadata log itself. */
const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** Nothing of the metadata log is ever deleted by age or size. */
const METADATA_LOG_CONFIG = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': String(8 * 1024 * 1024),
};

export interface ClusterMetadataOptions {
  readonly logs: LogManager;
  readonly fileSystem: FileSystem;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class ClusterMetadata {
  readonly image = new MetadataImage();
  readonly topics: TopicRegistry;
  readonly producerIds: ProducerIdBlocks;
  readonly #options: ClusterMetadataOptions;
  readonly #log: MetadataLog;
  readonly #quorumState: QuorumStateFile;
  readonly #snapshots: MetadataSnapshots;
  /** What the directory was formatted with, when this is its first start. */
  readonly #formatted: readonly MetadataRecord[];
  #brokerEpoch = -1;
  /** Internal topics that are created and not yet durable. */
  readonly #internalSyncs = new Map<InternalTopic, Promise<void>>();

  /** Loads the metadata log and opens the logs of all topics. */
  constructor(options: ClusterMetadataOptions) {
    const { logs, fileSystem, config, clock, logger } = options;
    this.#options = options;
    const log = logs.create(METADATA_TOPIC, 0, { topicId: METADATA_TOPIC_ID, config: METADATA_LOG_CONFIG });
    logs.configure(METADATA_TOPIC, METADATA_LOG_CONFIG);
    const { image } = this;
    this.#quorumState = new QuorumStateFile(fileSystem, join(log.directory, 'quorum-state'), config.nodeId);
    const snapshots = new SnapshotStore(fileSystem, log.directory);
    this.#log = new MetadataLog({ log, image, snapshots, quorumState: this.#quorumState, clock });
    this.#snapshots = new MetadataSnapshots({ log: this.#log, config, clock, logger });
    this.topics = new TopicRegistry({ logs, image, config, logger });
    this.producerIds = new ProducerIdBlocks(this.#log, config.nodeId);
    this.#log.load();
    this.#formatted = formattedRecords(fileSystem, log.home.path, image);
    this.#check();
    this.topics.openAll();
    this.#log.onReplay((record) => this.topics.apply(record));
    logs.onMove((moved) => this.#follow(moved));
  }

  /** Nothing is changed in a directory that is not wholly understood. */
  #check(): void {
    const { config, logs } = this.#options;
    this.#quorumState.readEpoch();
    checkFeatures(this.image.features);
    checkFeatures(featuresOf(this.#formatted));
    this.#log.quorum.check(config.nodeId, logs.get(METADATA_TOPIC, 0)!.home.id);
    checkReplicas(this.image, config.nodeId);
    const directoryIds = logs.directories.map(({ id }) => id).filter((id) => id !== '');
    checkDirectories(this.image, {
      directoryIds,
      hasUnread: directoryIds.length < logs.directories.length,
      has: (topic, partition) => logs.get(topic, partition) !== undefined,
    });
  }

  /** Epoch of the registration that this start wrote. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  /** Begins an epoch and registers this start of the broker. Resolves when all of it is durable. */
  async register(address: { readonly host: string; readonly port: number }): Promise<void> {
    const { logs, config, random } = this.#options;
    const { nodeId } = config;
    const log = this.#log;
    log.lead(Math.max(this.#quorumState.readEpoch(), log.lastEpoch) + 1, nodeId);
    if (log.endsInTransaction) log.append([metadataRecord(AbortTransaction, 0, { reason: 'Controller failover' })]);
    if (!this.image.features.has(METADATA_VERSION.name)) log.append(this.#bootstrap());
    log.append(leftoverRemovals(this.image));
    const { features } = this.image;
    const directoryIds = logs.directories.filter(({ failure }) => !failure).map(({ id }) => id);
    const registration = { nodeId, ...address, directoryIds, random, features };
    log.append(controllerRegistration(registration));
    this.#brokerEpoch = log.endOffset;
    log.append([brokerRegistration(registration, this.#brokerEpoch)]);
    log.append(
      readyRecords(this.image, nodeId, {
        brokerEpoch: this.#brokerEpoch,
        dataIntact: logs.lastStop !== 'machine-down',
      }),
    );
    this.#notePlaces();
    await log.flush();
    this.#snapshots.start();
  }

  /** A log lies in another directory now: it is another object, and the metadata has to say so. */
  #follow(log: PartitionLog): void {
    this.topics.replaceLog(log);
    // Before the registration nothing is written: it looks where everything lies.
    if (this.#brokerEpoch < 0) return;
    try {
      this.#notePlaces();
    } catch (error) {
      const { logger } = this.#options;
      logger.error(`that ${log.directory} is used now could not be noted: ${messageOf(error)}. The next start does it`);
    }
  }

  #notePlaces(): void {
    const { logs } = this.#options;
    this.#log.append(placementRecords(this.image, (topic, partition) => logs.servedFrom(topic, partition)?.id));
  }

  #bootstrap(): MetadataRecord[] {
    const { config } = this.#options;
    const minInsyncReplicas = config.text('min.insync.replicas') ?? '1';
    return bootstrapRecords([...this.#formatted, ...clusterDefaults(featuresOf(this.#formatted), minInsyncReplicas)]);
  }

  /** Notes that the broker leaves in good order. */
  async unregister(): Promise<void> {
    this.#snapshots.stop();
    if (this.#brokerEpoch < 0) return;
    this.#log.append([farewellRecord(this.#options.config.nodeId, this.#brokerEpoch)]);
    await this.#log.flush();
  }

  /** Where the metadata log stands. */
  get quorum(): { readonly epoch: number; readonly endOffset: number } {
    return { epoch: this.#log.lastEpoch, endOffset: this.#log.endOffset };
  }

  /** The level of transaction.version that is in force. */
  get transactionVersion(): number {
    return this.image.features.get(TRANSACTION_VERSION.name) ?? 0;
  }

  /** Resolves when every change made so far is durable. */
  flush(): Promise<void> {
    this.#snapshots.takeIfDue();
    return this.#log.flush();
  }

  #plan() {
    const { config, random, logs } = this.#options;
    return { image: this.image, config, random, directoriesForNew: (count: number) => logs.directoriesForNew(count) };
  }

  /** Creates a topic; `validateOnly` stops short of it. Wait for `flush` before you tell. */
  createTopic(wish: NewTopic, validateOnly = false): TopicPlan | Refusal {
    const plan = planTopic(wish, this.#plan());
    if (!isRefusal(plan) && !validateOnly) this.#log.append(plan.records);
    return plan;
  }

  createPartitions(
    wish: {
      readonly name: string;
      readonly count: number;
      readonly assignments: ReadonlyArray<{ brokerIds: readonly number[] }> | null;
    },
    validateOnly = false,
  ): Refusal | undefined {
    return this.#carryOut(planPartitions(wish, this.#plan()), validateOnly);
  }

  deleteTopic(name: string): Refusal | undefined {
    const topic = this.image.topic(name);
    if (!topic) {
      return refused('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
    }
    this.#log.append(topicRemoval(topic, this.image));
    return undefined;
  }

  alterConfigs(target: ConfigTarget, changes: readonly ConfigChange[], validateOnly = false): Refusal | undefined {
    return this.#carryOut(planChanges(target, changes, this.#plan()), validateOnly);
  }

  replaceConfigs(
    target: ConfigTarget,
    entries: ReadonlyArray<{ readonly name: string; readonly value: string | null }>,
    validateOnly = false,
  ): Refusal | undefined {
    return this.#carryOut(planReplacement(target, entries, this.#plan()), validateOnly);
  }

  updateFeatures(updates: readonly FeatureUpdate[], validateOnly = false): Refusal | undefined {
    return this.#carryOut(planFeatures(updates, { image: this.image, supported: [METADATA_VERSION] }), validateOnly);
  }

  /** Forgets a broker that is gone. */
  unregisterBroker(brokerId: number): Refusal | undefined {
    const registration = this.image.registration(brokerId);
    if (!registration) {
      return refused('BROKER_ID_NOT_REGISTERED', `Broker ID ${brokerId} is not currently registered`);
    }
    this.#log.append([metadataRecord(UnregisterBroker, 0, { brokerId, brokerEpoch: registration.brokerEpoch })]);
    return undefined;
  }

  #carryOut(plan: readonly MetadataRecord[] | Refusal, validateOnly: boolean): Refusal | undefined {
    if (isRefusal(plan)) return plan;
    if (!validateOnly) this.#log.append(plan);
    return undefined;
  }

  /** Partitions of an internal topic, or those that it gets when it is created. */
  internalPartitions(topic: InternalTopic): number {
    return this.topics.get(topic)?.partitions.length ?? internalPartitions(topic, this.#options.config);
  }

  /** Creates a coordinator's topic when there is none; resolves when it is there to stay. */
  ensureInternalTopic(topic: InternalTopic): void | Promise<void> {
    if (this.topics.get(topic)) return this.#internalSyncs.get(topic);
    const { config, logger } = this.#options;
    const refusal = this.createTopic(newInternalTopic(topic, config));
    if (isRefusal(refusal)) throw new NestdawError('KAFKA_STORAGE_FAILED', refusal.errorMessage);
    const sync = this.flush().finally(() => {
      if (this.#internalSyncs.get(topic) === sync) this.#internalSyncs.delete(topic);
    });
    this.#internalSyncs.set(topic, sync);
    // Whoever waits hears of it too; not everybody does.
    sync.catch((error: unknown) => logger.error(`${topic} could not be stored: ${messageOf(error)}`, error));
    return sync;
  }
}
