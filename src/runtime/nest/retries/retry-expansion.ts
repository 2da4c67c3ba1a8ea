import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type Random } from '../../../common/random.js';
import { type RetryableTopicOptions } from '../../../decorators/retryable-topic.js';
import { type NeededTopic } from '../../client/admin/needed-topics.js';
import { type ConfigName } from '../../config/config-keys.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { textHeader } from '../../dead-letters/header-bytes.js';
import { RETRY_TOPIC_HEADERS } from '../../dead-letters/header-names.js';
import { type RecordSender } from '../../dead-letters/record-sender.js';
import { type AdmissionRule } from '../../listener/delivery/admission.js';
import { DONE, type ListenerEndpoint, type RecordInvoker } from '../../listener/listener-endpoint.js';
import { type DelayStore } from '../../retry/delays/delay-store.js';
import { type DestinationTopic } from '../../retry/destination-topics.js';
import { OrderedRetries, type PartitionScan } from '../../retry/ordered-retries.js';
import { jittered } from '../../retry/retry-delays.js';
import { dueAtOf } from '../../retry/retry-headers.js';
import { RetryPublisher } from '../../retry/retry-publisher.js';
import { RetryPlan } from '../../retry/retry-rules.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { type RetryListenerModel, type RetrySettings } from './retry-options.js';

// From a listener and its plan to one listener for each stop. Each has a group of its own: a rebalance of the retry
// topics must not move the partitions of the main one.

/** A listener whose failed records go through retry topics. */
export interface RetryableListener {
  readonly main: DiscoveredListener;
  readonly options: RetryableTopicOptions;
  readonly settings: RetrySettings;
  /** The listener's properties, with what retry and dead-letter listeners have of their own. */
  readonly properties: KafkaProperties;
  readonly sender: RecordSender;
  readonly scan: PartitionScan;
  /** Where records wait that are not due; undefined: in their topic. */
  readonly delays: DelayStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The handler of one stop: the listener's own, or that of dead letters. */
  readonly handlerOf: (stop: DestinationTopic, identity: StopIdentity) => ListenerEndpoint['handler'];
}

export interface StopIdentity {
  readonly listenerId: string;
  readonly groupId: string;
}

/** The listener itself first, then those of the retry topics, then those of the dead-letter topics. */
export function expandRetries(listener: RetryableListener): DiscoveredListener[] {
  const { main, settings, sender, clock, logger, options } = listener;
  if (settings.isOrdered) return expandOrdered(listener);
  const plan = new RetryPlan(settings.rules);
  const publisher = new RetryPublisher({
    plan,
    sender,
    clock,
    logger,
    blocking: settings.blocking,
    partitionResolver: options.partitionResolver,
  });
  const handle = { ...main.settings, errorHandler: publisher.errorHandlerFor(plan.main) };
  const needed = settings.autoCreateTopics ? neededTopics(topicsOf(main.endpoint), plan, settings) : [];
  const first: DiscoveredListener = { ...main, settings: handle, neededTopics: [...main.neededTopics, ...needed] };
  const stops = plan.stops.filter(({ kind }) => kind !== 'main');
  return [first, ...stops.map((stop) => listenerAt(stop, listener, publisher))];
}

/** A partition of a retry topic is polled again so long before its first record is due, in ms. */
const LEAD_MS = 1_000;

/**
 * Says when a record of a retry topic is due. Records of a topic have the same delay, so those behind one are due after
 * it; by `spreadMs` earlier at most, where delays are drawn.
 */
function whenDue(spreadMs: number): AdmissionRule {
  return (record) => {
    const until = dueAtOf(record);
    return until === undefined ? undefined : { action: 'wait', until, quietUntil: until - spreadMs - LEAD_MS };
  };
}

/** The listener, which reads its lane too, and those of the dead-letter topics. */
function expandOrdered(listener: RetryableListener): DiscoveredListener[] {
  const { main, settings, sender, clock, logger, scan } = listener;
  const { endpoint } = main;
  const plan = new RetryPlan(settings.rules);
  const { retryTopicSuffix: suffix } = settings.rules;
  const lane: DestinationTopic = { kind: 'retry', suffix, delayMs: 0, deliveries: settings.rules.attempts - 1 };
  const retries = new OrderedRetries({ plan, lane, sender, scan, clock, logger });
  const topics = topicsOf(endpoint);
  const lanes = topics.map((topic) => `${topic}${suffix}`);
  const { replicationFactor } = settings;
  const first: DiscoveredListener = {
    endpoint: {
      ...endpoint,
      topics: [...topics, ...lanes],
      workers: endpoint.workers ?? 1,
      order: 'key',
      gapMap: true,
      rebalanceListeners: [retries, ...(endpoint.rebalanceListeners ?? [])],
    },
    properties: withRange(main.properties),
    settings: { ...main.settings, errorHandler: retries.decide, admission: retries.admit, passage: retries },
    neededTopics: [
      ...main.neededTopics,
      ...(settings.autoCreateTopics ? neededTopics(topics, plan, settings, ({ kind }) => kind === 'dlt') : []),
      // The same partition of both topics belongs together, so there must be as many.
      ...topics.map((topic, index) => ({ name: lanes[index]!, as: topic, replicationFactor, grows: true })),
    ],
  };
  const publisher = new RetryPublisher({ plan, sender, clock, logger });
  return [first, ...plan.deadLetters.map((stop) => listenerAt(stop, listener, publisher))];
}

/** The one strategy that gives the same partitions of two topics to the same consumer. */
function withRange(properties: KafkaProperties): KafkaProperties {
  return properties.with(
    new Map<ConfigName, unknown>([['consumer.properties.partition.assignment.strategy', ['range']]]),
    "@RetryableTopic({ order: 'key' })",
  );
}

/** A group that is new must not begin behind records that were sent to it before it had its partitions. */
function fromBeginning(properties: KafkaProperties): KafkaProperties {
  return properties.with(new Map<ConfigName, unknown>([['consumer.auto-offset-reset', 'earliest']]), '@RetryableTopic');
}

/** Bytes that a fetch of a retry topic waits for, at most for fetch.max.wait.ms. */
const UNHURRIED_BYTES = 65_536;
/** How many times as long as a fetch may wait records have to be. */
const UNHURRIED_WAITS = 4;

const LEAST: Pick<Random, 'next'> = { next: () => 0 };
const MOST: Pick<Random, 'next'> = { next: () => 1 };

/** Records that are not due for long need not wake their consumer one by one. */
function unhurried(
  properties: KafkaProperties,
  { kind, delayMs }: DestinationTopic,
  { backOff }: RetrySettings['rules'],
): KafkaProperties {
  const leastMs = jittered(delayMs, backOff, LEAST);
  const isSoon = leastMs < UNHURRIED_WAITS * properties.get('consumer.fetch-max-wait');
  if (kind !== 'retry' || isSoon || properties.originOf('consumer.fetch-min-size') !== undefined) return properties;
  return properties.with(
    new Map<ConfigName, unknown>([['consumer.fetch-min-size', UNHURRIED_BYTES]]),
    '@RetryableTopic',
  );
}

/**
 * Puts a record that is not due into the store, which sends it to the same topic when it is. One id for one record:
 * delivered again after a crash it does not wait twice.
 */
function inStore(store: DelayStore, clock: Clock): AdmissionRule {
  return (record) => {
    const dueAt = dueAtOf(record);
    if (dueAt === undefined || dueAt <= clock.now()) return undefined;
    const { topic, partition, offset, key, value, headers } = record;
    const message = { id: `${topic}-${partition}@${offset}`, dueAt, topic, partition, record: { key, value, headers } };
    return { action: 'hand-over', isOrdered: false, recoverer: { recover: () => store.put(message) } };
  };
}

function listenerAt(
  stop: DestinationTopic,
  listener: RetryableListener,
  publisher: RetryPublisher,
): DiscoveredListener {
  const { main, settings } = listener;
  const { endpoint } = main;
  const identity = { listenerId: `${endpoint.id}${stop.suffix}`, groupId: `${endpoint.groupId}${stop.suffix}` };
  const suffixed = (text: string | undefined) => (text === undefined ? undefined : `${text}${stop.suffix}`);
  const isDlt = stop.kind === 'dlt';
  const { backOff } = settings.rules;
  const spreadMs = jittered(stop.delayMs, backOff, MOST) - jittered(stop.delayMs, backOff, LEAST);
  return {
    endpoint: {
      ...endpoint,
      ...modelOf(endpoint, settings.model),
      id: identity.listenerId,
      mainListenerId: endpoint.id,
      groupId: identity.groupId,
      topics: topicsOf(endpoint).map((topic) => `${topic}${stop.suffix}`),
      assignment: undefined,
      // Retries run in the threads of the pool; consumers that are threads know their own topics only.
      executor: isDlt ? undefined : endpoint.executor?.share?.(),
      threads: isDlt || endpoint.threads === 'consumers' ? undefined : endpoint.threads,
      concurrency: settings.concurrency ?? endpoint.concurrency,
      clientIdPrefix: suffixed(endpoint.clientIdPrefix),
      containerGroup: suffixed(endpoint.containerGroup),
      autoStartup: isDlt ? (settings.autoStartDltHandler ?? endpoint.autoStartup) : endpoint.autoStartup,
      // The callbacks were written for the listener's own partitions.
      rebalanceListeners: [],
      // A dead letter is the story of a message, not the message once more.
      keeper: isDlt ? undefined : endpoint.keeper,
      // Their groups are their own, and so are their offsets.
      offsets: undefined,
      // Numbers count the records of the topics that producers send to.
      arrivals: undefined,
      handler: listener.handlerOf(stop, identity),
    },
    properties: unhurried(fromBeginning(listener.properties), stop, settings.rules),
    settings: {
      ...main.settings,
      errorHandler: publisher.errorHandlerFor(stop),
      ...(isDlt ? {} : { admission: listener.delays ? inStore(listener.delays, listener.clock) : whenDue(spreadMs) }),
    },
    neededTopics: [],
  };
}

function modelOf({ workers, order, ackMode }: ListenerEndpoint, own: RetryListenerModel): Partial<ListenerEndpoint> {
  const model = { workers, order, ackMode, ...own };
  return { ...model, gapMap: model.order !== 'partition' };
}

function topicsOf({ topics, assignment }: ListenerEndpoint): readonly string[] {
  return typeof assignment === 'object' ? [...new Set(assignment.map(({ topic }) => topic))] : topics;
}

function neededTopics(
  topics: readonly string[],
  plan: RetryPlan,
  settings: RetrySettings,
  isWanted = ({ kind }: DestinationTopic) => kind !== 'main',
): NeededTopic[] {
  const { numPartitions, replicationFactor } = settings;
  const size = (topic: string) => (numPartitions === undefined ? { as: topic } : { partitions: numPartitions });
  const stops = plan.stops.filter(isWanted);
  return topics.flatMap((topic) => [
    { name: topic, ...(numPartitions === undefined ? {} : { partitions: numPartitions }), replicationFactor },
    ...stops.map(({ suffix }) => ({ name: `${topic}${suffix}`, ...size(topic), replicationFactor })),
  ]);
}

/** Dead letters that nobody handles are at least said. */
export function loggingDltHandler(logger: Logger): RecordInvoker {
  return (record) => {
    const { exceptionMessage, keyExceptionMessage } = RETRY_TOPIC_HEADERS;
    const why = textHeader(record, exceptionMessage) ?? textHeader(record, keyExceptionMessage) ?? 'it says not why';
    const key = record.key === null ? 'null' : record.key.toString().slice(0, 100);
    logger.error(`dead letter in ${record.topic}-${record.partition} offset ${record.offset}, key ${key}: ${why}`);
    return DONE;
  };
}
