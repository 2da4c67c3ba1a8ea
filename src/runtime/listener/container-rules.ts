import { NestdawError } from '../../common/errors.js';
import { type ContainerSettings } from './container-settings.js';
import { type ListenerEndpoint } from './listener-endpoint.js';

// Combinations of an endpoint's options, and numbers to run by, that make no sense.

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
  if (endpoint.ackMode === 'AT_MOST_ONCE') {
    if (endpoint.groupId === '') mistakes.push('ackMode AT_MOST_ONCE commits before it handles: give a groupId');
    if (endpoint.transactions) {
      mistakes.push('ackMode AT_MOST_ONCE commits first, a transaction at its end: leave one of them out');
    }
  }
  wholeCount('max.poll.records', settings.pollMaxRecords);
  if (settings.budgetRecords !== undefined) wholeCount('the record budget of a partition', settings.budgetRecords);
  atLeastOne('the byte budget of a partition', settings.budgetBytes);
  atLeastOne('the memory budget of a listener', settings.budgetMemory);
  if (settings.budgetUncommitted !== undefined) {
    wholeCount('the uncommitted budget of a partition', settings.budgetUncommitted);
  }
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
  if (settings.gather !== undefined) {
    const { records, waitMs } = settings.gather;
    wholeCount('batch.min', records);
    atLeastOne('batch.wait', waitMs);
    if (endpoint.handler.kind !== 'batch') mistakes.push('batch.min is about batches, but the listener takes records');
    if (records > settings.pollMaxRecords) {
      mistakes.push(
        `batch.min is ${records}, but a batch holds ${settings.pollMaxRecords} at most: raise max.poll.records`,
      );
    }
    if (endpoint.ackMode === 'AT_MOST_ONCE') {
      mistakes.push('batch.min lets records wait, ackMode AT_MOST_ONCE commits them before: leave one of them out');
    }
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
