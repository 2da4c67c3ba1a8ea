import { NestdawError } from '../../common/errors.js';
import { type AdmissionRule } from './admission.js';
import { defaultErrorHandler, type ErrorHandler } from './error-handler.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { type RecordPassage } from './record-passage.js';

// The numbers a container runs by, and the combinations of an endpoint's options that make no sense.

export interface ContainerSettings {
  /** Records of one poll, and the most a batch holds. Default 500. */
  readonly pollMaxRecords: number;
  /** Longest wait of one poll. Default 5,000. */
  readonly pollMaxWaitMs: number;
  /** Longest run of a handler, see `slowHandler`. Default 300,000. */
  readonly maxPollIntervalMs: number;
  /** What happens past it: `abort` fires the handler's signal, and the record counts as failed when the handler ends;
   * `warn` only logs. Default `abort`. */
  readonly slowHandler: 'abort' | 'warn';
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
    shutdownTimeoutMs: 10_000,
    budgetRecords: 2_000,
    budgetBytes: 32 * 1024 * 1024,
    budgetUncommitted: 10_000,
    errorHandler: defaultErrorHandler(),
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
  if (settings.idleEventMs !== undefined) atLeastOne('the idle event interval', settings.idleEventMs);
  if (settings.idlePartitionEventMs !== undefined) {
    atLeastOne('the idle event interval of partitions', settings.idlePartitionEventMs);
  }
  if (mistakes.length > 0) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `listener '${endpoint.id}': ${mistakes.join('; ')}`);
  }
}
