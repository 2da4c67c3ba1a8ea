// Names of headers as Spring for Apache Kafka writes and offers them.

/** Headers by Spring's names. Those marked as offered are no headers of the record, but `@Header` gives them. */
export const KafkaHeaders = {
  /** Of a message to send: its topic. */
  TOPIC: 'kafka_topic',
  /** Of a message to send: its key. */
  KEY: 'kafka_messageKey',
  /** Of a message to send: its partition. */
  PARTITION: 'kafka_partitionId',
  /** Of a message to send: its time, ms since the epoch. */
  TIMESTAMP: 'kafka_timestamp',
  /** Offered: topic of the record. */
  RECEIVED_TOPIC: 'kafka_receivedTopic',
  /** Offered: partition of the record. */
  RECEIVED_PARTITION: 'kafka_receivedPartitionId',
  /** Offered: key of the record, as text. */
  RECEIVED_KEY: 'kafka_receivedMessageKey',
  /** Offered: timestamp of the record, ms since the epoch. */
  RECEIVED_TIMESTAMP: 'kafka_receivedTimestamp',
  /** Offered: whose time that is, `CREATE_TIME` or `LOG_APPEND_TIME`. */
  TIMESTAMP_TYPE: 'kafka_timestampType',
  /** Offered: the record itself, as `@Record()` gives it. */
  RAW_DATA: 'kafka_data',
  /** Offered: the headers of the record as they came, in order. */
  NATIVE_HEADERS: 'kafka_nativeHeaders',
  /** Offered: all headers of a record as an object; in a batch listener an array of these. */
  BATCH_CONVERTED_HEADERS: 'kafka_batchConvertedHeaders',
  /** Offered: the `Acknowledgment`, under the manual ack modes. */
  ACKNOWLEDGMENT: 'kafka_acknowledgment',
  /** Offered: the `ListenerConsumer`. */
  CONSUMER: 'kafka_consumer',
  /** Offered: offset of the record. */
  OFFSET: 'kafka_offset',
  /** Offered: consumer group of the listener. */
  GROUP_ID: 'kafka_groupId',
  /** Offered: the listener's `info`. */
  LISTENER_INFO: 'kafka_listenerInfo',
  /** Offered: 1 for the first delivery of the record. */
  DELIVERY_ATTEMPT: 'kafka_deliveryAttempt',
  /** Ties a reply to its request. */
  CORRELATION_ID: 'kafka_correlationId',
  /** Where the reply of a request is wanted. */
  REPLY_TOPIC: 'kafka_replyTopic',
  REPLY_PARTITION: 'kafka_replyPartition',
  /** Type of the payload, a class name. */
  TYPE_ID: '__TypeId__',
  /** Where a dead letter comes from, and why: written by `DeadLetterPublishingRecoverer`. */
  DLT_ORIGINAL_TOPIC: 'kafka_dlt-original-topic',
  /** Big-endian bytes, as the offset and the timestamp; `@Header` gives a parameter of type `number` the number. */
  DLT_ORIGINAL_PARTITION: 'kafka_dlt-original-partition',
  DLT_ORIGINAL_OFFSET: 'kafka_dlt-original-offset',
  DLT_ORIGINAL_TIMESTAMP: 'kafka_dlt-original-timestamp',
  DLT_ORIGINAL_TIMESTAMP_TYPE: 'kafka_dlt-original-timestamp-type',
  DLT_ORIGINAL_CONSUMER_GROUP: 'kafka_dlt-original-consumer-group',
  DLT_EXCEPTION_FQCN: 'kafka_dlt-exception-fqcn',
  DLT_EXCEPTION_CAUSE_FQCN: 'kafka_dlt-exception-cause-fqcn',
  DLT_EXCEPTION_MESSAGE: 'kafka_dlt-exception-message',
  DLT_EXCEPTION_STACKTRACE: 'kafka_dlt-exception-stacktrace',
  DLT_KEY_EXCEPTION_FQCN: 'kafka_dlt-key-exception-fqcn',
  DLT_KEY_EXCEPTION_MESSAGE: 'kafka_dlt-key-exception-message',
  DLT_KEY_EXCEPTION_STACKTRACE: 'kafka_dlt-key-exception-stacktrace',
  /** The same of records in retry topics and their dead letters. */
  ORIGINAL_TOPIC: 'kafka_original-topic',
  ORIGINAL_PARTITION: 'kafka_original-partition',
  ORIGINAL_OFFSET: 'kafka_original-offset',
  ORIGINAL_TIMESTAMP: 'kafka_original-timestamp',
  ORIGINAL_TIMESTAMP_TYPE: 'kafka_original-timestamp-type',
  EXCEPTION_FQCN: 'kafka_exception-fqcn',
  EXCEPTION_CAUSE_FQCN: 'kafka_exception-cause-fqcn',
  EXCEPTION_MESSAGE: 'kafka_exception-message',
  EXCEPTION_STACKTRACE: 'kafka_exception-stacktrace',
  KEY_EXCEPTION_FQCN: 'kafka_key-exception-fqcn',
  KEY_EXCEPTION_MESSAGE: 'kafka_key-exception-message',
  KEY_EXCEPTION_STACKTRACE: 'kafka_key-exception-stacktrace',
} as const;
