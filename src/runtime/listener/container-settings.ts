import { NestdawError } from '../../common/errors.js';
import { type AdmissionRule } from './admission.js';
import { defaultErrorHandler, type ErrorHandler } from './error-handler.js';
import { type BatchInterceptor, type RecordInterceptor } from './interceptors.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { type RateLimit } from './rate-limit.js';
import { type RecordPassage } from './record-passage.js';
import { type RetryListener } from './retry-listener.js';
import { type SlowHandlerPolicy } from './watchdog.js';

// The numbers a container runs by, and the combinations of an endpoint's options that make no sense.

/** What happens when a partition's budget is used up. */
export type OverflowPolicy = 'pause' | 'block' | 'caller-runs' | 'reject';

export interface ContainerSettings {
  /** Records of one poll, and the most a batch holds. Default 500. */
  readonly pollMaxRecords: number;
  /** Longest wait of one poll. Default 5,000. */
  readonly pollMaxWaitMs: number;
  /** Longest run of a handler, see `slowHandler`. Default 300,000. */
  readonly maxPollIntervalMs: number;
  /** What happens past it: `abort` fires the handler's signal, and the record counts as failed when the handler ends;
   * `leave` makes the consumer leave its group until then, as a Java consumer does; `warn` only logs. Default `abort`. */
  readonly slowHandler: SlowHandlerPolicy;
  /** How often one record may exceed it before the error handler retries it no more, and `leave` stays. Default 3. */
  readonly slowLimit: number;
  /** How long `stop` waits for running handlers. Default 10,000. */
  readonly shutdownTimeoutMs: number;
  /** Records of one partition, waiting and running, at which the partition is paused; it flows again at half of it.
   * One poll may exceed it. Default 2,000. */
  readonly budgetRecords: number;
  /** The same in bytes. Default 32 MiB. */
  readonly budgetBytes: number;
  /** Records of one partition above its committable offset at which the partition is paused. Default 10,000. */
  readonly budgetUncommitted: number;
  /** After how long without a record a consumer tells so, by event. Default: never. */
  readonly idleEventMs?: number | undefined;
  /** The same for single partitions. */
  readonly idlePartitionEventMs?: number | undefined;
  /** What becomes of a failed record. Default `defaultErrorHandler()`. */
  readonly errorHandler: ErrorHandler;
  /** How many records may begin in a second. Not for batches. Default: as many as can. */
  readonly rate?: RateLimit | undefined;
  /**
   * What happens when a partition's budget is used up, in a pool. `pause`: that partition is not fetched until there is
   * room, others go on. `block`: the consumer polls nothing until there is. `caller-runs`: the poll loop handles a
   * record itself, beside the workers, and polls again after that. `reject`: records beyond the budget fail with
   * KAFKA_POOL_FULL, and the error handler decides. Default `pause`.
   */
  readonly overflow: OverflowPolicy;
  /** Start again this long after the cluster refused login or rights. Default: the container fails. */
  readonly authRetryMs?: number | undefined;
  /** Start again this long after a start that failed. Default: the container fails. */
  readonly startRetryMs?: number | undefined;
  /** Told about failed deliveries. */
  readonly retryListeners: readonly RetryListener[];
  /** Around each call of a record handler, in this order. */
  readonly recordInterceptors: readonly RecordInterceptor[];
  /** Around each call of a batch handler, in this order. */
  readonly batchInterceptors: readonly BatchInterceptor[];
  /** Asked before a record runs; not for batches. Default: every record runs. */
  readonly admission?: AdmissionRule | undefined;
  /** Told about records that come and that are finished. */
  readonly passage?: RecordPassage | undefined;
}

export function containerSettings(given: Partial<ContainerSettings> = {}): ContainerSettings {
  return {
    pollMaxRecords: 500,
    pollMaxWaitMs: 5_000,
    maxPollIntervalMs: 300_000,
    slowHandler: 'abort',
    slowLimit: 3,
    shutdownTimeoutMs: 10_000,
    budgetRecords: 2_000,
    budgetBytes: 32 * 1024 * 1024,
    budgetUncommitted: 10_000,
    errorHandler: defaultErrorHandler(),
    overflow: 'pause',
    retryListeners: [],
    recordInterceptors: [],
    batchInterceptors: [],
    ...given,
  };
}

/** Throws KAFKA_CONFIG_INVALID with every mistake. */
export function validateContainer(endpoint: ListenerEndpoint, settings: ContainerSettings): void {
  const mistakes: string[] = [];
  const atLeastOne = (name: string, value: number) => {
    if (!(value >= 1)) mistakes.push(`${name} is ${value}: give at least 1`);
  };
  const wholeCount = (name: string, value: number) => {
    if (!Number.isInteger(value) || value < 1) mistakes.push(`${name} is ${value}: give a whole number of at least 1`);
  };
  wholeCount('concurrency', endpoint.concurrency);
  if (endpoint.workers !== undefined) wholeCount('workers', endpoint.workers);
  if (endpoint.topics.length === 0 && endpoint.topicPattern === undefined && typeof endpoint.assignment !== 'object') {
    mistakes.push('topics is empty: name at least one topic');
  }
  if (endpoint.groupId === '' && endpoint.assignment === undefined) {
    mistakes.push('groupId is empty: only a listener that reads partitions by itself goes without a group');
  }
  if (endpoint.ackMode === 'COUNT' || endpoint.ackMode === 'COUNT_TIME') wholeCount('ackCount', endpoint.ackCount);
  if (endpoint.ackMode === 'TIME' || endpoint.ackMode === 'COUNT_TIME') atLeastOne('ackTimeMs', endpoint.ackTimeMs);
  if (endpoint.handler.kind === 'batch') {
    if (endpoint.ackMode === 'RECORD') {
      mistakes.push('ackMode RECORD commits after each record, but the listener takes batches: use BATCH');
    }
    if (endpoint.workers !== undefined && endpoint.order === 'key') {
      mistakes.push(
        "order 'key' with workers runs records one by one, but the listener takes batches: use order 'partition' (one batch a partition at a time) or leave workers out",
      );
    }
  }
  if (endpoint.transactions) {
    if (endpoint.groupId === '') mistakes.push('a transaction holds offsets of a group: give a groupId');
    if (endpoint.ackMode === 'MANUAL_IMMEDIATE') {
      mistakes.push('ackMode MANUAL_IMMEDIATE commits at once, a transaction at its end: use MANUAL, RECORD or BATCH');
    }
  }
  wholeCount('max.poll.records', settings.pollMaxRecords);
  wholeCount('the record budget of a partition', settings.budgetRecords);
  atLeastOne('the byte budget of a partition', settings.budgetBytes);
  wholeCount('the uncommitted budget of a partition', settings.budgetUncommitted);
  atLeastOne('max.poll.interval.ms', settings.maxPollIntervalMs);
  wholeCount('slowLimit', settings.slowLimit);
  const { rate, overflow } = settings;
  if (rate !== undefined && !(rate.perSecond > 0))
    mistakes.push(`rate.perSecond is ${rate.perSecond}: give more than 0`);
  if (rate?.burst !== undefined) wholeCount('rate.burst', rate.burst);
  if (rate !== undefined && endpoint.handler.kind === 'batch') {
    mistakes.push('rate counts records one by one, but the listener takes batches: leave one of them out');
  }
  if (overflow !== 'pause' && endpoint.workers === undefined) {
    mistakes.push(`overflow '${overflow}' is about a pool of workers: give workers, or leave overflow out`);
  }
  const { steering } = endpoint;
  if (steering) {
    wholeCount('workers.min', steering.min);
    wholeCount('workers.max', steering.max);
    if (steering.max < steering.min) mistakes.push(`workers.max is ${steering.max}, below workers.min ${steering.min}`);
  }
  if (settings.idleEventMs !== undefined) atLeastOne('the idle event interval', settings.idleEventMs);
  if (settings.idlePartitionEventMs !== undefined) {
    atLeastOne('the idle event interval of partitions', settings.idlePartitionEventMs);
  }
  if (mistakes.length > 0) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `listener '${endpoint.id}': ${mistakes.join('; ')}`);
  }
}
