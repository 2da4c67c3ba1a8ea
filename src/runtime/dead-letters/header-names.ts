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
  topic: 'kafka_dlt-original-topic',
  partition: 'kafka_dlt-original-partition',
  offset: 'kafka_dlt-original-offset',
  timestamp: 'kafka_dlt-original-timestamp',
  timestampType: 'kafka_dlt-original-timestamp-type',
  consumerGroup: 'kafka_dlt-original-consumer-group',
  exceptionFqcn: 'kafka_dlt-exception-fqcn',
  exceptionCauseFqcn: 'kafka_dlt-exception-cause-fqcn',
  exceptionMessage: 'kafka_dlt-exception-message',
  exceptionStacktrace: 'kafka_dlt-exception-stacktrace',
  keyExceptionFqcn: 'kafka_dlt-key-exception-fqcn',
  keyExceptionMessage: 'kafka_dlt-key-exception-message',
  keyExceptionStacktrace: 'kafka_dlt-key-exception-stacktrace',
};

/** What retry topics write, their dead-letter topics included. The group keeps its `dlt-`, as it does in Spring. */
export const RETRY_TOPIC_HEADERS: FailureHeaderNames = {
  topic: 'kafka_original-topic',
  partition: 'kafka_original-partition',
  offset: 'kafka_original-offset',
  timestamp: 'kafka_original-timestamp',
  timestampType: 'kafka_original-timestamp-type',
  consumerGroup: 'kafka_dlt-original-consumer-group',
  exceptionFqcn: 'kafka_exception-fqcn',
  exceptionCauseFqcn: 'kafka_exception-cause-fqcn',
  exceptionMessage: 'kafka_exception-message',
  exceptionStacktrace: 'kafka_exception-stacktrace',
  keyExceptionFqcn: 'kafka_key-exception-fqcn',
  keyExceptionMessage: 'kafka_key-exception-message',
  keyExceptionStacktrace: 'kafka_key-exception-stacktrace',
};

/** Both sets, the one of retry topics first. */
export const FAILURE_HEADER_SETS: readonly FailureHeaderNames[] = [RETRY_TOPIC_HEADERS, DEAD_LETTER_HEADERS];
