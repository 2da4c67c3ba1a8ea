import { type Clock } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type Random, systemRandom } from '../../common/random.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import {
  type CleanerMetrics,
  type CleanerSettings,
  DEFAULT_CLEANER_SETTINGS,
  LogCleaner,
} from './cleaner/log-cleaner.js';
import {
  CLEANER_FILE,
  LOG_START_FILE,
  RECOVERY_POINT_FILE,
  readPartitionMetadata,
  writePartitionMetadata,
} from './directory/checkpoint-file.js';
import { DataDirectory } from './directory/data-directory.js';
import { LogCheckpoints } from './directory/log-checkpoints.js';
import { listCheckpoints } from './directory/metadata-checkpoints.js';
import { isDeletedDirectory, parsePartitionDirectory } from './directory/partition-directory.js';
import { SetAside } from './directory/set-aside.js';
import { StorageCounters } from './directory/storage-counters.js';
import { DevicePace } from './disk/device-pace.js';
import { FileRemovals } from './disk/file-removals.js';
import { type FileSystem } from './disk/file-system.js';
import { DEFAULT_MAX_OPEN_FILES, OpenFiles } from './disk/open-files.js';
import { storage } from './disk/storage-step.js';
import { type ConfigEntries, type LogConfig, logConfig } from './log-config.js';
import { type LogContext } from './log-context.js';
import { type LogListener } from './log-listeners.js';
import { type LastStop, type LoadedLog, loadLog, newLog, type RecoveryOptions } from './log-recovery.js';
import { LogUpkeep, type UpkeepIntervals } from './log-upkeep.js';
import { PartitionLog } from './partition-log.js';

// All logs of a data directory: loads them at start, makes and deletes them, looks after retention and checkpoints,
// and leaves the directory clean at stop.

/** The metadata log: its owner keeps its own record of offsets and decides what is deleted. */
const METADATA_TOPIC = '__cluster_metadata';

export interface LogManagerOptions extends UpkeepIntervals {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly nodeId: number;
  /** Made up for a new directory when left out; a directory of another cluster is refused. */
  readonly clusterId?: string;
  /** The running boot of the operating system (readBootId); undefined: not known, recovery checks everything. */
  readonly bootId?: string | undefined;
  /** Broker-wide defaults under their topic keys (`segment.bytes`, `retention.ms`, ...). */
  readonly defaults?: ConfigEntries;
  readonly maxOpenFiles?: number;
  /** Default: Kafka's. */
  readonly cleaner?: CleanerSettings;
}

export interface NewLog {
  readonly topicId?: string;
  /** Overrides of the topic. */
  readonly config?: ConfigEntries;
  readonly leaderEpoch?: number;
}

const NO_OVERRIDES: ConfigEntries = {};

export class LogManager {
  readonly directory: string;
  readonly #context: LogContext;
  readonly #data: DataDirectory;
  readonly #logs = new TopicPartitionMap<PartitionLog>();
  readonly #setAside: SetAside;
  readonly #defaults: ConfigEntries;
  readonly #cleaner: LogCleaner;
  readonly #checkpoints: LogCheckpoints;
  readonly #upkeep: LogUpkeep;
  /** Overrides read last, with what they make: the partitions of a topic share theirs. */
  #lastConfig: { readonly overrides: ConfigEntries; readonly config: LogConfig } | undefined;
  /** Topics and their ids, while the directory is read. */
  readonly #names = new Map<string, string>();
  #isStopped = false;

  /** Loads every log of the directory, or makes a new directory. Throws KAFKA_DATA_DIR_INVALID, KAFKA_STORAGE_FAILED. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = storage(`${options.directory} could not be opened`, () => new LogManager(options));
    try {
      await manager.#load();
    } catch (error) {
      for (const log of manager.logs()) log.abandon();
      throw error;
    }
    return manager;
  }

  private constructor(options: LogManagerOptions) {
    const { fileSystem, directory, clock, random = systemRandom, logger = silentLogger } = options;
    const counters = new StorageCounters();
    const files = new OpenFiles(fileSystem, options.maxOpenFiles ?? DEFAULT_MAX_OPEN_FILES, counters);
    const removals = new FileRemovals(fileSystem, logger);
    this.directory = directory;
    this.#defaults = options.defaults ?? {};
    const device = new DevicePace();
    this.#context = { fileSystem, files, device, removals, counters, clock, random, logger };
    this.#setAside = new SetAside(this.#context, directory);
    const { nodeId, clusterId, bootId } = options;
    this.#data = new DataDirectory({ fileSystem, path: directory, nodeId, clusterId, bootId, random });
    this.#cleaner = new LogCleaner({
      context: this.#context,
      settings: options.cleaner ?? DEFAULT_CLEANER_SETTINGS,
      logs: () => this.#ordinaryLogs(),
      cleanedTo: this.#data.readOffsets(CLEANER_FILE),
      onFlushed: () => this.#checkpoints.writeRecoveryPoints(),
      onCleaned: () => this.#upkeep.guard('checkpoint', () => this.#checkpoints.writeCleaned()),
    });
    this.#checkpoints = new LogCheckpoints({
      data: this.#data,
      logs: () => this.#ordinaryLogs(),
      cleanedTo: () => this.#cleaner.cleanedTo,
    });
    this.#upkeep = new LogUpkeep({
      clock,
      logger,
      intervals: options,
      logs: () => this.#ordinaryLogs(),
      checkpoints: this.#checkpoints,
    });
  }

  get clusterId(): string {
    return this.#data.meta.clusterId;
  }

  get nodeId(): number {
    return this.#data.meta.nodeId;
  }

  get directoryId(): string {
    return this.#data.meta.directoryId;
  }

  /** How the run before this one ended; a new directory counts as one after a crash. */
  get lastStop(): LastStop {
    return this.#data.lastStop;
  }

  get startedClean(): boolean {
    return this.lastStop === 'clean';
  }

  async #load(): Promise<void> {
    const { fileSystem } = this.#context;
    const recoveryPoints = this.#data.readOffsets(RECOVERY_POINT_FILE);
    const starts = this.#data.readOffsets(LOG_START_FILE);
    for (const name of fileSystem.list(this.directory)) {
      if (isDeletedDirectory(name)) fileSystem.remove(`${this.directory}/${name}`);
      const tp = parsePartitionDirectory(name);
      if (!tp) continue;
      this.#take(tp, {
        recoveryPoint: recoveryPoints.get(tp.topic, tp.partition) ?? 0,
        logStartOffset: starts.get(tp.topic, tp.partition) ?? this.#snapshotEnd(tp),
        cleanedTo: this.#cleaner.cleanedTo.get(tp.topic, tp.partition) ?? 0,
        lastStop: this.lastStop,
      });
    }
    this.#names.clear();
    this.#data.recovered();
    this.#upkeep.start();
    this.#cleaner.start();
  }

  /** What the metadata log says before its newest snapshot is in there; no checkpoint file lists its start. */
  #snapshotEnd(tp: TopicPartition): number {
    if (tp.topic !== METADATA_TOPIC) return 0;
    const directory = `${this.directory}/${partitionName(tp)}`;
    return listCheckpoints(this.#context.fileSystem, directory).at(-1)?.endOffset ?? 0;
  }

  #take(
    topicPartition: TopicPartition,
    known: Pick<RecoveryOptions, 'recoveryPoint' | 'logStartOffset' | 'cleanedTo' | 'lastStop'>,
    overrides: ConfigEntries = NO_OVERRIDES,
  ): PartitionLog {
    const directory = `${this.directory}/${partitionName(topicPartition)}`;
    return storage(`${directory} could not be opened`, () => {
      const config = this.#configOf(overrides);
      const { indexIntervalBytes } = config;
      const loaded = loadLog(this.#context, directory, { ...known, config, indexIntervalBytes });
      const topicId = this.#shared(readPartitionMetadata(this.#context.fileSystem, directory));
      const { partition } = topicPartition;
      const topic = this.#shared(topicPartition.topic);
      return this.#add({ topic, partition }, { directory, topicId, config, loaded });
    });
  }

  /** One string for all partitions of a topic. */
  #shared<T extends string | undefined>(text: T): T {
    if (text === undefined) return text;
    const known = this.#names.get(text);
    if (known === undefined) this.#names.set(text, text);
    return (known ?? text) as T;
  }

  #add(
    topicPartition: TopicPartition,
    parts: { directory: string; topicId: string | undefined; config: LogConfig; loaded: LoadedLog },
  ): PartitionLog {
    const log = new PartitionLog({ context: this.#context, topicPartition, owner: this.#onChange, ...parts });
    this.#logs.set(topicPartition.topic, topicPartition.partition, log);
    return log;
  }

  #configOf(overrides: ConfigEntries): LogConfig {
    if (this.#lastConfig?.overrides !== overrides) {
      this.#lastConfig = { overrides, config: logConfig(overrides, this.#defaults) };
    }
    return this.#lastConfig.config;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(topic, partition);
  }

  /**
   * The log of this partition, made when there is none. One of another topic of that name, deleted while this broker
   * could not see it, is set aside. Throws KAFKA_STORAGE_FAILED.
   */
  create(topic: string, partition: number, options: NewLog = {}): PartitionLog {
    const log = this.#existing(topic, partition, options.topicId) ?? this.#make({ topic, partition }, options);
    if (options.leaderEpoch !== undefined) log.setLeaderEpoch(options.leaderEpoch);
    return log;
  }

  #existing(topic: string, partition: number, topicId: string | undefined): PartitionLog | undefined {
    const log = this.#logs.get(topic, partition);
    if (!log || topicId === undefined || log.topicId === topicId) return log;
    if (log.topicId === undefined) {
      storage(`${log.directory} could not be marked`, () => log.adopt(topicId));
      return log;
    }
    const aside = this.#moveAside(log, 'stray');
    this.#context.logger.warn(
      `${log.directory} held topic ${log.topicId}, not ${topicId}: its files are kept in ${aside}`,
    );
    return undefined;
  }

  #make(tp: TopicPartition, { topicId, config: overrides = NO_OVERRIDES }: NewLog): PartitionLog {
    if (this.#isStopped) throw new NestdawError('KAFKA_STOPPED', `the logs in ${this.directory} are closed`);
    const { fileSystem } = this.#context;
    const directory = `${this.directory}/${partitionName(tp)}`;
    return storage(`${directory} could not be made`, () => {
      const isNew = !fileSystem.exists(directory);
      if (isNew) fileSystem.makeDirectory(directory);
      if (topicId !== undefined) writePartitionMetadata(fileSystem, directory, topicId);
      if (!isNew)
        return this.#take(tp, { recoveryPoint: 0, logStartOffset: 0, cleanedTo: 0, lastStop: 'clean' }, overrides);
      const config = this.#configOf(overrides);
      const loaded = newLog(this.#context, directory, config.indexIntervalBytes);
      return this.#add(tp, { directory, topicId, config, loaded });
    });
  }

  /** Closes the log and sets its directory aside; the files go after file.delete.delay.ms. Harmless when there is none. */
  delete(topic: string, partition: number): void {
    const log = this.#logs.get(topic, partition);
    if (!log) return;
    const aside = this.#moveAside(log, 'delete');
    this.#setAside.removeAfter(log.config.fileDeleteDelayMs, aside);
  }

  /** Closes a log that belongs to no topic and keeps its files under the name returned, for somebody to look at. */
  setStrayAside(topic: string, partition: number): string | undefined {
    const log = this.#logs.get(topic, partition);
    return log && this.#moveAside(log, 'stray');
  }

  #moveAside(log: PartitionLog, why: 'delete' | 'stray'): string {
    const { topicPartition } = log;
    this.#logs.delete(topicPartition.topic, topicPartition.partition);
    if (this.#cleaner.forget(topicPartition)) this.#upkeep.checkpointSoon();
    return this.#setAside.move(log, why);
  }

  /** The overrides of a topic are these from now on: all of them, not a change. */
  configure(topic: string, overrides: ConfigEntries): void {
    const config: LogConfig = logConfig(overrides, this.#defaults);
    for (const log of this.#logs.topic(topic)?.values() ?? []) log.configure(config);
  }

  logs(): IterableIterator<PartitionLog> {
    return this.#logs.values();
  }

  entries(): IterableIterator<[TopicPartition, PartitionLog]> {
    return this.#logs.entries();
  }

  /** What was done with the logs since the start. */
  get counters(): StorageCounters {
    return this.#context.counters;
  }

  /** Logs that are here. */
  get size(): number {
    return this.#logs.size;
  }

  /** Files that are open now. */
  get openFiles(): number {
    return this.#context.files.openCount;
  }

  get cleaner(): CleanerMetrics {
    return this.#cleaner.metrics();
  }

  /** Bytes of the volume. */
  space(): { readonly total: number; readonly usable: number } {
    return this.#context.fileSystem.space(this.directory);
  }

  *#ordinaryLogs(): IterableIterator<PartitionLog> {
    for (const log of this.#logs.values()) if (log.topicPartition.topic !== METADATA_TOPIC) yield log;
  }

  /** One for all logs: there may be thousands. */
  readonly #onChange: LogListener<PartitionLog> = (_, change) => {
    if (change === 'start') this.#upkeep.checkpointSoon();
  };

  /**
   * Flushes and closes everything, writes the checkpoints and last the clean-shutdown file, which names the epoch of
   * this start's registration. Throws when a log could not be closed well: the next start then recovers.
   */
  async stop(brokerEpoch = -1): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#upkeep.stop();
    await this.#cleaner.stop();
    const closed = await Promise.allSettled([...this.#logs.values()].map((log) => log.close()));
    this.#setAside.removeAll();
    await this.#context.removals.finished();
    storage(`the checkpoints in ${this.directory} could not be written`, () => this.#checkpoints.write());
    const failures = closed.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
    if (failures.length > 0) {
      const first = messageOf(failures[0]);
      const message = `${failures.length} logs could not be closed: ${first}. The next start recovers them`;
      throw new NestdawError('KAFKA_STORAGE_FAILED', message, { cause: failures[0] });
    }
    storage(`the stop of ${this.directory} could not be noted`, () => this.#data.stoppedCleanly(brokerEpoch));
  }
}
