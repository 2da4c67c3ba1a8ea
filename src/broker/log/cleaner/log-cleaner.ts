import { type Clock, type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { isPassingFault } from '../directory/storage-health.js';
import { type SharedContext } from '../log-context.js';
import { type PartitionLog } from '../partition-log.js';
import { type LastOfProducer } from './batch-rewriter.js';
import { type CleaningCandidate, type CleanRange, cleanableRange, dirtiestFirst } from './cleaner-schedule.js';
import { CleaningStopped, cleanLog } from './log-cleaning.js';
import { WorkPace } from './work-pace.js';

// Looks for compacted logs that are dirty and cleans them, the dirtiest first, one at a time and in small slices.

/** Functions are asked before each cleaning: these settings may change. */
export interface CleanerSettings {
  /** log.cleaner.enable */
  readonly isEnabled: boolean;
  /** log.cleaner.backoff.ms: time between two searches when there was nothing to clean. */
  readonly backoffMs: () => number;
  /** log.cleaner.dedupe.buffer.size: memory for the keys of one cleaning. */
  readonly dedupeBufferBytes: () => number;
  /** log.cleaner.io.max.bytes.per.second */
  readonly ioBytesPerSecond: () => number;
}

export const DEFAULT_CLEANER_SETTINGS: CleanerSettings = {
  isEnabled: true,
  backoffMs: () => 15_000,
  dedupeBufferBytes: () => 128 * 1024 * 1024,
  ioBytesPerSecond: () => Number.POSITIVE_INFINITY,
};

export interface LogCleanerOptions {
  readonly context: SharedContext;
  readonly settings: CleanerSettings;
  /** The logs that may be cleaned. */
  readonly logs: () => Iterable<PartitionLog>;
  /** How far each was cleaned by runs before this one. */
  readonly cleanedTo: TopicPartitionMap<number>;
  /**
   * Called before cleanings, when what they work on is on the device: recovery must not look at anything before the
   * logs' recovery points from then on, for there will be gaps.
   */
  readonly onFlushed: () => void;
  /** Called after cleanings: `cleanedTo` has changed. */
  readonly onCleaned: () => void;
}

/** What compaction has done since the start, and where it cannot go on. */
export interface CleanerMetrics {
  readonly cleanings: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Searches for dirty logs that ended with an error; each was followed by another search. */
  readonly brokenOff: number;
  /** Why the last search ended with an error; undefined when it did not. */
  readonly failure: string | undefined;
  /** Logs whose last cleaning failed, with the reason. */
  readonly uncleaned: readonly UncleanedLog[];
}

export interface UncleanedLog {
  readonly topicPartition: TopicPartition;
  readonly reason: string;
  /** Not tried again before the broker's next start. */
  readonly isForGood: boolean;
}

/** A log whose dirty part is on the device. */
interface LogToClean extends CleaningCandidate<PartitionLog> {
  readonly producers: ReadonlyMap<bigint, LastOfProducer>;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  /** Logs that are not looked at before the next search. */
  readonly #postponed = new Set<PartitionLog>();
  /** Logs that could not be cleaned when they were tried last. */
  readonly #faults = new Map<PartitionLog, Omit<UncleanedLog, 'topicPartition'>>();
  #cleanings = 0;
  #bytesBefore = 0;
  #bytesAfter = 0;
  #brokenOff = 0;
  #failure: string | undefined;
  #timer: Timer | undefined;
  #running: Promise<unknown> | undefined;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    this.#clock = options.context.clock;
  }

  /** First offset that was never cleaned, by partition. */
  get cleanedTo(): TopicPartitionMap<number> {
    return this.#options.cleanedTo;
  }

  metrics(): CleanerMetrics {
    const uncleaned: UncleanedLog[] = [];
    for (const [log, fault] of this.#faults) {
      if (log.isClosed) this.#faults.delete(log);
      else uncleaned.push({ topicPartition: log.topicPartition, ...fault });
    }
    return {
      cleanings: this.#cleanings,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
      brokenOff: this.#brokenOff,
      failure: this.#failure,
      uncleaned,
    };
  }

  start(): void {
    if (!this.#options.settings.isEnabled || this.#stopped.signal.aborted) return;
    this.#timer = this.#clock.schedule(Math.max(1, this.#options.settings.backoffMs()), () => {
      this.#running = this.#cleanAll().finally(() => this.start());
    });
  }

  /** The partition is gone: another one of its name begins anew. True when something was known of it. */
  forget({ topic, partition }: TopicPartition): boolean {
    return this.#options.cleanedTo.delete(topic, partition);
  }

  /** Resolves when no file is touched any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer?.cancel();
    await this.#running;
  }

  /** Cleans until no log is dirty enough. Never rejects. */
  async #cleanAll(): Promise<void> {
    this.#postponed.clear();
    try {
      for (let dirty = await this.#dirtyLogs(); dirty.length > 0; dirty = await this.#dirtyLogs()) {
        await this.#cleanEach(dirty);
      }
      this.#failure = undefined;
    } catch (error) {
      this.#brokenOff++;
      this.#failure = messageOf(error);
      const { logger } = this.#options.context;
      logger.error(`compaction was broken off: ${messageOf(error)}. It is tried again; check the disk`);
    }
  }

  async #cleanEach(dirty: readonly CleaningCandidate<PartitionLog>[]): Promise<void> {
    // Unless cleaning it gets somewhere, the next look at a log is at the next search: else there would be no end.
    for (const { log } of dirty) this.#postponed.add(log);
    const flushed: LogToClean[] = [];
    for (const candidate of dirty) {
      const ready = await this.#flush(candidate);
      if (ready) flushed.push(ready);
    }
    if (flushed.length === 0) return;
    this.#options.onFlushed();
    let count = 0;
    for (const ready of flushed) if (await this.#clean(ready)) count++;
    if (count > 0) this.#options.onCleaned();
  }

  async #flush({ log, range }: CleaningCandidate<PartitionLog>): Promise<LogToClean | undefined> {
    if (this.#stopped.signal.aborted || log.isClosed) return undefined;
    // Taken before the flush: should the machine go down, the last batch that is kept of a producer is one that lasts.
    const producers = lastOfProducers(log);
    try {
      await log.flush();
    } catch {
      return undefined; // the log has said so itself and takes no more writes
    }
    return log.recoveryPoint >= range.endOffset ? { log, range, producers } : undefined;
  }

  async #dirtyLogs(): Promise<CleaningCandidate<PartitionLog>[]> {
    const pace = this.#pace();
    const candidates: CleaningCandidate<PartitionLog>[] = [];
    for (const log of this.#options.logs()) {
      if (!log.config.compacts || this.#postponed.has(log) || this.#faults.get(log)?.isForGood) continue;
      const range = this.#rangeOf(log);
      if (range) candidates.push({ log, range });
      if (pace.spend(0)) await pace.rest();
      if (this.#stopped.signal.aborted) return [];
    }
    return dirtiestFirst(candidates);
  }

  #pace(): WorkPace {
    return new WorkPace(this.#clock, this.#stopped.signal, this.#options.settings.ioBytesPerSecond());
  }

  #rangeOf(log: PartitionLog): CleanRange | undefined {
    if (log.isClosed) return undefined;
    const { topic, partition } = log.topicPartition;
    try {
      return cleanableRange(log, this.cleanedTo.get(topic, partition), this.#clock.now());
    } catch (error) {
      this.#note(log, error);
      return undefined;
    }
  }

  /** True when the log was cleaned. */
  async #clean({ log, range, producers }: LogToClean): Promise<boolean> {
    if (this.#stopped.signal.aborted || log.isClosed) return false;
    const { context, settings } = this.#options;
    const { topicPartition } = log;
    const pace = this.#pace();
    const mapBytes = settings.dedupeBufferBytes();
    const { signal } = this.#stopped;
    try {
      const options = { context, log, range, producers, pace, signal, mapBytes };
      const { cleanedTo, bytesBefore, bytesAfter } = await cleanLog(options);
      // A log that was deleted meanwhile has left; one of its name may have come.
      if (log.isClosed) return false;
      this.cleanedTo.set(topicPartition.topic, topicPartition.partition, cleanedTo);
      if (cleanedTo > range.firstDirtyOffset) this.#postponed.delete(log);
      this.#cleanings++;
      this.#bytesBefore += bytesBefore;
      this.#bytesAfter += bytesAfter;
      this.#faults.delete(log);
      const name = partitionName(topicPartition);
      context.logger.debug?.(`${name} compacted up to offset ${cleanedTo}: ${bytesBefore} bytes became ${bytesAfter}`);
      return true;
    } catch (error) {
      if (!log.isClosed) this.#note(log, error);
      return false;
    }
  }

  #note(log: PartitionLog, error: unknown): void {
    if (error instanceof CleaningStopped) return;
    const { logger } = this.#options.context;
    const reason = messageOf(error);
    const what = `${partitionName(log.topicPartition)} could not be compacted: ${reason}`;
    const isForGood = !isPassingFault(error);
    this.#postponed.add(log);
    this.#faults.set(log, { reason, isForGood });
    if (!isForGood) {
      logger.warn(`${what}. Nothing is lost; free disk space, it is tried again`);
      return;
    }
    logger.error(
      `${what}. Nothing is lost and it can be read and written, but it grows: check the disk, restart the broker`,
    );
  }
}

function lastOfProducers(log: PartitionLog): Map<bigint, LastOfProducer> {
  const last = new Map<bigint, LastOfProducer>();
  for (const { producerId, batches, epoch } of log.producers()) {
    last.set(producerId, { lastDataOffset: batches.at(-1)?.lastOffset ?? -1, epoch });
  }
  return last;
}
