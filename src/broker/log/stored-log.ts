import { messageOf, NestdawError } from '../../common/errors.js';
import { partitionName, type TopicPartition } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { writePartitionMetadata } from './directory/checkpoint-file.js';
import { type LogHome } from './directory/log-home.js';
import { StorageHealth } from './directory/storage-health.js';
import { EpochCheckpoint } from './epoch-checkpoint.js';
import { type LeaderEpochs } from './leader-epochs.js';
import { type LogConfig } from './log-config.js';
import { type LogContext } from './log-context.js';
import { type LogFlusher } from './log-flusher.js';
import { type LogChange } from './log-listeners.js';
import { LogParts } from './log-parts.js';
import { type LoadedLog, newLog } from './log-recovery.js';
import { expiredSegments, retentionCandidates, retireSegments } from './log-retention.js';
import { type ProducerStates } from './producers/producer-state.js';
import { type SnapshotFiles } from './producers/snapshot-files.js';
import { type LogSegment } from './segment/log-segment.js';
import { newSegment, type SegmentList } from './segment/segment-list.js';
import { swapSegments } from './segment/segment-swap.js';

// A log as it lies on the disk: where it begins and ends, and how its segments roll, reach the device, are let go and
// are closed. A base of the partition's log and no part of it: thousands of idle logs then need no second object each.

export interface StoredLogOptions {
  readonly context: LogContext;
  readonly topicPartition: TopicPartition;
  readonly topicId: string | undefined;
  readonly config: LogConfig;
  /** What was found; undefined where nothing was ever written. */
  readonly loaded: LoadedLog | undefined;
}

export abstract class StoredLog {
  readonly topicPartition: TopicPartition;
  protected readonly context: LogContext;
  /** These three are made when they are asked for: most logs are idle and well, and many were never written to. */
  #parts: LogParts | undefined;
  #health: StorageHealth | undefined;
  #epochs: EpochCheckpoint | undefined;
  #topicId: string | undefined;
  #config: LogConfig;
  #leaderEpoch: number;
  #logStartOffset: number;
  #logEndOffset: number;
  #isClosed = false;

  constructor({ context, topicPartition, topicId, config, loaded }: StoredLogOptions) {
    this.topicPartition = topicPartition;
    this.context = context;
    this.#topicId = topicId;
    this.#config = config;
    this.#leaderEpoch = Math.max(0, loaded?.epochs.latest ?? 0);
    this.#logStartOffset = loaded?.logStartOffset ?? 0;
    this.#logEndOffset = loaded?.logEndOffset ?? 0;
    if (loaded) this.#parts = new LogParts(this, context, loaded);
  }

  get #made(): LogParts {
    if (!this.#parts) {
      const { context, directory } = this;
      this.#parts = new LogParts(this, context, newLog(context, directory, this.#config.indexIntervalBytes));
    }
    return this.#parts;
  }

  protected get segmentList(): SegmentList {
    return this.#made.segments;
  }

  protected get producerStates(): ProducerStates {
    return this.#made.producers;
  }

  protected get leaderEpochs(): LeaderEpochs {
    return this.#made.epochs;
  }

  protected get flusher(): LogFlusher {
    return this.#made.flusher;
  }

  get #snapshots(): SnapshotFiles {
    return this.#made.snapshots;
  }

  /**
   * Nothing was ever written to it, and nobody has looked into it: there is nothing to keep up, to flush or to close.
   */
  protected get isBlank(): boolean {
    return this.#parts === undefined;
  }

  /** Made up when it is asked for, as thousands of idle logs need none. */
  get directory(): string {
    return `${this.context.home.path}/${this.name}`;
  }

  /** The log is another one now: whoever listens is told. */
  protected abstract changed(change: LogChange): void;

  protected get epochs(): EpochCheckpoint {
    const { fileSystem, logger } = this.context;
    this.#epochs ??= new EpochCheckpoint(this.leaderEpochs, fileSystem, this.directory, logger);
    return this.#epochs;
  }

  protected get health(): StorageHealth {
    this.#health ??= new StorageHealth(this, this.context.logger);
    return this.#health;
  }

  /** An fsync failed: the error for those who wait for it. No write is taken any more. */
  flushFailed(cause: unknown): NestdawError {
    return this.health.flushFailed(cause);
  }

  protected get name(): string {
    return partitionName(this.topicPartition);
  }

  /** Everything before this offset is written. */
  protected endsAt(offset: number): void {
    this.#logEndOffset = offset;
  }

  /** From partition.metadata; undefined when that is missing. */
  get topicId(): string | undefined {
    return this.#topicId;
  }

  get config(): LogConfig {
    return this.#config;
  }

  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  get highWatermark(): number {
    return this.#logEndOffset;
  }

  /** First offset of the oldest open transaction, else the high watermark. */
  get lastStableOffset(): number {
    const unstable = this.#parts?.producers.firstUnstableOffset ?? -1;
    return unstable < 0 ? this.#logEndOffset : Math.max(unstable, this.#logStartOffset);
  }

  /** Everything before it is on the device. */
  get recoveryPoint(): number {
    return this.#parts?.flusher.recoveryPoint ?? 0;
  }

  get sizeBytes(): number {
    return this.#parts?.segments.sizeBytes ?? 0;
  }

  get segments(): readonly LogSegment[] {
    return this.segmentList.all;
  }

  /** The directory of `log.dirs` in which it lies. */
  get home(): LogHome {
    return this.context.home;
  }

  /** Its directory is out of service: it can neither be written nor read. */
  get isUnserved(): boolean {
    return this.context.home.failure !== undefined;
  }

  /** Why the last write failed; undefined again once one succeeds. */
  get failure(): NestdawError | undefined {
    return this.context.home.failure ?? this.#health?.failure;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  /** Batches appended from now on carry this epoch. Epochs only rise: a lower one is ignored. */
  setLeaderEpoch(epoch: number): void {
    if (epoch > this.#leaderEpoch) this.#leaderEpoch = epoch;
  }

  /** A log that has lost its partition.metadata belongs to this topic. */
  adopt(topicId: string): void {
    this.#topicId = topicId;
    writePartitionMetadata(this.context.fileSystem, this.directory, topicId);
  }

  configure(config: LogConfig): void {
    this.#config = config;
  }

  /**
   * Closes the active segment and opens the next. The order matters to recovery: where the next segment's file
   * exists, the indexes of the one before it are complete.
   */
  protected roll(now: number): void {
    const sealed = this.segmentList.active;
    sealed.seal();
    this.#snapshots.write(this.#logEndOffset, this.producerStates);
    const place = { directory: this.directory, baseOffset: this.#logEndOffset, createdAt: now };
    this.segmentList.push(newSegment(this.context, this.#config, place));
    this.flusher.rolled(sealed);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
    this.flusher.flushInBackground();
  }

  #isSegmentBase(offset: number): boolean {
    return this.segmentList.all[this.segmentList.indexOf(offset)]!.baseOffset === offset;
  }

  /**
   * Undefined when the flush policy lets an append be acknowledged from the page cache, else a promise to wait for
   * first; it is shared by all that wait. It rejects when the device fails: answer KAFKA_STORAGE_ERROR then.
   */
  durable(): Promise<void> | undefined {
    if (this.#logEndOffset - this.recoveryPoint < this.#config.flushMessages) return undefined;
    return this.flush();
  }

  /** fsync of everything appended so far. */
  flush(): Promise<void> {
    return this.#parts?.flusher.flush() ?? Promise.resolve();
  }

  /** Raises the log start (-1: to the high watermark); segments wholly before it go at once. */
  deleteRecordsBefore(offset: number): { readonly errorCode: number; readonly lowWatermark: number } {
    if (this.isUnserved) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, lowWatermark: -1 };
    const target = offset === -1 ? this.highWatermark : offset;
    if (target < 0 || target > this.highWatermark) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
    }
    if (target > this.#logStartOffset) {
      this.#raiseLogStart(target);
      try {
        this.retain(this.context.clock.now());
      } catch (error) {
        // The records are gone for readers; their files go with the next check.
        this.context.logger.warn(`${this.name}: old segments could not be removed yet: ${messageOf(error)}`);
      }
    }
    return { errorCode: ErrorCode.NONE, lowWatermark: this.#logStartOffset };
  }

  #raiseLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.epochs.startsAt(offset);
    this.changed('start');
  }

  /** Removes the segments that retention no longer keeps. Returns their number. */
  retain(now: number): number {
    if (this.isBlank) return 0;
    const { all } = this.segmentList;
    const candidates = retentionCandidates(all, this.#logEndOffset, (path) => this.context.fileSystem.modifiedAt(path));
    const { logStartOffset, lastStableOffset, sizeBytes: totalBytes } = this;
    const state = { config: this.#config, now, logStartOffset, lastStableOffset, totalBytes };
    const count = expiredSegments(candidates, state);
    if (count === 0) return 0;
    if (count === all.length) this.roll(now);
    const removed = this.segmentList.shift(count);
    this.flusher.removed(removed);
    this.#raiseLogStart(this.segmentList.all[0]!.baseOffset);
    retireSegments(removed, this.#config.fileDeleteDelayMs, this.context);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
    return count;
  }

  /** Compaction: `output`, which is finished, holds what is left of these neighbours, none of them active. */
  replaceSegments(replaced: readonly LogSegment[], output: LogSegment): void {
    const parts = { segments: this.segmentList, flusher: this.flusher };
    swapSegments(this.context, this.#config, parts, replaced, output);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
  }

  /** Brings everything to the device and closes the files. Throws KAFKA_STORAGE_FAILED when that fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    // The directory has said why it is out of service; there is nothing that could be done for what lies in it.
    if (this.isUnserved || this.isBlank) {
      this.abandon();
      return;
    }
    try {
      if (this.#health?.isOffline) throw this.failure;
      this.segmentList.active.seal();
      await this.flusher.finish();
      this.settle();
    } catch (cause) {
      if (cause instanceof NestdawError) throw cause;
      throw new NestdawError('KAFKA_STORAGE_FAILED', `${this.name} could not be closed: ${messageOf(cause)}`, {
        cause,
      });
    } finally {
      this.abandon();
    }
  }

  /** Writes what else a start needs that is to trust the files as they are. */
  settle(): void {
    if (this.isBlank) return;
    this.segmentList.active.seal();
    if (this.#logEndOffset > 0 && this.#snapshots.offsets.at(-1) !== this.#logEndOffset) {
      this.#snapshots.write(this.#logEndOffset, this.producerStates);
    }
    this.#epochs?.write();
  }

  /** Closes the files without another write: the partition is deleted, or cannot be written any more. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts?.flusher.stop();
    for (const segment of this.#parts?.segments.all ?? []) segment.close();
    this.changed('closed');
  }
}
