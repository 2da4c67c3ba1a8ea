import { memoryLimit } from '../../common/memory-limit.js';
import { type OffsetMetadataFunction } from '../../common/offset-metadata.js';
import { type AdmissionRule } from './delivery/admission.js';
import { type BatchMinimum } from './delivery/batch-gathering.js';
import { type ConsumerInterceptor } from './delivery/consumer-interceptors.js';
import { type BatchInterceptor, type RecordInterceptor } from './delivery/interceptors.js';
import { type RateLimit } from './delivery/rate-limit.js';
import { type RecordPassage } from './delivery/record-passage.js';
import { defaultErrorHandler, type ErrorHandler } from './failures/error-handler.js';
import { type RetryListener } from './failures/retry-listener.js';
import { type SlowHandlerPolicy } from './watches/watchdog.js';

// The numbers a container runs by.

/** What happens when a partition's budget is used up. */
export type OverflowPolicy = 'pause' | 'block' | 'caller-runs' | 'reject';

export interface ContainerSettings {
  /** Records of one poll, and the most a batch holds. Default 500. */
  readonly pollMaxRecords: number;
  /** Longest wait of one poll. Default 5,000. */
  readonly pollMaxWaitMs: number;
  /** After how long without a heartbeat the group takes the consumer for dead. Default 45,000. */
  readonly sessionTimeoutMs: number;
  /** Longest run of a handler, see `slowHandler`. Default 300,000. */
  readonly maxPollIntervalMs: number;
  /** What happens past it: `abort` fires the handler's signal, and the record counts as failed when the handler ends;
   * `leave` makes the consumer leave its group until then, as a Java consumer does; `warn` only logs. Default `abort`.
   * */
  readonly slowHandler: SlowHandlerPolicy;
  /** How often one record may exceed it before the error handler retries it no more, and `leave` stays. Default 3. */
  readonly slowLimit: number;
  /** False: a pause of the container lets what was polled be handled first. Default true. */
  readonly pauseImmediate: boolean;
  /** How long `stop` waits for running handlers. Default 10,000. */
  readonly shutdownTimeoutMs: number;
  /** Records of one partition, waiting and running, at which the partition is paused; it flows again at half of it.
   * One poll may exceed it. Default 2,000, and at least four for each worker. */
  readonly budgetRecords?: number | undefined;
  /** The same in bytes. Default 32 MiB. */
  readonly budgetBytes: number;
  /**
   * Bytes of records that all partitions of the container, of all its consumers in this process, hold together. From
   * half of it on, partitions that hold more than their part of the other half are paused; at all of it every partition
   * is. One poll may exceed it. Default 256 MiB, and at most a quarter of the memory that the process may use.
   */
  readonly budgetMemory: number;
  /** Records of one partition above its committable offset at which the partition is paused. Default 10,000, and at
   * least eight for each worker. */
  readonly budgetUncommitted?: number | undefined;
  /** After how long without a record a consumer tells so, by event. Default: never. */
  readonly idleEventMs?: number | undefined;
  /** The same for single partitions. */
  readonly idlePartitionEventMs?: number | undefined;
  /** What the application stores beside the offsets that are committed. Default: nothing. */
  readonly offsetMetadata?: OffsetMetadataFunction | undefined;
  /** What becomes of a failed record. Default `defaultErrorHandler()`. */
  readonly errorHandler: ErrorHandler;
  /** How many records may begin in a second. Not for batches. Default: as many as can. */
  readonly rate?: RateLimit | undefined;
  /**
   * What happens when a partition's budget is used up, in a pool. `pause`: that partition is not fetched until there is
   * room, others go on. `block`: the consumer polls nothing until there is. `caller-runs`: the poll loop handles the
   * next record itself, beside the workers (workers + 1 in work meanwhile), and polls again after that. `reject`:
   * records beyond the budget fail with KAFKA_POOL_FULL, and the error handler decides. Default `pause`.
   */
  readonly overflow: OverflowPolicy;
  /** Start again this long after the cluster refused login or rights. Default: the container fails. */
  readonly authRetryMs?: number | undefined;
  /** Start again this long after a start that failed. Default: the container fails. */
  readonly startRetryMs?: number | undefined;
  /** How much a batch waits for. Default: a batch is what a poll brought. */
  readonly gather?: BatchMinimum | undefined;
  /** Told about failed deliveries. */
  readonly retryListeners: readonly RetryListener[];
  /** Around each call of a record handler, in this order. */
  readonly recordInterceptors: readonly RecordInterceptor[];
  /** Around each call of a batch handler, in this order. */
  readonly batchInterceptors: readonly BatchInterceptor[];
  /** See polls and commits, in this order. */
  readonly consumerInterceptors: readonly ConsumerInterceptor[];
  /** Asked before a record runs; not for batches. Default: every record runs. */
  readonly admission?: AdmissionRule | undefined;
  /** Told about records that come and that are finished. */
  readonly passage?: RecordPassage | undefined;
}

const MIB = 1024 * 1024;

export function containerSettings(given: Partial<ContainerSettings> = {}): ContainerSettings {
  return {
    pollMaxRecords: 500,
    pollMaxWaitMs: 5_000,
    maxPollIntervalMs: 300_000,
    sessionTimeoutMs: 45_000,
    slowHandler: 'abort',
    slowLimit: 3,
    pauseImmediate: true,
    shutdownTimeoutMs: 10_000,
    budgetBytes: 32 * MIB,
    budgetMemory: Math.min(256 * MIB, memoryLimit() / 4),
    errorHandler: defaultErrorHandler(),
    overflow: 'pause',
    retryListeners: [],
    recordInterceptors: [],
    batchInterceptors: [],
    consumerInterceptors: [],
    ...given,
  };
}
