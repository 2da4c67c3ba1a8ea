import { boolean, choice, dataSize, duration, integer, map, string } from '../config-key.js';
import { PRODUCER_CONNECTION_KEYS } from './common-keys.js';
import { NO_TRANSACTIONS } from './reasons.js';

// Keys of the producer. Part of the table in config-keys.ts.

const SERIALIZERS = {
  StringSerializer: 'string',
  'org.apache.kafka.common.serialization.StringSerializer': 'string',
  ByteArraySerializer: 'bytes',
  'org.apache.kafka.common.serialization.ByteArraySerializer': 'bytes',
} as const;
const JSON_SERIALIZERS = {
  ...SERIALIZERS,
  JsonSerializer: 'json',
  'org.springframework.kafka.support.serializer.JsonSerializer': 'json',
  'org.springframework.kafka.support.serializer.JacksonJsonSerializer': 'json',
} as const;

const NO_OTHERS = 'send bytes (Buffer), for a format of your own';

export const PRODUCER_KEYS = {
  ...PRODUCER_CONNECTION_KEYS,
  'producer.client-id': string({
    default: undefined,
    property: 'client.id',
    common: 'client-id',
    doc: 'Client id of the producer. Default: client-id.',
    acts: 'runtime/client/cluster',
  }),
  'producer.acks': choice(['all', '1', '0'], {
    default: 'all',
    property: 'acks',
    aliases: { '-1': 'all' },
    doc: 'Who must have a record before it counts as sent: all in-sync replicas, the leader, nobody.',
    acts: 'runtime/client/producer',
  }),
  'producer.batch-size': dataSize({
    default: 16_384,
    min: 0,
    max: 0x7fff_ffff,
    property: 'batch.size',
    doc: 'Bytes of one batch of one partition.',
    acts: 'runtime/client/producer',
  }),
  'producer.buffer-memory': dataSize({
    default: 33_554_432,
    min: 0,
    property: 'buffer.memory',
    doc: 'Bytes of records that may wait to be sent.',
    acts: 'runtime/client/producer',
  }),
  'producer.compression-type': choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'], {
    default: 'none',
    property: 'compression.type',
    doc: 'How batches are compressed.',
    acts: 'runtime/client/producer',
  }),
  'producer.retries': integer({
    default: 0x7fff_ffff,
    min: 0,
    max: 0x7fff_ffff,
    property: 'retries',
    doc: 'Times a batch is sent again; delivery.timeout.ms ends it as well.',
    acts: 'runtime/client/producer',
  }),
  'producer.key-serializer': choice(['auto', 'string', 'bytes'], {
    default: 'auto',
    property: 'key.serializer',
    kafkaDefault: 'StringSerializer',
    aliases: SERIALIZERS,
    otherwise: NO_OTHERS,
    doc: 'Which keys are taken. auto: text, numbers as decimal text, bytes.',
    acts: 'runtime/template',
  }),
  'producer.value-serializer': choice(['auto', 'json', 'string', 'bytes'], {
    default: 'auto',
    property: 'value.serializer',
    kafkaDefault: 'StringSerializer',
    aliases: JSON_SERIALIZERS,
    otherwise: NO_OTHERS,
    doc: 'What values become. auto: text and bytes as they are, everything else JSON.',
    acts: 'runtime/template',
  }),
  'producer.properties.linger.ms': duration({
    default: 0,
    min: 0,
    property: 'linger.ms',
    kafkaDefault: '5',
    doc: 'How long a batch waits for more records. What comes in while a request is under way is combined anyway.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.delivery.timeout.ms': duration({
    default: 120_000,
    min: 1,
    property: 'delivery.timeout.ms',
    doc: 'From send() to its success or failure at most.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.request.timeout.ms': duration({
    default: 30_000,
    min: 1,
    property: 'request.timeout.ms',
    doc: 'How long an answer may take.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.max.block.ms': duration({
    default: 60_000,
    min: 0,
    property: 'max.block.ms',
    doc: 'How long a send waits for room in the buffer, or for the topic to be known.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.max.request.size': dataSize({
    default: 1_048_576,
    min: 0,
    max: 0x7fff_ffff,
    property: 'max.request.size',
    doc: 'Bytes of one record, and of one request.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.max.in.flight.requests.per.connection': integer({
    default: 5,
    min: 1,
    property: 'max.in.flight.requests.per.connection',
    doc: 'Requests to one broker that may be under way.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.enable.idempotence': boolean({
    default: true,
    property: 'enable.idempotence',
    doc: 'Whether a batch that is sent again is stored once.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.retry.backoff.ms': duration({
    default: 100,
    min: 0,
    property: 'retry.backoff.ms',
    doc: 'First delay before a batch is sent again.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.retry.backoff.max.ms': duration({
    default: 1_000,
    min: 0,
    property: 'retry.backoff.max.ms',
    doc: 'Longest delay before a batch is sent again.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.metadata.max.age.ms': duration({
    default: 300_000,
    min: 1,
    property: 'metadata.max.age.ms',
    doc: 'After this time the cluster is asked again for topics and partitions.',
    acts: 'runtime/client/producer',
  }),
  'producer.transaction-id-prefix': string({
    default: undefined,
    doc: 'Beginning of the transactional ids; switches transactions on.',
    inert: NO_TRANSACTIONS,
  }),
  'producer.properties': map({
    closed: true,
    doc: "Kafka's own producer properties: producer.properties.linger.ms=5.",
    acts: 'runtime/config/kafka-properties',
  }),
  'producer.properties.compression.gzip.level': integer({
    default: -1,
    min: -1,
    max: 9,
    property: 'compression.gzip.level',
    doc: 'Effort of gzip, 1 to 9; -1 is its own default.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.compression.zstd.level': integer({
    default: 3,
    min: 1,
    max: 22,
    property: 'compression.zstd.level',
    doc: 'Effort of zstd.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.partitioner.class': choice(['default', 'sticky', 'round-robin'], {
    default: 'default',
    property: 'partitioner.class',
    aliases: {
      'org.apache.kafka.clients.producer.internals.DefaultPartitioner': 'default',
      UniformStickyPartitioner: 'sticky',
      'org.apache.kafka.clients.producer.UniformStickyPartitioner': 'sticky',
      RoundRobinPartitioner: 'round-robin',
      'org.apache.kafka.clients.producer.RoundRobinPartitioner': 'round-robin',
    },
    otherwise: 'a Java class does not run here: choose the partition with send({ partition })',
    doc: 'Who chooses the partition: the key, else in turns of a batch; always in turns of a batch; or record by record.',
    acts: 'runtime/client/producer',
  }),
  'producer.properties.partitioner.ignore.keys': boolean({
    default: false,
    property: 'partitioner.ignore.keys',
    doc: 'Whether keys do not decide the partition.',
    acts: 'runtime/client/producer',
  }),
} as const;
