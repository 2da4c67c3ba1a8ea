import { type Logger } from '../../common/logger.js';
import { type BrokerConfig } from '../broker-config.js';
import { TopicConfig } from '../config/topic-config.js';
import { type LogManager } from '../log/log-manager.js';
import { type PartitionLog } from '../log/partition-log.js';
import { ConfigResource, type MetadataImage, type TopicState } from './metadata-image.js';
import { type MetadataRecord } from './metadata-record.js';
import { Config, Partition, PartitionChange, type RecordOf, RemoveTopic, Topic } from './metadata-records.js';
import { isInternal, METADATA_TOPIC } from './topic-name.js';

// The topics together with their logs. It follows the metadata: a record that creates, changes or removes a topic
// has the same effect here, on the disk, in the same turn.

export interface TopicEntry {
  readonly name: string;
  readonly topicId: string;
  /** Kept by the broker for itself: readable, not writable. */
  readonly isInternal: boolean;
  /** Leader, epochs and replicas of each partition. */
  readonly state: TopicState;
  readonly config: TopicConfig;
  /** By partition number. */
  readonly partitions: readonly PartitionLog[];
}

interface OwnEntry extends TopicEntry {
  readonly partitions: PartitionLog[];
  /** The whole configuration as the logs take it; made anew after a change. */
  effective: Record<string, string> | undefined;
}

export interface TopicRegistryOptions {
  readonly logs: Pick<LogManager, 'create' | 'deleteAll' | 'configure' | 'get' | 'entries' | 'setStrayAside'>;
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
  readonly logger: Logger;
}

export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #topics = new Map<string, OwnEntry>();
  readonly #byId = new Map<string, OwnEntry>();
  readonly #removalListeners: Array<(topic: TopicEntry) => void> = [];

  constructor(options: TopicRegistryOptions) {
    this.#options = options;
  }

  get(name: string): TopicEntry | undefined {
    return this.#topics.get(name);
  }

  byId(topicId: string): TopicEntry | undefined {
    return this.#byId.get(topicId);
  }

  all(): IterableIterator<TopicEntry> {
    return this.#topics.values();
  }

  /** The partition's log; undefined when there is no such partition. */
  log(topic: string, partition: number): PartitionLog | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  /** Called with every topic that was removed. */
  onRemoval(listener: (topic: TopicEntry) => void): void {
    this.#removalListeners.push(listener);
  }

  /** Opens what the image holds, once, at the start. */
  openAll(): void {
    const { image, config } = this.#options;
    for (const scope of ['all', 'node'] as const) {
      const name = scope === 'all' ? '' : String(config.nodeId);
      for (const [key, value] of image.configsOf(ConfigResource.BROKER, name)) config.setDynamic(scope, key, value);
    }
    this.#setStraysAside();
    for (const state of image.topics()) {
      const entry = this.#add(state);
      for (const { partitionId } of state.partitions) this.#open(entry, partitionId);
      this.#options.logs.configure(entry.name, this.#effective(entry));
    }
  }

  /** Logs that no topic claims are kept, but out of the way of the next topic of that name. */
  #setStraysAside(): void {
    const { logs, image, logger } = this.#options;
    for (const [{ topic, partition }, log] of logs.entries()) {
      if (topic === METADATA_TOPIC) continue;
      const state = image.topic(topic);
      const isOurs = log.topicId === undefined || log.topicId === state?.topicId;
      if (state?.partitions[partition] && isOurs) continue;
      const aside = logs.setStrayAside(topic, partition);
      logger.warn(`${topic}-${partition} on disk belongs to no topic that the metadata log knows; kept as ${aside}`);
    }
  }

  /** The log of a partition is another one now. */
  replaceLog(log: PartitionLog): void {
    const { topic, partition } = log.topicPartition;
    const entry = this.#topics.get(topic);
    if (entry) entry.partitions[partition] = log;
  }

  /** Follows a record that the image has taken. */
  apply({ type, message }: MetadataRecord): void {
    switch (type) {
      case Topic: {
        const { name } = message as RecordOf<typeof Topic>;
        this.#add(this.#options.image.topic(name)!);
        return;
      }
      case Partition: {
        const { topicId, partitionId } = message as RecordOf<typeof Partition>;
        this.#open(this.#byId.get(topicId)!, partitionId);
        return;
      }
      case PartitionChange: {
        const { topicId, partitionId } = message as RecordOf<typeof PartitionChange>;
        const entry = this.#byId.get(topicId);
        entry?.partitions[partitionId]?.setLeaderEpoch(entry.state.partitions[partitionId]!.leaderEpoch);
        return;
      }
      case RemoveTopic:
        this.#remove((message as RecordOf<typeof RemoveTopic>).topicId);
        return;
      case Config:
        this.#configure(message as RecordOf<typeof Config>);
        return;
    }
  }

  #add(state: TopicState): OwnEntry {
    const { name, topicId } = state;
    const { image, config } = this.#options;
    const entry: OwnEntry = {
      name,
      topicId,
      isInternal: isInternal(name),
      state,
      // Asked for at each use: the map of a topic without overrides is replaced when it gets its first.
      get config() {
        return new TopicConfig(config, image.configsOf(ConfigResource.TOPIC, name));
      },
      partitions: [],
      effective: undefined,
    };
    this.#topics.set(name, entry);
    this.#byId.set(topicId, entry);
    return entry;
  }

  #open(entry: OwnEntry, partition: number): void {
    const { logs } = this.#options;
    const { name, topicId, state } = entry;
    const { leaderEpoch, directories } = state.partitions[partition]!;
    const config = this.#effective(entry);
    const log = logs.create(name, partition, { topicId, directoryId: directories[0], config, leaderEpoch });
    log.setLeaderEpoch(leaderEpoch);
    entry.partitions[partition] = log;
  }

  #effective(entry: OwnEntry): Record<string, string> {
    entry.effective ??= entry.config.all();
    return entry.effective;
  }

  #remove(topicId: string): void {
    const entry = this.#byId.get(topicId);
    if (!entry) return;
    this.#topics.delete(entry.name);
    this.#byId.delete(topicId);
    this.#options.logs.deleteAll(entry.name, entry.partitions.keys());
    for (const listener of this.#removalListeners) listener(entry);
  }

  #configure({ resourceType, resourceName, name, value }: RecordOf<typeof Config>): void {
    if (resourceType === ConfigResource.TOPIC) {
      const entry = this.#topics.get(resourceName);
      if (entry) this.#reconfigure(entry);
    } else if (resourceType === ConfigResource.BROKER) {
      this.#options.config.setDynamic(resourceName === '' ? 'all' : 'node', name, value);
      for (const entry of this.#topics.values()) this.#reconfigure(entry);
    }
  }

  #reconfigure(entry: OwnEntry): void {
    entry.effective = undefined;
    if (entry.partitions.length > 0) this.#options.logs.configure(entry.name, this.#effective(entry));
  }
}
