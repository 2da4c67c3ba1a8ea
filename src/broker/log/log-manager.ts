import { type Clock } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type Random, systemRandom } from '../../common/random.js';
import { type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  type CleanerMetrics,
  type CleanerSettings,
  DEFAULT_CLEANER_SETTINGS,
  LogCleaner,
} from './cleaner/log-cleaner.js';
import { CLEANER_FILE } from './directory/checkpoint-file.js';
import { namesDirectory } from './directory/directory-choice.js';
import { LogCheckpoints } from './directory/log-checkpoints.js';
import { LogDirectories } from './directory/log-directories.js';
import { type LogDirectory } from './directory/log-directory.js';
import { type LogHome } from './directory/log-home.js';
import { type FutureLog, LogMoves } from './directory/log-moves.js';
import { requireTwins } from './directory/log-twins.js';
import { isDeletedDirectory, parseFutureDirectory, parsePartitionDirectory } from './directory/partition-directory.js';
import { StorageCounters } from './directory/storage-counters.js';
import { FileRemovals } from './disk/file-removals.js';
import { type FileSystem } from './disk/file-system.js';
import { DEFAULT_MAX_OPEN_FILES, OpenFiles } from './disk/open-files.js';
import { storage } from './disk/storage-step.js';
import { type ConfigEntries } from './log-config.js';
import { type SharedContext } from './log-context.js';
import { type LogListener } from './log-listeners.js';
import { LogOpening, METADATA_TOPIC, type NewLog } from './log-opening.js';
import { type LastStop } from './log-recovery.js';
import { LogUpkeep, type UpkeepIntervals } from './log-upkeep.js';
import { type PartitionLog } from './partition-log.js';

// All logs of the data directories: loads them at start, makes and deletes them, looks after retention and
// checkpoints, and leaves the directories clean at stop.

export interface LogManagerOptions extends UpkeepIntervals {
  readonly fileSystem: FileSystem;
  /** Where the data is; of several the first is for the metadata log. */
  readonly directory: string;
  /** The others that `log.dirs` names. Default none. */
  readonly moreDirectories?: readonly string[];
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

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #directories: LogDirectories;
  /** Of the first directory; none of what is used of it is another in the others. */
  readonly #shared: SharedContext;
  readonly #logs = new TopicPartitionMap<PartitionLog>();
  readonly #cleaner: LogCleaner;
  readonly #checkpoints: LogCheckpoints;
  readonly #upkeep: LogUpkeep;
  readonly #opening: LogOpening;
  readonly #moves: LogMoves;
  #onMove: (log: PartitionLog) => void = () => undefined;
  #isStopped = false;

  /** Loads every log of the directories, or makes new ones. Throws KAFKA_DATA_DIR_INVALID, KAFKA_STORAGE_FAILED. */
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
    const { fileSystem, directory, moreDirectories = [], clock } = options;
    const { random = systemRandom, logger = silentLogger } = options;
    const counters = new StorageCounters();
    const files = new OpenFiles(fileSystem, options.maxOpenFiles ?? DEFAULT_MAX_OPEN_FILES, counters);
    const removals = new FileRemovals(fileSystem, logger);
    this.#options = options;
    this.#shared = { fileSystem, files, removals, counters, clock, random, logger };
    const { nodeId, clusterId, bootId } = options;
    const paths = [directory, ...moreDirectories];
    this.#directories = new LogDirectories({ shared: this.#shared, paths, nodeId, clusterId, bootId });
    this.#cleaner = new LogCleaner({
      context: this.#shared,
      settings: options.cleaner ?? DEFAULT_CLEANER_SETTINGS,
      logs: () => this.#ordinaryLogs(),
      cleanedTo: this.#directories.readOffsets(CLEANER_FILE),
      onFlushed: () => this.#checkpoints.writeRecoveryPoints(),
      onCleaned: () => this.#upkeep.guard('checkpoint', () => this.#checkpoints.writeCleaned()),
    });
    this.#opening = new LogOpening({
      directories: this.#directories,
      cleanedTo: this.#cleaner.cleanedTo,
      defaults: options.defaults ?? {},
      owner: this.#onChange,
    });
    this.#moves = new LogMoves({
      context: this.#shared,
      replace: (source, target) => this.#replace(source, target),
    });
    this.#checkpoints = new LogCheckpoints({
      directories: () => this.#directories.online,
      logs: () => this.#ordinaryLogs(),
      cleanedTo: () => this.#cleaner.cleanedTo,
      homeOf: ({ topic, partition }) => this.#logs.get(topic, partition)?.home,
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
    return this.#someDirectory.data.meta.clusterId;
  }

  get nodeId(): number {
    return this.#someDirectory.data.meta.nodeId;
  }

  get #someDirectory(): LogDirectory {
    return this.#directories.online[0] ?? this.#directories.all[0]!;
  }

  /** The directories of `log.dirs`, those out of service too. */
  get directories(): readonly LogHome[] {
    return this.#directories.all;
  }

  /** Where a partition lies; undefined when it is not there, or its directory is out of service. */
  servedFrom(topic: string, partition: number): LogHome | undefined {
    const log = this.#logs.get(topic, partition);
    return log?.isUnserved ? undefined : log?.home;
  }

  /** Ids of the directories for `count` new partitions, one after another: each goes to the emptiest. */
  directoriesForNew(count: number): string[] {
    return this.#directories.choose(
      count,
      Array.from(this.#ordinaryLogs(), ({ home }) => home),
    );
  }

  /** How the run before this one ended; a new directory counts as one after a crash. */
  get lastStop(): LastStop {
    return this.#directories.lastStop;
  }

  get startedClean(): boolean {
    return this.lastStop === 'clean';
  }

  async #load(): Promise<void> {
    for (const directory of this.#directories.online) {
      const done = directory.attempt(`${directory.path} could not be opened`, () => this.#loadDirectory(directory));
      if (!done) this.#forgetLogsOf(directory);
    }
    this.#refuseHiddenMetadata();
    this.#opening.finished();
    for (const home of this.#directories.online) this.#goOnMovingTo(home);
    this.#upkeep.start();
    this.#cleaner.start();
  }

  #loadDirectory(home: LogDirectory): true {
    const { fileSystem } = this.#shared;
    for (const name of fileSystem.list(home.path)) {
      if (isDeletedDirectory(name)) fileSystem.remove(`${home.path}/${name}`);
      const tp = parsePartitionDirectory(name);
      if (!tp) continue;
      const other = this.#logs.get(tp.topic, tp.partition);
      if (other) requireTwins(fileSystem, other.directory, `${home.path}/${name}`);
      const log = this.#opening.found(home, tp);
      if (!other) this.#add(log);
      else
        this.#shared.logger.warn(
          `${log.directory} is ${other.directory} again, kept as ${home.setAside.move(log, 'stray')}`,
        );
    }
    home.data.recovered();
    return true;
  }

  /** Copies that a stop or a crash left half made are made anew. Those of logs that are not here now are kept. */
  #goOnMovingTo(home: LogDirectory): void {
    const { fileSystem } = this.#shared;
    for (const name of fileSystem.list(home.path)) {
      const tp = parseFutureDirectory(name);
      const log = tp && this.#logs.get(tp.topic, tp.partition);
      if (!log) continue;
      fileSystem.remove(`${home.path}/${name}`);
      this.#moves.start(log, home);
    }
  }

  /** What lies there could not all be read: none of it is served. */
  #forgetLogsOf(home: LogDirectory): void {
    for (const log of [...this.#logs.values()].filter((each) => each.home === home)) {
      log.abandon();
      this.#logs.delete(log.topicPartition.topic, log.topicPartition.partition);
    }
  }

  /** Beginning anew would make strays of all logs. */
  #refuseHiddenMetadata(): void {
    const [failed] = this.#directories.failed;
    if (failed && !this.#logs.has(METADATA_TOPIC, 0)) throw failed.failure!;
  }

  #add(log: PartitionLog): PartitionLog {
    this.#logs.set(log.topicPartition.topic, log.topicPartition.partition, log);
    return log;
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
    const aside = this.#moveAside(log);
    this.#shared.logger.warn(
      `${log.directory} held topic ${log.topicId}, not ${topicId}: its files are kept in ${aside}`,
    );
    return undefined;
  }

  #make(tp: TopicPartition, options: NewLog): PartitionLog {
    if (this.#isStopped) throw new NestdawError('KAFKA_STOPPED', `the logs in ${this.#options.directory} are closed`);
    return this.#add(this.#opening.made(this.#homeOfNew(tp, options), tp, options));
  }

  #homeOfNew({ topic }: TopicPartition, { directoryId }: NewLog): LogDirectory {
    const { all, unread } = this.#directories;
    if (topic === METADATA_TOPIC) return all[0]!;
    const named = namesDirectory(directoryId);
    const home = named ? (this.#directories.byId(directoryId) ?? unread) : undefined;
    return home ?? this.#directories.byId(this.directoriesForNew(1)[0]!)!;
  }

  /**
   * Closes the log and sets its directory aside; the files go after file.delete.delay.ms. Harmless when there is none.
   */
  delete(topic: string, partition: number): void {
    this.deleteAll(topic, [partition]);
  }

  /** The same for partitions of a topic, of which there may be thousands: one fsync makes it last for all. */
  deleteAll(topic: string, partitions: Iterable<number>): void {
    for (const partition of partitions) {
      const log = this.#logs.get(topic, partition);
      if (log && this.#leave(log)) this.#removeLater(log);
    }
    for (const { setAside } of this.#directories.online) setAside.sync();
  }

  #removeLater(log: PartitionLog): void {
    const { setAside } = this.#directoryOf(log);
    setAside.removeAfter(log.config.fileDeleteDelayMs, setAside.move(log, 'delete'));
  }

  /** Closes a log that belongs to no topic and keeps its files under the name returned, for somebody to look at. */
  setStrayAside(topic: string, partition: number): string | undefined {
    const log = this.#logs.get(topic, partition);
    return log && this.#moveAside(log);
  }

  /** Undefined when its directory is out of service: the files stay, and the next start finds them without a topic. */
  #moveAside(log: PartitionLog): string | undefined {
    if (!this.#leave(log)) return undefined;
    const { setAside } = this.#directoryOf(log);
    const aside = setAside.move(log, 'stray');
    setAside.sync();
    return aside;
  }

  /** It is none of the logs any more; false when its files cannot be touched. */
  #leave(log: PartitionLog): boolean {
    const { topicPartition } = log;
    this.#logs.delete(topicPartition.topic, topicPartition.partition);
    if (this.#cleaner.forget(topicPartition)) this.#upkeep.checkpointSoon();
    if (log.isUnserved) log.abandon();
    return !log.isUnserved;
  }

  #directoryOf({ home }: PartitionLog): LogDirectory {
    return this.#directories.byPath(home.path)!;
  }

  /**
   * Takes a partition to another directory while it goes on: AlterReplicaLogDirs. 57 when `log.dirs` does not name the
   * path, 56 when one of the two is out of service, 3 when there is no such partition.
   */
  move(topic: string, partition: number, path: string): number {
    const target = this.#directories.byPath(path);
    if (!target) return ErrorCode.LOG_DIR_NOT_FOUND;
    if (target.failure) return ErrorCode.KAFKA_STORAGE_ERROR;
    const log = this.#logs.get(topic, partition);
    if (!log || topic === METADATA_TOPIC) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (log.isUnserved) return ErrorCode.KAFKA_STORAGE_ERROR;
    this.#moves.start(log, target);
    return ErrorCode.NONE;
  }

  #replace(source: PartitionLog, target: LogDirectory): void {
    try {
      this.#removeLater(source);
      this.#directoryOf(source).setAside.sync();
    } catch (error) {
      const { directory } = source;
      this.#shared.logger.error(`${directory} is left over: ${messageOf(error)}. Remove it before the next start`);
    }
    this.#onMove(this.#add(this.#opening.moved(target, source)));
  }

  /** The copy of a partition that is being made in a directory. */
  futureIn(home: LogHome, topicPartition: TopicPartition): FutureLog | undefined {
    return this.#moves.futureIn(this.#directories.byPath(home.path), topicPartition);
  }

  /** Called with each log that lies elsewhere now, in the turn in which it takes the place of the one before. */
  onMove(listener: (log: PartitionLog) => void): void {
    this.#onMove = listener;
  }

  /** The overrides of a topic are these from now on: all of them, not a change. */
  configure(topic: string, overrides: ConfigEntries): void {
    const config = this.#opening.configOf(overrides);
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
    return this.#shared.counters;
  }

  /** Logs that are here. */
  get size(): number {
    return this.#logs.size;
  }

  /** Files that are open now. */
  get openFiles(): number {
    return this.#shared.files.openCount;
  }

  get cleaner(): CleanerMetrics {
    return this.#cleaner.metrics();
  }

  /** All but the metadata log and those out of service. */
  *#ordinaryLogs(): IterableIterator<PartitionLog> {
    for (const log of this.#logs.values()) {
      if (log.topicPartition.topic !== METADATA_TOPIC && !log.isUnserved) yield log;
    }
  }

  /** One for all logs: there may be thousands. */
  readonly #onChange: LogListener<PartitionLog> = (_, change) => {
    if (change === 'start') this.#upkeep.checkpointSoon();
  };

  /**
   * Flushes and closes everything, writes the checkpoints and last the clean-shutdown files, which name the epoch of
   * this start's registration. Throws when a log could not be closed well: the next start then recovers.
   */
  async stop(brokerEpoch = -1): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#upkeep.stop();
    await Promise.all([this.#cleaner.stop(), this.#moves.stop()]);
    const closed = await Promise.allSettled([...this.#logs.values()].map((log) => log.close()));
    for (const { setAside } of this.#directories.all) setAside.removeAll();
    await this.#shared.removals.finished();
    this.#checkpoints.write();
    const failures = closed.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
    if (failures.length > 0) {
      const first = messageOf(failures[0]);
      const message = `${failures.length} logs could not be closed: ${first}. The next start recovers them`;
      throw new NestdawError('KAFKA_STORAGE_FAILED', message, { cause: failures[0] });
    }
    for (const directory of this.#directories.online) {
      directory.attempt(`the stop of ${directory.path} could not be noted`, () =>
        directory.data.stoppedCleanly(brokerEpoch),
      );
    }
  }
}
