import { messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  hasProducerId,
  lastOffset,
  maxTimestamp,
  nextOffset,
  setBaseOffset,
  setLeaderEpoch,
} from '../../protocol/record-batch-header.js';
import { validateAppend } from './append/append-validator.js';
import { inStoredCodec } from './append/stored-codec.js';
import { type LogChange, type LogListener } from './log-listeners.js';
import { LogReader, unknownPlace, unreadable } from './log-reader.js';
import { indexAborted } from './log-recovery.js';
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
import { type ProducerState } from './producers/producer-state.js';
import { shouldRoll } from './segment/roll-policy.js';
import { StoredLog, type StoredLogOptions } from './stored-log.js';

// The log of one partition. Whoever appends or reads gets a decision and its effect in one synchronous turn; only
// waiting for the device is asynchronous. On one node the high watermark is the log's end.

const NOBODY: readonly never[] = [];

export interface PartitionLogOptions extends StoredLogOptions {
  /** Told of every change, before those who subscribe. */
  readonly owner?: LogListener<PartitionLog>;
}

export class PartitionLog extends StoredLog {
  readonly #owner: LogListener<PartitionLog> | undefined;
  /** Made for the first one: thousands of logs have nobody waiting. */
  #listeners: Set<LogListener<PartitionLog>> | undefined;
  /** Made by the first read: most logs are idle. */
  #readerOnce: LogReader | undefined;

  constructor(options: PartitionLogOptions) {
    super(options);
    this.#owner = options.owner;
  }

  get #reader(): LogReader {
    this.#readerOnce ??= new LogReader(this, this.segmentList, this.leaderEpochs);
    return this.#readerOnce;
  }

  /** Called after every append, rise of the log start, and when the log closes. Returns the undo. */
  subscribe(listener: LogListener<PartitionLog>): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => void this.#listeners?.delete(listener);
  }

  protected changed(change: LogChange): void {
    this.#owner?.(this, change);
    for (const listener of this.#listeners ?? NOBODY) listener(this, change);
    if (change === 'closed') this.#listeners = undefined;
  }

  /**
   * Appends one batch: a Produce request's records for this partition, or a coordinator's. The batch is patched in
   * place to what is stored, or another one takes its place where the topic names a codec. Every refusal is a result,
   * none is thrown.
   */
  append(batch: Buffer | null, options: AppendOptions): AppendResult {
    if (this.isClosed) return this.#refused(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.name} is closed`);
    if (this.isUnserved || this.health.isOffline)
      return this.#refused(ErrorCode.KAFKA_STORAGE_ERROR, messageOf(this.failure));
    const { counters } = this.context;
    const { origin, now } = options;
    const refusal = validateAppend(batch, { origin, config: this.config, now, counters });
    if (refusal) return this.#refused(refusal.errorCode, refusal.errorMessage, refusal.recordErrors);
    return this.#appendValid(batch!, options);
  }

  #appendValid(given: Buffer, { origin, now, startsAtZero = false }: AppendOptions): AppendResult {
    if (hasProducerId(given)) {
      const verdict = this.producerStates.check(given, origin, startsAtZero);
      // A retry gets the answer that its first try got, or would have got.
      if (verdict.kind === 'duplicate') return this.#accepted(verdict.batch, verdict.batch.timestamp, true);
      if (verdict.kind === 'refused') return this.#refused(verdict.errorCode, verdict.errorMessage);
    }
    const batch = origin === 'client' ? inStoredCodec(given, this.config, this.context.counters) : given;
    if ('errorCode' in batch) return this.#refused(batch.errorCode, batch.errorMessage);
    const baseOffset = this.logEndOffset;
    setBaseOffset(batch, 0, baseOffset);
    setLeaderEpoch(batch, 0, this.leaderEpoch);
    try {
      this.#rollIfFull(batch, now);
      this.segmentList.active.append(batch);
    } catch (error) {
      const failure = this.health.writeFailed(error, !this.segmentList.active.isTorn);
      return this.#refused(ErrorCode.KAFKA_STORAGE_ERROR, failure.message);
    }
    this.health.wroteWell();
    this.context.counters.appendedBatches++;
    this.context.counters.appendedBytes += batch.length;
    this.endsAt(nextOffset(batch));
    this.epochs.assign(this.leaderEpoch, baseOffset);
    this.#noteProducer(batch, now);
    this.flusher.appended(this.config.flushMs);
    this.changed('append');
    return this.#accepted({ firstOffset: baseOffset, lastOffset: lastOffset(batch) }, now, false);
  }

  #accepted(range: OffsetRange, time: number, duplicate: boolean): AppendResult {
    const logAppendTime = this.config.timestampType === 'LogAppendTime' ? time : -1;
    return acceptedAppend(range, this.logStartOffset, logAppendTime, duplicate);
  }

  #refused(errorCode: number, errorMessage: string, recordErrors?: readonly RecordError[]): AppendResult {
    return refusedAppend(this.logStartOffset, errorCode, errorMessage, recordErrors);
  }

  #noteProducer(batch: Buffer, now: number): void {
    const completed = this.producerStates.apply(batch, 0, now);
    if (completed?.isAborted) indexAborted(this.segmentList.active, completed, this.producerStates);
  }

  #rollIfFull(batch: Buffer, now: number): void {
    const { active } = this.segmentList;
    const incoming = { size: batch.length, maxTimestamp: maxTimestamp(batch), lastOffset: lastOffset(batch) };
    if (shouldRoll(active.rollState(this.config), incoming, this.config, now)) this.roll(now);
  }

  read(offset: number, options: ReadOptions): ReadResult {
    if (this.isClosed) return unreadable(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (this.isUnserved) return unreadable(ErrorCode.KAFKA_STORAGE_ERROR);
    try {
      return this.#reader.read(offset, options);
    } catch (error) {
      this.context.logger.error(`${this.name} could not be read at offset ${offset}: ${messageOf(error)}`);
      return unreadable(ErrorCode.KAFKA_STORAGE_ERROR);
    }
  }

  /** For parked fetches: bytes that a reader at `offset` could get; Infinity when they span segments. */
  readableBytes(offset: number, isolation: IsolationLevel): number {
    return this.isClosed ? 0 : this.#reader.readableBytes(offset, isolation);
  }

  /** The offset that a timestamp of ListOffsets stands for (-1 to -4), or of the first record at or after that time. */
  offsetForTimestamp(timestamp: number, isolation: IsolationLevel = 'read_uncommitted'): TimestampedOffset {
    return this.isUnserved
      ? unknownPlace(ErrorCode.KAFKA_STORAGE_ERROR)
      : this.#reader.offsetForTimestamp(timestamp, isolation);
  }

  /** Where the given epoch, or the largest known one below it, ends; -1 and -1 for an epoch that is not known yet. */
  offsetForLeaderEpoch(epoch: number): EpochEndOffset {
    return this.#reader.offsetForLeaderEpoch(epoch);
  }

  /** What is known of the producers with an id (DescribeProducers). */
  producers(): IterableIterator<ProducerState> {
    return this.producerStates.all();
  }

  producer(producerId: bigint): ProducerState | undefined {
    return this.producerStates.get(producerId);
  }

  expireProducers(now: number, expirationMs: number): void {
    if (!this.isBlank) this.producerStates.expire(now, expirationMs);
  }
}
