// Names that Spring Boot or Kafka had, or that people write though they never existed, where no comparison of letters
// finds what is meant.

/** Keys without `kafka.`, and what to write instead. */
export const REMOVED_KEYS: Readonly<Record<string, string>> = {
  'listener.only-log-record-metadata':
    'was removed in Spring Boot 3.0; logs here name records by topic, partition and offset, so remove the key',
  'retry.topic.backoff.random': 'was removed in Spring Boot 4.0; write retry.topic.backoff.jitter=<duration>',
  'retry.topic.delay': 'was moved in Spring Boot 3.4; write retry.topic.backoff.delay',
  'retry.topic.max-delay': 'was moved in Spring Boot 3.4; write retry.topic.backoff.max-delay',
  'retry.topic.multiplier': 'was moved in Spring Boot 3.4; write retry.topic.backoff.multiplier',
  'retry.topic.random-back-off': 'was moved in Spring Boot 3.4; write retry.topic.backoff.jitter=<duration>',
  'admin.bootstrap-servers': 'does not exist in Spring either; the admin client uses bootstrap-servers',
  'consumer.auto-create-topics': 'is no key of Spring; write consumer.properties.allow.auto.create.topics',
  'consumer.session-timeout': 'is no key of Spring; write consumer.properties.session.timeout.ms',
  'producer.linger': 'is no key of Spring; write producer.properties.linger.ms',
};

/** Client properties, and what is meant. */
export const MEANT_PROPERTIES: Readonly<Record<string, string>> = {
  'transaction.id.timeout.ms': 'transaction.timeout.ms',
  'max.transaction.timeout.ms': 'transaction.timeout.ms',
  'metadata.broker.list': 'bootstrap.servers',
  'zookeeper.connect': 'bootstrap.servers',
  'fetch.wait.max.ms': 'fetch.max.wait.ms',
  'queue.buffering.max.ms': 'linger.ms',
  'message.max.bytes': 'max.request.size',
  'request.required.acks': 'acks',
  'block.on.buffer.full': 'max.block.ms',
};
