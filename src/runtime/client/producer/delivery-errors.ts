import { messageOf, NestdawError } from '../../../common/errors.js';
import { brokerError } from '../../../protocol/error-codes.js';
import { type ProducerBatch } from './producer-batch.js';

// What the sender of a record is told when it was not stored: topic, partition, numbers, and what to change.

/** A record that the broker's limit does not let in. */
export function recordTooLarge(batch: ProducerBatch, errorCode: number): NestdawError {
  return new NestdawError(
    'KAFKA_RECORD_TOO_LARGE',
    `the record with key ${batch.firstKeyText()} for ${nameOf(batch)} makes a batch of ${batch.sizeInBytes} bytes, more than the topic takes; raise max.message.bytes of topic ${batch.topic}, or send less`,
    { cause: brokerError(errorCode, nameOf(batch)) },
  );
}

/** A record that is too large for any request. */
export function recordTooLargeForRequest(topic: string, size: number, maxRequestSize: number): NestdawError {
  return new NestdawError(
    'KAFKA_RECORD_TOO_LARGE',
    `a record for topic ${topic} takes up to ${size} bytes, more than max.request.size (${maxRequestSize}); raise max.request.size, and max.message.bytes of the topic with it, or send less`,
  );
}

export function refused(batch: ProducerBatch, errorCode: number, detail: string | null): NestdawError {
  const cause = brokerError(errorCode, nameOf(batch));
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `${countOf(batch)} refused by the broker: ${cause.message}${detail ? ` (${detail})` : ''}`,
    { cause },
  );
}

export function retriesUsedUp(batch: ProducerBatch, error: Error): NestdawError {
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `${nameOf(batch)}: ${countOf(batch)} not acknowledged after ${batch.attempts} attempts (retries allows no more): ${error.message}`,
    { cause: error, retriable: true },
  );
}

/** `problem` is what stood in the way when the batch itself never got an answer. */
export function expired(batch: ProducerBatch, deliveryTimeoutMs: number, problem: Error | undefined): NestdawError {
  const cause = batch.lastError ?? problem;
  const attempts =
    batch.attempts === 0
      ? 'never sent, so not stored'
      : `sent ${batch.attempts} times, so stored or not, which is unknown`;
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `${nameOf(batch)}: ${countOf(batch)} not acknowledged within ${deliveryTimeoutMs} ms (delivery.timeout.ms), ${attempts}${cause ? `; last problem: ${messageOf(cause)}` : ''}. Check the broker, or raise delivery.timeout.ms`,
    { cause, retriable: true },
  );
}

/** How a call for memory ended, for the message of those that got none. */
export interface BufferState {
  readonly size: number;
  /** `at once`, or for how long it waited. */
  readonly time: string;
  readonly usedBytes: number;
  readonly bufferMemory: number;
  readonly waiting: number;
  readonly maxBlockMs: number;
  /** What keeps the buffer from emptying, where that is known. */
  readonly problem: Error | undefined;
}

export function bufferFull(state: BufferState): NestdawError {
  const { size, time, usedBytes, bufferMemory, waiting, maxBlockMs, problem } = state;
  return new NestdawError(
    'KAFKA_BUFFER_FULL',
    `no room for a record of ${size} bytes ${time}: ${usedBytes} of ${bufferMemory} bytes (buffer.memory) hold unacknowledged records and ${waiting} calls wait; send less at once, or raise buffer.memory or max.block.ms (${maxBlockMs} ms)${lastProblem(problem)}`,
    { retriable: true, ...(problem ? { cause: problem } : {}) },
  );
}

export function unknownTopic(topic: string, maxBlockMs: number, problem: Error | undefined): NestdawError {
  const hint = problem ? lastProblem(problem) : '; create it, or check that the brokers are reachable';
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `topic ${topic} is not known to the cluster after ${maxBlockMs} ms (max.block.ms)${hint}`,
    { retriable: true, ...(problem ? { cause: problem } : {}) },
  );
}

/** A topic that nobody is going to make; `near` is one that there is. */
export function absentTopic(topic: string, near: string | undefined): NestdawError {
  const meant = near === undefined ? '' : `; did you mean ${near}?`;
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `there is no topic ${topic}${meant}${meant ? ' The' : ', and the'} cluster makes none by itself (auto.create.topics.enable=false): create it, declare it as a NewTopic, or set auto.create.topics.enable=true on the brokers`,
    { retriable: true },
  );
}

function lastProblem(problem: Error | undefined): string {
  return problem ? `; last problem: ${problem.message}` : '';
}

function nameOf({ topic, partition }: ProducerBatch): string {
  return `${topic}-${partition}`;
}

function countOf({ count }: ProducerBatch): string {
  return count === 1 ? '1 record' : `${count} records`;
}
