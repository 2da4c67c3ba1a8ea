import { isTopicName, TOPIC_NAME_RULE } from '../../../common/topic-name.js';
import { boolean, decimal, duration, integer, map, string } from '../config-key.js';
import { ADMIN_CONNECTION_KEYS } from './common-keys.js';

// Keys of the template, of retry topics and of the admin client. Part of the table in config-keys.ts.

export const TEMPLATE_KEYS = {
  'template.message-id-header': string({
    default: undefined,
    doc: 'Header that every record gets an id of its own in, unless it has one: message-id, by which @Idempotent tells messages apart. Not a key of Spring.',
    acts: 'runtime/client/producer',
  }),
  'template.sequence-id-header': string({
    default: undefined,
    doc: 'Header with the number of each record among those of its producer and partition: sequence-id, by which @SequenceGuard finds loss and reordering. Not a key of Spring.',
    acts: 'runtime/client/producer',
  }),
  'template.default-topic': string({
    default: undefined,
    isAllowed: isTopicName,
    allowed: `the name of a topic: ${TOPIC_NAME_RULE}`,
    doc: 'Topic of sendDefault.',
    acts: 'runtime/template',
  }),
  'template.transaction-id-prefix': string({
    default: undefined,
    doc: "Beginning of the transactional ids of executeInTransaction, instead of the producer's.",
    acts: 'runtime/nest/connection/connection-transactions',
  }),
  'template.close-timeout': duration({
    default: undefined,
    kafkaDefault: '5s',
    min: 0,
    doc: 'How long the end of the application waits for sends under way; then they are rejected. Default: as long as each may take, delivery.timeout.ms, so that none is lost.',
    acts: 'runtime/client/producer/kafka-producer',
  }),
  'template.allow-non-transactional': boolean({
    default: false,
    doc: 'Whether a transactional template may send outside of a transaction.',
    acts: 'runtime/template',
  }),
  'template.observation-enabled': boolean({
    default: undefined,
    kafkaDefault: 'false',
    doc: 'Whether the observers of KafkaModule.forRoot({ sendObservers }) watch sends. Default: they do, where there are some.',
    acts: 'runtime/nest/sending/send-extensions',
  }),
} as const;

export const RETRY_KEYS = {
  'retry.topic.enabled': boolean({
    default: false,
    doc: 'Whether all listeners hand failed records on to retry topics.',
    acts: 'runtime/retry',
  }),
  'retry.topic.attempts': integer({
    default: 3,
    min: 1,
    doc: 'Deliveries of a record, the first included.',
    acts: 'runtime/retry',
  }),
  'retry.topic.backoff.delay': duration({
    default: 1_000,
    min: 0,
    doc: 'Delay before the second delivery.',
    acts: 'runtime/retry',
  }),
  'retry.topic.backoff.multiplier': decimal({
    default: 1,
    min: 0,
    doc: 'What the delay is multiplied by from one delivery to the next.',
    acts: 'runtime/retry',
  }),
  'retry.topic.backoff.max-delay': duration({
    default: 30_000,
    min: 0,
    doc: 'Longest delay between deliveries.',
    acts: 'runtime/retry',
  }),
  'retry.topic.backoff.jitter': duration({
    default: 0,
    min: 0,
    doc: 'Most that chance adds to a delay.',
    acts: 'runtime/retry',
  }),
} as const;

const inAdmin = { acts: 'runtime/nest/connection/connection-admin' } as const;

export const ADMIN_KEYS = {
  ...ADMIN_CONNECTION_KEYS,
  'admin.client-id': string({
    default: undefined,
    property: 'client.id',
    common: 'client-id',
    doc: 'Client id of the admin client; -admin is appended to client-id where it is not set.',
    ...inAdmin,
  }),
  'admin.properties': map({
    closed: true,
    doc: "Kafka's own admin properties: admin.properties.request.timeout.ms=20000.",
    acts: 'runtime/config/kafka-properties',
  }),
  'admin.properties.request.timeout.ms': duration({
    default: 30_000,
    min: 1,
    property: 'request.timeout.ms',
    doc: 'How long one request of the admin client may take.',
    ...inAdmin,
  }),
  'admin.close-timeout': duration({
    default: 10_000,
    min: 0,
    doc: 'How long closing the admin client may take.',
    inert: 'it closes at once: operations under way fail',
  }),
  'admin.operation-timeout': duration({
    default: 30_000,
    min: 1,
    doc: 'How long one operation of the admin client is tried, making the topics of the application among them.',
    ...inAdmin,
  }),
  'admin.fail-fast': boolean({
    default: false,
    doc: 'Whether the application fails to start when its topics cannot be made; else that is logged, and a cluster that is away gets them later.',
    ...inAdmin,
  }),
  'admin.modify-topic-configs': boolean({
    default: false,
    doc: 'Whether the configs of topics that exist are changed to what is declared.',
    ...inAdmin,
  }),
  'admin.auto-create': boolean({
    default: true,
    doc: 'Whether declared topics are made at start.',
    ...inAdmin,
  }),
} as const;

export const STREAMS_KEYS = {
  streams: map({
    doc: 'Keys of Kafka Streams.',
    inert: 'Kafka Streams is a Java library without a counterpart here; use a listener that sends',
  }),
} as const;
