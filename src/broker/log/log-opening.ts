import { partitionName, type TopicPartition, type TopicPartitionMap } from '../../common/topic-partition.js';
import {
  LOG_START_FILE,
  RECOVERY_POINT_FILE,
  readPartitionMetadata,
  writePartitionMetadata,
} from './directory/checkpoint-file.js';
import { type LogDirectories } from './directory/log-directories.js';
import { type LogDirectory } from './directory/log-directory.js';
import { listCheckpoints } from './directory/metadata-checkpoints.js';
import { storage } from './disk/storage-step.js';
import { type ConfigEntries, type LogConfig, logConfig } from './log-config.js';
import { type LogListener } from './log-listeners.js';
import { loadLog, type RecoveryOptions } from './log-recovery.js';
import { PartitionLog } from './partition-log.js';

// Makes the logs of partitions: from the files of a directory, in a new one, or without any where the disk is gone.

/** The metadata log: its owner keeps its own record of offsets and decides what is deleted. */
export const METADATA_TOPIC = '__cluster_metadata';

export interface NewLog {
  readonly topicId?: string;
  /** Overrides of the topic. */
  readonly config?: ConfigEntries;
  readonly leaderEpoch?: number;
  /** Where the metadata says that it lies; else the emptiest directory takes a new one. */
  readonly directoryId?: string | undefined;
}

export interface LogOpeningOptions {
  readonly directories: LogDirectories;
  /** How far compaction has come. */
  readonly cleanedTo: TopicPartitionMap<number>;
  /** Broker-wide defaults under their topic keys. */
  readonly defaults: ConfigEntries;
  /** One for all logs: there may be thousands. */
  readonly owner: LogListener<PartitionLog>;
}

type KnownOffsets = Pick<RecoveryOptions, 'recoveryPoint' | 'logStartOffset' | 'cleanedTo' | 'lastStop'>;

const NO_OVERRIDES: ConfigEntries = {};
const NOTHING_KNOWN: KnownOffsets = { recoveryPoint: 0, logStartOffset: 0, cleanedTo: 0, lastStop: 'clean' };

export class LogOpening {
  /** Overrides read last, with what they make: the partitions of a topic share theirs. */
  #lastConfig: { readonly overrides: ConfigEntries; readonly config: LogConfig } | undefined;
  /** Topics and their ids, while the directories are read. */
  readonly #texts = new Map<string, string>();
  readonly #recoveryPoints: TopicPartitionMap<number>;
  readonly #starts: TopicPartitionMap<number>;

  constructor(private readonly options: LogOpeningOptions) {
    this.#recoveryPoints = options.directories.readOffsets(RECOVERY_POINT_FILE);
    this.#starts = options.directories.readOffsets(LOG_START_FILE);
  }

  /** The directories were read: what helped with that is given up. */
  finished(): void {
    this.#texts.clear();
    this.#recoveryPoints.clear();
    this.#starts.clear();
  }

  /** A log as the run before left it. */
  found(home: LogDirectory, tp: TopicPartition): PartitionLog {
    const { topic, partition } = tp;
    return this.#take(home, tp, {
      recoveryPoint: this.#recoveryPoints.get(topic, partition) ?? 0,
      logStartOffset: this.#starts.get(topic, partition) ?? this.#snapshotEnd(home, tp),
      cleanedTo: this.options.cleanedTo.get(topic, partition) ?? 0,
      lastStop: home.data.lastStop,
    });
  }

  /** A log that was closed a moment ago and lies there now. */
  moved(home: LogDirectory, source: PartitionLog): PartitionLog {
    const { topic, partition } = source.topicPartition;
    const known = {
      recoveryPoint: source.logEndOffset,
      logStartOffset: source.logStartOffset,
      cleanedTo: this.options.cleanedTo.get(topic, partition) ?? 0,
      lastStop: 'clean',
    } as const;
    const log = this.#take(home, source.topicPartition, known);
    log.configure(source.config);
    log.setLeaderEpoch(source.leaderEpoch);
    return log;
  }

  /** What the metadata log says before its newest snapshot is in there; no checkpoint file lists its start. */
  #snapshotEnd({ path, context }: LogDirectory, tp: TopicPartition): number {
    if (tp.topic !== METADATA_TOPIC) return 0;
    return listCheckpoints(context.fileSystem, `${path}/${partitionName(tp)}`).at(-1)?.endOffset ?? 0;
  }

  #take(home: LogDirectory, tp: TopicPartition, known: KnownOffsets, overrides = NO_OVERRIDES): PartitionLog {
    const { context } = home;
    const { owner } = this.options;
    const directory = `${home.path}/${partitionName(tp)}`;
    return storage(`${directory} could not be opened`, () => {
      const config = this.configOf(overrides);
      const { indexIntervalBytes } = config;
      const loaded = loadLog(context, directory, { ...known, config, indexIntervalBytes });
      const topicId = this.#shared(readPartitionMetadata(context.fileSystem, directory));
      const topicPartition = { topic: this.#shared(tp.topic), partition: tp.partition };
      return new PartitionLog({ context, topicPartition, owner, topicId, config, loaded });
    });
  }

  /** One string for all partitions of a topic. */
  #shared<T extends string | undefined>(text: T): T {
    if (text === undefined) return text;
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return (known ?? text) as T;
  }

  /** What these overrides of a topic make of its logs' configuration. */
  configOf(overrides: ConfigEntries): LogConfig {
    if (this.#lastConfig?.overrides !== overrides) {
      this.#lastConfig = { overrides, config: logConfig(overrides, this.options.defaults) };
    }
    return this.#lastConfig.config;
  }

  /** A new log; one without files where its directory is out of service. Throws KAFKA_STORAGE_FAILED. */
  made(home: LogDirectory, tp: TopicPartition, options: NewLog): PartitionLog {
    const directory = `${home.path}/${partitionName(tp)}`;
    const log = home.attempt(`${directory} could not be made`, () => this.#make(home, directory, tp, options));
    return log ?? this.#blank(home, tp, options);
  }

  #make(home: LogDirectory, directory: string, tp: TopicPartition, options: NewLog): PartitionLog {
    const { fileSystem } = home.context;
    const { topicId } = options;
    const isNew = !fileSystem.exists(directory);
    if (isNew) fileSystem.makeDirectory(directory);
    if (topicId !== undefined) writePartitionMetadata(fileSystem, directory, topicId);
    return isNew ? this.#blank(home, tp, options) : this.#take(home, tp, NOTHING_KNOWN, options.config);
  }

  /** Touches no file: the first append makes it, if the directory then is in service. */
  #blank({ context }: LogDirectory, topicPartition: TopicPartition, { topicId, config }: NewLog): PartitionLog {
    const { owner } = this.options;
    const parts = { topicId, config: this.configOf(config ?? NO_OVERRIDES), loaded: undefined };
    return new PartitionLog({ context, topicPartition, owner, ...parts });
  }
}
