import { type Clock, type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type LogContext } from '../log-context.js';
import { type PartitionLog } from '../partition-log.js';
import { isPassingFault } from '../storage-health.js';
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
  readonly context: LogContext;
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

/** A log whose dirty part is on the device. */
interface LogToClean extends CleaningCandidate<PartitionLog> {
  readonly producers: ReadonlyMap<bigint, LastOfProducer>;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  /** Logs that could not be cleaned: until the next search, or until the next start. */
  readonly #postponed = new Set<PartitionLog>();
  readonly #failed = new WeakSet<PartitionLog>();
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
    } catch (error) {
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
      if (!log.config.compacts || this.#postponed.has(log) || this.#failed.has(log)) continue;
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
    const what = `${partitionName(log.topicPartition)} could not be compacted: ${messageOf(error)}`;
    this.#postponed.add(log);
    if (isPassingFault(error)) {
      logger.warn(`${what}. Nothing is lost; free disk space, it is tried again`);
      return;
    }
    this.#failed.add(log);
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
