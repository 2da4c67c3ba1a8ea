import { type ConsumerOptions } from '../../client/consumer/consumer-options.js';
import { type ProducerOptions } from '../../client/producer/producer-options.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { type ValueFormat } from '../handlers/payload-converter.js';
import { deserializerSettings } from '../serdes/serde-settings.js';

// From validated properties to what clients and containers take.

/** Nothing is given up before delivery.timeout.ms, nothing is stored twice, nothing overtakes what is lost. */
const NO_LOSS = {
  acks: -1,
  retries: 0x7fff_ffff,
  maxInFlightRequestsPerConnection: 1,
  enableIdempotence: true,
  onDeliveryFailure: 'stop',
} as const satisfies ProducerOptions;

const ACKS = { all: -1, '1': 1, '0': 0 } as const;

export function producerOptions(properties: KafkaProperties): ProducerOptions {
  const options = configuredOptions(properties);
  return properties.get('producer.profile') === 'no-loss' ? { ...options, ...NO_LOSS } : options;
}

function configuredOptions(properties: KafkaProperties): ProducerOptions {
  const explicitly = properties.originOf('producer.properties.enable.idempotence') !== undefined;
  const lingerMs = properties.get('producer.properties.linger.ms');
  const requestTimeoutMs = properties.get('producer.properties.request.timeout.ms');
  return {
    acks: ACKS[properties.get('producer.acks')],
    // The default gives way to acks and retries, an explicit true does not.
    ...(explicitly ? { enableIdempotence: properties.get('producer.properties.enable.idempotence') } : {}),
    batchSize: properties.get('producer.batch-size'),
    lingerMs,
    bufferMemory: properties.get('producer.buffer-memory'),
    maxBlockMs: properties.get('producer.properties.max.block.ms'),
    deliveryTimeoutMs: deliveryTimeout(properties, lingerMs + requestTimeoutMs),
    requestTimeoutMs,
    retries: properties.get('producer.retries'),
    retryBackoffMs: properties.get('producer.properties.retry.backoff.ms'),
    retryBackoffMaxMs: properties.get('producer.properties.retry.backoff.max.ms'),
    maxInFlightRequestsPerConnection: properties.get('producer.properties.max.in.flight.requests.per.connection'),
    maxRequestSize: properties.get('producer.properties.max.request.size'),
    ...compression(properties),
    ...partitioning(properties),
    onDeliveryFailure: properties.get('producer.on-delivery-failure'),
    transactionTimeoutMs: properties.get('producer.properties.transaction.timeout.ms'),
    messageIdHeader: properties.get('template.message-id-header') || undefined,
    sequenceIdHeader: properties.get('template.sequence-id-header') || undefined,
    metadataMaxAgeMs: properties.get('producer.properties.metadata.max.age.ms'),
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

export function consumerNumbers(properties: KafkaProperties): ConsumerNumbers {
  return {
    sessionTimeoutMs: properties.get('consumer.properties.session.timeout.ms'),
    heartbeatIntervalMs: properties.get('consumer.heartbeat-interval'),
    maxPollIntervalMs: properties.get('consumer.max-poll-interval'),
    autoOffsetReset: properties.get('consumer.auto-offset-reset'),
    isolationLevel: properties.get('consumer.isolation-level'),
    partitionAssignmentStrategy: properties.get('consumer.properties.partition.assignment.strategy'),
    fetchMinBytes: properties.get('consumer.fetch-min-size'),
    fetchMaxBytes: properties.get('consumer.properties.fetch.max.bytes'),
    fetchMaxWaitMs: properties.get('consumer.fetch-max-wait'),
    maxPartitionFetchBytes: properties.get('consumer.properties.max.partition.fetch.bytes'),
    checkCrcs: properties.get('consumer.properties.check.crcs'),
    clientRack: properties.get('consumer.properties.client.rack') ?? '',
    metadataMaxAgeMs: properties.get('consumer.properties.metadata.max.age.ms'),
    excludeInternalTopics: properties.get('consumer.properties.exclude.internal.topics'),
    retryBackoffMs: properties.get('consumer.properties.retry.backoff.ms'),
    retryBackoffMaxMs: properties.get('consumer.properties.retry.backoff.max.ms'),
    requestTimeoutMs: properties.get('consumer.properties.request.timeout.ms'),
    defaultApiTimeoutMs: properties.get('consumer.properties.default.api.timeout.ms'),
  };
}

/** Between tries of a listener that cannot start. */
const START_RETRY_MS = 10_000;

export function containerNumbers(properties: KafkaProperties): Partial<ContainerSettings> {
  return {
    pollMaxRecords: properties.get('consumer.max-poll-records'),
    pollMaxWaitMs: properties.get('listener.poll-timeout'),
    maxPollIntervalMs: properties.get('consumer.max-poll-interval'),
    shutdownTimeoutMs: properties.get('listener.shutdown-timeout'),
    idleEventMs: properties.get('listener.idle-event-interval'),
    slowHandler: properties.get('listener.slow-handler'),
    overflow: properties.get('listener.overflow'),
    authRetryMs: properties.get('listener.auth-exception-retry-interval'),
    ...(properties.get('listener.start-failure') === 'retry' ? { startRetryMs: START_RETRY_MS } : {}),
    idlePartitionEventMs: properties.get('listener.idle-partition-event-interval'),
  };
}
