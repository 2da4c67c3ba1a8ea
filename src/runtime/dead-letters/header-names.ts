import { KafkaHeaders } from '../../common/kafka-headers.js';

// Names of the headers in which a failed record carries its story: Spring's, to the letter, so that tools for either
// side read both.

export interface FailureHeaderNames {
  readonly topic: string;
  readonly partition: string;
  readonly offset: string;
  readonly timestamp: string;
  readonly timestampType: string;
  readonly consumerGroup: string;
  readonly exceptionFqcn: string;
  readonly exceptionCauseFqcn: string;
  readonly exceptionMessage: string;
  readonly exceptionStacktrace: string;
  /** In place of those of the exception where the key could not be read. */
  readonly keyExceptionFqcn: string;
  readonly keyExceptionMessage: string;
  readonly keyExceptionStacktrace: string;
}

/** What `DeadLetterPublishingRecoverer` writes. */
export const DEAD_LETTER_HEADERS: FailureHeaderNames = {
  topic: KafkaHeaders.DLT_ORIGINAL_TOPIC,
  partition: KafkaHeaders.DLT_ORIGINAL_PARTITION,
  offset: KafkaHeaders.DLT_ORIGINAL_OFFSET,
  timestamp: KafkaHeaders.DLT_ORIGINAL_TIMESTAMP,
  timestampType: KafkaHeaders.DLT_ORIGINAL_TIMESTAMP_TYPE,
  consumerGroup: KafkaHeaders.DLT_ORIGINAL_CONSUMER_GROUP,
  exceptionFqcn: KafkaHeaders.DLT_EXCEPTION_FQCN,
  exceptionCauseFqcn: KafkaHeaders.DLT_EXCEPTION_CAUSE_FQCN,
  exceptionMessage: KafkaHeaders.DLT_EXCEPTION_MESSAGE,
  exceptionStacktrace: KafkaHeaders.DLT_EXCEPTION_STACKTRACE,
  keyExceptionFqcn: KafkaHeaders.DLT_KEY_EXCEPTION_FQCN,
  keyExceptionMessage: KafkaHeaders.DLT_KEY_EXCEPTION_MESSAGE,
  keyExceptionStacktrace: KafkaHeaders.DLT_KEY_EXCEPTION_STACKTRACE,
};

/** What retry topics write, their dead-letter topics included. The group keeps its `dlt-`, as it does in Spring. */
export const RETRY_TOPIC_HEADERS: FailureHeaderNames = {
  topic: KafkaHeaders.ORIGINAL_TOPIC,
  partition: KafkaHeaders.ORIGINAL_PARTITION,
  offset: KafkaHeaders.ORIGINAL_OFFSET,
  timestamp: KafkaHeaders.ORIGINAL_TIMESTAMP,
  timestampType: KafkaHeaders.ORIGINAL_TIMESTAMP_TYPE,
  consumerGroup: KafkaHeaders.DLT_ORIGINAL_CONSUMER_GROUP,
  exceptionFqcn: KafkaHeaders.EXCEPTION_FQCN,
  exceptionCauseFqcn: KafkaHeaders.EXCEPTION_CAUSE_FQCN,
  exceptionMessage: KafkaHeaders.EXCEPTION_MESSAGE,
  exceptionStacktrace: KafkaHeaders.EXCEPTION_STACKTRACE,
  keyExceptionFqcn: KafkaHeaders.KEY_EXCEPTION_FQCN,
  keyExceptionMessage: KafkaHeaders.KEY_EXCEPTION_MESSAGE,
  keyExceptionStacktrace: KafkaHeaders.KEY_EXCEPTION_STACKTRACE,
};

/** Both sets, the one of retry topics first. */
export const FAILURE_HEADER_SETS: readonly FailureHeaderNames[] = [RETRY_TOPIC_HEADERS, DEAD_LETTER_HEADERS];
