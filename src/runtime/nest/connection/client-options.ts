import { type ConsumerOptions } from '../../client/consumer/consumer-options.js';
import { MAX_UNSETTLED_BATCHES, type ProducerOptions } from '../../client/producer/producer-options.js';
import { type ConfigName, type ConfigValue } from '../../config/config-keys.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { NO_LOSS } from '../../config/no-loss.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { type ValueFormat } from '../handlers/payload-converter.js';
import { deserializerSettings } from '../serdes/serde-settings.js';

// From validated properties to what clients and containers take. What is taken as it stands is a table of names.

/** Nothing is given up before delivery.timeout.ms, nothing is stored twice, nothing overtakes what is lost. */
const IN_ORDER = {
  acks: -1,
  retries: 0x7fff_ffff,
  enableIdempotence: true,
  onDeliveryFailure: 'stop',
} as const satisfies ProducerOptions;

const ACKS = { all: -1, '1': 1, '0': 0 } as const;

export function producerOptions(properties: KafkaProperties): ProducerOptions {
  if (properties.get('producer.profile') !== 'no-loss') return configuredOptions(properties);
  return configuredOptions(
    properties.with(new Map(Object.entries(NO_LOSS) as [ConfigName, unknown][]), 'producer.profile=no-loss'),
  );
}

const PRODUCER = {
  batchSize: 'producer.batch-size',
  lingerMs: 'producer.properties.linger.ms',
  bufferMemory: 'producer.buffer-memory',
  maxBlockMs: 'producer.properties.max.block.ms',
  requestTimeoutMs: 'producer.properties.request.timeout.ms',
  retries: 'producer.retries',
  retryBackoffMs: 'producer.properties.retry.backoff.ms',
  retryBackoffMaxMs: 'producer.properties.retry.backoff.max.ms',
  maxInFlightRequestsPerConnection: 'producer.properties.max.in.flight.requests.per.connection',
  maxRequestSize: 'producer.properties.max.request.size',
  onDeliveryFailure: 'producer.on-delivery-failure',
  transactionTimeoutMs: 'producer.properties.transaction.timeout.ms',
  partitionerAvailabilityTimeoutMs: 'producer.properties.partitioner.availability.timeout.ms',
  metadataMaxAgeMs: 'producer.properties.metadata.max.age.ms',
  closeTimeoutMs: 'template.close-timeout',
} as const;

/** Those of a producer that keeps the order of its records through failures, whatever is configured for others. */
export function inOrder(options: ProducerOptions): ProducerOptions {
  const { maxInFlightRequestsPerConnection: inFlight = MAX_UNSETTLED_BATCHES } = options;
  const maxInFlightRequestsPerConnection = Math.min(inFlight, MAX_UNSETTLED_BATCHES);
  return { ...options, ...IN_ORDER, maxInFlightRequestsPerConnection };
}

function configuredOptions(properties: KafkaProperties): ProducerOptions {
  const explicitly = properties.originOf('producer.properties.enable.idempotence') !== undefined;
  const plain = taken(properties, PRODUCER);
  return {
    ...plain,
    acks: ACKS[properties.get('producer.acks')],
    // The default gives way to acks and retries, an explicit true does not.
    ...(explicitly ? { enableIdempotence: properties.get('producer.properties.enable.idempotence') } : {}),
    deliveryTimeoutMs: deliveryTimeout(properties, plain.lingerMs + plain.requestTimeoutMs),
    ...compression(properties),
    ...partitioning(properties),
    messageIdHeader: properties.get('template.message-id-header') || undefined,
    sequenceIdHeader: properties.get('template.sequence-id-header') || undefined,
  };
}

/** As in the Java client: the default makes room for longer requests, a value that somebody gave is checked. */
function deliveryTimeout(properties: KafkaProperties, least: number): number {
  const name = 'producer.properties.delivery.timeout.ms';
  const given = properties.get(name);
  return properties.originOf(name) === undefined ? Math.max(given, least) : given;
}

function compression(properties: KafkaProperties): Pick<ProducerOptions, 'compressionType' | 'compressionLevel'> {
  const compressionType = properties.get('producer.compression-type');
  if (compressionType !== 'gzip' && compressionType !== 'zstd') return { compressionType };
  const compressionLevel = properties.get(`producer.properties.compression.${compressionType}.level`);
  return compressionLevel === -1 ? { compressionType } : { compressionType, compressionLevel };
}

function partitioning(
  properties: KafkaProperties,
): Pick<ProducerOptions, 'partitionerIgnoreKeys' | 'nullKeyPartitioning' | 'adaptivePartitioning'> {
  const partitioner = properties.get('producer.properties.partitioner.class');
  return {
    partitionerIgnoreKeys: partitioner !== 'default' || properties.get('producer.properties.partitioner.ignore.keys'),
    nullKeyPartitioning: partitioner === 'round-robin' || partitioner === 'random' ? partitioner : 'sticky',
    adaptivePartitioning: properties.get('producer.properties.partitioner.adaptive.partitioning.enable'),
  };
}

/** What the template of a connection is made with. */
export function templateOptions(properties: KafkaProperties) {
  return { defaultTopic: properties.get('template.default-topic') };
}

/** What payloads and keys become where neither a parameter nor a deserializer says. */
export function payloadFormats(properties: KafkaProperties): { valueFormat: ValueFormat; keysAsBytes: boolean } {
  const { key, value } = deserializerSettings(properties);
  const isPlain = value.name === 'string' || value.name === 'bytes';
  return { valueFormat: isPlain ? (value.name as ValueFormat) : 'json', keysAsBytes: key.name === 'bytes' };
}

export type ConsumerNumbers = Omit<ConsumerOptions, 'groupId' | 'topics' | 'createCluster' | 'groupInstanceId'>;

const CONSUMER = {
  sessionTimeoutMs: 'consumer.properties.session.timeout.ms',
  heartbeatIntervalMs: 'consumer.heartbeat-interval',
  maxPollIntervalMs: 'consumer.max-poll-interval',
  autoOffsetReset: 'consumer.auto-offset-reset',
  isolationLevel: 'consumer.isolation-level',
  partitionAssignmentStrategy: 'consumer.properties.partition.assignment.strategy',
  fetchMinBytes: 'consumer.fetch-min-size',
  fetchMaxBytes: 'consumer.properties.fetch.max.bytes',
  fetchMaxWaitMs: 'consumer.fetch-max-wait',
  maxPartitionFetchBytes: 'consumer.properties.max.partition.fetch.bytes',
  checkCrcs: 'consumer.properties.check.crcs',
  metadataMaxAgeMs: 'consumer.properties.metadata.max.age.ms',
  excludeInternalTopics: 'consumer.properties.exclude.internal.topics',
  retryBackoffMs: 'consumer.properties.retry.backoff.ms',
  retryBackoffMaxMs: 'consumer.properties.retry.backoff.max.ms',
  requestTimeoutMs: 'consumer.properties.request.timeout.ms',
  defaultApiTimeoutMs: 'consumer.properties.default.api.timeout.ms',
} as const;

export function consumerNumbers(properties: KafkaProperties): ConsumerNumbers {
  return {
    ...taken(properties, CONSUMER),
    clientRack: properties.get('consumer.properties.client.rack') ?? '',
  };
}

/** Between tries of a listener that cannot start. */
const START_RETRY_MS = 10_000;

const CONTAINER = {
  pollMaxRecords: 'consumer.max-poll-records',
  pollMaxWaitMs: 'listener.poll-timeout',
  maxPollIntervalMs: 'consumer.max-poll-interval',
  sessionTimeoutMs: 'consumer.properties.session.timeout.ms',
  shutdownTimeoutMs: 'listener.shutdown-timeout',
  idleEventMs: 'listener.idle-event-interval',
  slowHandler: 'listener.slow-handler',
  overflow: 'listener.overflow',
  authRetryMs: 'listener.auth-exception-retry-interval',
  idlePartitionEventMs: 'listener.idle-partition-event-interval',
} as const;

export function containerNumbers(properties: KafkaProperties): Partial<ContainerSettings> {
  const budgetMemory = properties.get('listener.memory-budget');
  return {
    ...taken(properties, CONTAINER),
    ...(budgetMemory === undefined ? {} : { budgetMemory }),
    ...(properties.get('listener.start-failure') === 'retry' ? { startRetryMs: START_RETRY_MS } : {}),
  };
}

/** The values of keys, under the names of options. */
function taken<T extends Readonly<Record<string, ConfigName>>>(properties: KafkaProperties, names: T) {
  const entries = Object.entries(names).map(([option, name]) => [option, properties.get(name)]);
  return Object.fromEntries(entries) as { readonly [K in keyof T]: ConfigValue<T[K]> };
}
