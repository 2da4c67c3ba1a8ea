import { type KafkaRecord, type RecordHeader } from '../../common/record.js';
import { intBytes, numberHeader, removeHeader, shortestBytes } from '../dead-letters/header-bytes.js';

// What a record on its way through retry topics says about itself, in Spring's headers and forms (RetryTopicHeaders).

export const RetryHeaders = {
  /** Number of the delivery that comes next, a big-endian int; so of a dead letter one more than those it had. */
  ATTEMPTS: 'retry_topic-attempts',
  /** When that delivery is due: ms since the epoch, in as few big-endian bytes as hold it. */
  BACKOFF_TIMESTAMP: 'retry_topic-backoff-timestamp',
  /** Timestamp of the record that failed first, in the same form. */
  ORIGINAL_TIMESTAMP: 'retry_topic-original-timestamp',
} as const;

/** What Spring's counter can hold. */
const MOST_ATTEMPTS = 32_767;

/** Which delivery of the record this is; 1 for one that has not failed. */
export function attemptOf(record: Pick<KafkaRecord, 'headers'>): number {
  const attempts = numberHeader(record, RetryHeaders.ATTEMPTS);
  return attempts === undefined || attempts < 1 ? 1 : Math.min(attempts, MOST_ATTEMPTS);
}

/** When the record is due; undefined when it says nothing about it. */
export function dueAtOf(record: Pick<KafkaRecord, 'headers'>): number | undefined {
  return numberHeader(record, RetryHeaders.BACKOFF_TIMESTAMP);
}

/** Timestamp of the record before its first failure. */
export function firstTimestampOf(record: KafkaRecord): number {
  return numberHeader(record, RetryHeaders.ORIGINAL_TIMESTAMP) ?? record.timestamp;
}

export interface Bookkeeping {
  readonly attempt: number;
  readonly dueAt: number;
  readonly firstTimestamp: number;
}

/** Puts the three behind the others. Spring keeps older values by default; here they would grow with every delivery. */
export function writeBookkeeping(headers: RecordHeader[], { attempt, dueAt, firstTimestamp }: Bookkeeping): void {
  const { ATTEMPTS, BACKOFF_TIMESTAMP, ORIGINAL_TIMESTAMP } = RetryHeaders;
  for (const name of [ATTEMPTS, BACKOFF_TIMESTAMP, ORIGINAL_TIMESTAMP]) removeHeader(headers, name);
  headers.push(
    { key: ORIGINAL_TIMESTAMP, value: shortestBytes(firstTimestamp) },
    { key: ATTEMPTS, value: intBytes(Math.min(attempt, MOST_ATTEMPTS)) },
    { key: BACKOFF_TIMESTAMP, value: shortestBytes(dueAt) },
  );
}
