import { messageOf, NestdawError } from '../../common/errors.js';
import { partitionName, type TopicPartition } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  hasProducerId,
  lastOffset,
  maxTimestamp,
  nextOffset,
  setBaseOffset,
  setLeaderEpoch,
} from '../../protocol/record-batch-header.js';
import { validateAppend } from './append-validator.js';
import { writePartitionMetadata } from './checkpoint-file.js';
import { EpochCheckpoint } from './epoch-checkpoint.js';
import { type LogConfig } from './log-config.js';
import { type LogContext } from './log-context.js';
import { LogFlusher } from './log-flusher.js';
import { type LogListener, LogListeners } from './log-listeners.js';
import { LogReader, unreadable } from './log-reader.js';
import { indexAborted, type LoadedLog } from './log-recovery.js';
import {
  type AppendOptions,
  type AppendResult,
  acceptedAppend,
  type EpochEndOffset,
  type IsolationLevel,
  type OffsetRange,
  type ReadOptions,
  type ReadResult,
  type RecordError,
  refusedAppend,
  type TimestampedOffset,
} from './log-results.js';
import { expiredSegments, retentionCandidates, retireSegments } from './log-retention.js';
import { type LogSegment } from './log-segment.js';
import { type ProducerState, type ProducerStates } from './producer-state.js';
import { shouldRoll } from './roll-policy.js';
import { newSegment, SegmentList } from './segment-list.js';
import { swapSegments } from './segment-swap.js';
import { type SnapshotFiles } from './snapshot-files.js';
import { StorageHealth } from './storage-health.js';
import { inStoredCodec } from './stored-codec.js';

// The log of one partition. Whoever appends or reads gets a decision and its effect in one synchronous turn; only
// waiting for the device is asynchronous. On one node the high watermark is the log's end.

export interface PartitionLogOptions {
  readonly context: LogContext;
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  readonly topicId: string | undefined;
  readonly config: LogConfig;
  readonly loaded: LoadedLog;
  /** Told of every change, before those who subscribe. */
  readonly owner?: LogListener;
}

export class PartitionLog {
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  readonly #context: LogContext;
  readonly #segments: SegmentList;
  readonly #producers: ProducerStates;
  readonly #snapshots: SnapshotFiles;
  readonly #epochs: EpochCheckpoint;
  readonly #listeners: LogListeners;
  readonly #health: StorageHealth;
  readonly #flusher: LogFlusher;
  readonly #reader: LogReader;
  #topicId: string | undefined;
  #config: LogConfig;
  #leaderEpoch: number;
  #logStartOffset: number;
  #logEndOffset: number;
  #isClosed = false;

  constructor(options: PartitionLogOptions) {
    const { loaded } = options;
    this.topicPartition = options.topicPartition;
    this.#topicId = options.topicId;
    this.#listeners = new LogListeners(this, options.owner);
    this.#context = options.context;
    this.directory = options.directory;
    this.#config = options.config;
    this.#segments = new SegmentList(loaded.segments);
    this.#producers = loaded.producers;
    this.#snapshots = loaded.snapshots;
    const { fileSystem, logger } = this.#context;
    this.#epochs = new EpochCheckpoint(loaded.epochs, fileSystem, this.directory, logger);
    this.#leaderEpoch = Math.max(0, loaded.epochs.latest);
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#reader = new LogReader(this, this.#segments, loaded.epochs);
    this.#health = new StorageHealth(this, logger);
    this.#flusher = new LogFlusher(this, this.#context, this.#segments, this.#health, loaded.recoveryPoint);
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
    const unstable = this.#producers.firstUnstableOffset;
    return unstable < 0 ? this.#logEndOffset : Math.max(unstable, this.#logStartOffset);
  }

  /** Everything before it is on the device. */
  get recoveryPoint(): number {
    return this.#flusher.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes;
  }

  get segments(): readonly LogSegment[] {
    return this.#segments.all;
  }

  /** Why the last write failed; undefined again once one succeeds. */
  get failure(): NestdawError | undefined {
    return this.#health.failure;
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
    writePartitionMetadata(this.#context.fileSystem, this.directory, topicId);
  }

  configure(config: LogConfig): void {
    this.#config = config;
  }

  /** Called after every append, rise of the log start, and when the log closes. Returns the undo. */
  subscribe(listener: LogListener): () => void {
    return this.#listeners.subscribe(listener);
  }

  /**
   * Appends one batch: a Produce request's records for this partition, or a coordinator's. The batch is patched in
   * place to what is stored, or another one takes its place where the topic names a codec. Every refusal is a result, none is thrown.
   */
  append(batch: Buffer | null, options: AppendOptions): AppendResult {
    if (this.#isClosed) return this.#refused(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.#name} is closed`);
    if (this.#health.isOffline) return this.#refused(ErrorCode.KAFKA_STORAGE_ERROR, messageOf(this.failure));
    const { counters } = this.#context;
    const { origin, now } = options;
    const refusal = validateAppend(batch, { origin, config: this.#config, now, counters });
    if (refusal) return this.#refused(refusal.errorCode, refusal.errorMessage, refusal.recordErrors);
    return this.#appendValid(batch!, options);
  }

  #appendValid(given: Buffer, { origin, now, startsAtZero = false }: AppendOptions): AppendResult {
    if (hasProducerId(given)) {
      const verdict = this.#producers.check(given, origin, startsAtZero);
      // A retry gets the answer that its first try got, or would have got.
      if (verdict.kind === 'duplicate') return this.#accepted(verdict.batch, verdict.batch.timestamp, true);
      if (verdict.kind === 'refused') return this.#refused(verdict.errorCode, verdict.errorMessage);
    }
    const batch = origin === 'client' ? inStoredCodec(given, this.#config, this.#context.counters) : given;
    if ('errorCode' in batch) return this.#refused(batch.errorCode, batch.errorMessage);
    const baseOffset = this.#logEndOffset;
    setBaseOffset(batch, 0, baseOffset);
    setLeaderEpoch(batch, 0, this.#leaderEpoch);
    try {
      this.#rollIfFull(batch, now);
      this.#segments.active.append(batch);
    } catch (error) {
      const failure = this.#health.writeFailed(error, !this.#segments.active.isTorn);
      return this.#refused(ErrorCode.KAFKA_STORAGE_ERROR, failure.message);
    }
    this.#health.wroteWell();
    this.#context.counters.appendedBatches++;
    this.#context.counters.appendedBytes += batch.length;
    this.#logEndOffset = nextOffset(batch);
    this.#epochs.assign(this.#leaderEpoch, baseOffset);
    this.#noteProducer(batch, now);
    this.#flusher.appended(this.#config.flushMs);
    this.#listeners.notify('append');
    return this.#accepted({ firstOffset: baseOffset, lastOffset: lastOffset(batch) }, now, false);
  }

  #accepted(range: OffsetRange, time: number, duplicate: boolean): AppendResult {
    const logAppendTime = this.#config.timestampType === 'LogAppendTime' ? time : -1;
    return acceptedAppend(range, this.#logStartOffset, logAppendTime, duplicate);
  }

  #refused(errorCode: number, errorMessage: string, recordErrors?: readonly RecordError[]): AppendResult {
    return refusedAppend(this.#logStartOffset, errorCode, errorMessage, recordErrors);
  }

  get #name(): string {
    return partitionName(this.topicPartition);
  }

  #noteProducer(batch: Buffer, now: number): void {
    const completed = this.#producers.apply(batch, 0, now);
    if (completed?.isAborted) indexAborted(this.#segments.active, completed, this.#producers);
  }

  #rollIfFull(batch: Buffer, now: number): void {
    const { active } = this.#segments;
    const incoming = { size: batch.length, maxTimestamp: maxTimestamp(batch), lastOffset: lastOffset(batch) };
    if (shouldRoll(active.rollState(this.#config), incoming, this.#config, now)) this.#roll(now);
  }

  /**
   * Closes the active segment and opens the next. The order matters to recovery: where the next segment's file
   * exists, the indexes of the one before it are complete.
   */
  #roll(now: number): void {
    const sealed = this.#segments.active;
    sealed.seal();
    this.#snapshots.write(this.#logEndOffset, this.#producers);
    const place = { directory: this.directory, baseOffset: this.#logEndOffset, createdAt: now };
    this.#segments.push(newSegment(this.#context, this.#config, place));
    this.#flusher.rolled(sealed);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
    this.#flusher.flushInBackground();
  }

  #isSegmentBase(offset: number): boolean {
    return this.#segments.all[this.#segments.indexOf(offset)]!.baseOffset === offset;
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
    return this.#flusher.flush();
  }

  read(offset: number, options: ReadOptions): ReadResult {
    if (this.#isClosed) return unreadable(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    try {
      return this.#reader.read(offset, options);
    } catch (error) {
      this.#context.logger.error(`${this.#name} could not be read at offset ${offset}: ${messageOf(error)}`);
      return unreadable(ErrorCode.KAFKA_STORAGE_ERROR);
    }
  }

  /** For parked fetches: bytes that a reader at `offset` could get; Infinity when they span segments. */
  readableBytes(offset: number, isolation: IsolationLevel): number {
    return this.#isClosed ? 0 : this.#reader.readableBytes(offset, isolation);
  }

  /** The offset that a timestamp of ListOffsets stands for (-1 to -4), or of the first record at or after that time. */
  offsetForTimestamp(timestamp: number, isolation: IsolationLevel = 'read_uncommitted'): TimestampedOffset {
    return this.#reader.offsetForTimestamp(timestamp, isolation);
  }

  /** Where the given epoch, or the largest known one below it, ends; -1 and -1 for an epoch that is not known yet. */
  offsetForLeaderEpoch(epoch: number): EpochEndOffset {
    return this.#reader.offsetForLeaderEpoch(epoch);
  }

  /** Raises the log start (-1: to the high watermark); segments wholly before it go at once. */
  deleteRecordsBefore(offset: number): { readonly errorCode: number; readonly lowWatermark: number } {
    const target = offset === -1 ? this.highWatermark : offset;
    if (target < 0 || target > this.highWatermark) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
    }
    if (target > this.#logStartOffset) {
      this.#raiseLogStart(target);
      try {
        this.retain(this.#context.clock.now());
      } catch (error) {
        // The records are gone for readers; their files go with the next check.
        this.#context.logger.warn(`${this.#name}: old segments could not be removed yet: ${messageOf(error)}`);
      }
    }
    return { errorCode: ErrorCode.NONE, lowWatermark: this.#logStartOffset };
  }

  #raiseLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#epochs.startsAt(offset);
    this.#listeners.notify('start');
  }

  /** Removes the segments that retention no longer keeps. Returns their number. */
  retain(now: number): number {
    const { all } = this.#segments;
    const candidates = retentionCandidates(all, this.#logEndOffset, (path) =>
      this.#context.fileSystem.modifiedAt(path),
    );
    const { logStartOffset, lastStableOffset, sizeBytes: totalBytes } = this;
    const state = { config: this.#config, now, logStartOffset, lastStableOffset, totalBytes };
    const count = expiredSegments(candidates, state);
    if (count === 0) return 0;
    if (count === all.length) this.#roll(now);
    const removed = this.#segments.shift(count);
    this.#flusher.removed(removed);
    this.#raiseLogStart(this.#segments.all[0]!.baseOffset);
    retireSegments(removed, this.#config.fileDeleteDelayMs, this.#context);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
    return count;
  }

  /** Compaction: `output`, which is finished, holds what is left of these neighbours, none of them active. */
  replaceSegments(replaced: readonly LogSegment[], output: LogSegment): void {
    const parts = { segments: this.#segments, flusher: this.#flusher };
    swapSegments(this.#context, this.#config, parts, replaced, output);
    this.#snapshots.prune((offset) => this.#isSegmentBase(offset));
  }

  /** What is known of the producers with an id (DescribeProducers). */
  producers(): IterableIterator<ProducerState> {
    return this.#producers.all();
  }

  producer(producerId: bigint): ProducerState | undefined {
    return this.#producers.get(producerId);
  }

  expireProducers(now: number, expirationMs: number): void {
    this.#producers.expire(now, expirationMs);
  }

  /** Brings everything to the device and closes the files. Throws KAFKA_STORAGE_FAILED when that fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      if (this.#health.isOffline) throw this.failure;
      this.#segments.active.seal();
      await this.#flusher.finish();
      if (this.#logEndOffset > 0 && this.#snapshots.offsets.at(-1) !== this.#logEndOffset) {
        this.#snapshots.write(this.#logEndOffset, this.#producers);
      }
      this.#epochs.write();
    } catch (cause) {
      if (cause instanceof NestdawError) throw cause;
      throw new NestdawError('KAFKA_STORAGE_FAILED', `${this.#name} could not be closed: ${messageOf(cause)}`, {
        cause,
      });
    } finally {
      this.abandon();
    }
  }

  /** Closes the files without another write: the partition is deleted, or cannot be written any more. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#flusher.stop();
    for (const segment of this.#segments.all) segment.close();
    this.#listeners.notify('closed');
    this.#listeners.clear();
  }
}
