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
} as const;
