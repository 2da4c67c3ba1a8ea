import { type RetryableTopicOptions } from '../../../decorators/retryable-topic.js';
import { type Mistake } from '../../config/mistakes.js';
import { type RecordSender } from '../../dead-letters/record-sender.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { DelayRelay } from '../../retry/delays/delay-relay.js';
import { type DelayStore } from '../../retry/delays/delay-store.js';
import { DELAY_STORES } from '../../retry/delays/delay-stores.js';
import { type RetryTopicConfiguration } from '../../retry/retry-topic-configuration.js';
import {
  type DiscoveredListener,
  type Findings,
  type HandlerSource,
  type ListenerConnection,
  type ListenerDeclaration,
} from '../declarations/listener-declaration.js';
import { listenerProperties } from '../declarations/listener-properties.js';
import { type StoreShelf } from '../guards/store-shelf.js';
import { functionMethod } from '../handlers/function-method.js';
import { type ListenerIdentity } from '../handlers/listener-context.js';
import { OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { expandRetries, loggingDltHandler } from './retry-expansion.js';
import { configuredRetries, type RetrySettings, retrySettings } from './retry-options.js';

// Finds out whether a listener has retry topics, from its own decorator, from a configuration for its topics or from
// the properties, in this order; and adds the listeners that they need.

type HandlerMaker = (source: HandlerSource, identity: ListenerIdentity) => ListenerEndpoint['handler'];

export class RetryFactory {
  readonly #lookup: ProviderLookup;
  readonly #configurations: readonly RetryTopicConfiguration[];
  /** Who reads a retry topic. */
  readonly #readers = new Map<string, string>();
  /** Stores that have a relay. */
  readonly #relayed = new Set<DelayStore>();
  readonly #shelf: StoreShelf;

  constructor(lookup: ProviderLookup, shelf: StoreShelf, configurations: readonly RetryTopicConfiguration[]) {
    this.#lookup = lookup;
    this.#shelf = shelf;
    this.#configurations = configurations;
  }

  /** The listener, and the others that its retries need. Alone when it has none. */
  expand(
    declaration: ListenerDeclaration,
    main: DiscoveredListener,
    connection: ListenerConnection,
    findings: Findings,
    makeHandler: HandlerMaker,
  ): DiscoveredListener[] {
    const configuration = this.#configurations.find((one) => one.appliesTo(main.endpoint.topics));
    const common = configuration?.options ?? configuredRetries(main.properties);
    const options = declaration.retryable ?? common;
    if (options === undefined) return [main];
    const { where, source, dltHandler } = declaration;
    const { endpoint } = main;
    const { mistakes } = findings;
    // What is ready-made looks at the topics of its records, and knows nothing of retry topics.
    if (source.kind === 'ready' || (declaration.retryable === undefined && !isPossible(endpoint))) return [main];
    const read = new OptionReader(`@RetryableTopic of ${where}`, connection.environment, mistakes);
    reportImpossible(read, main, declaration);
    const settings = retrySettings(read, options);
    reportMisfits(read, options, settings, endpoint);
    const sender = this.#sender(read, options.kafkaTemplate, connection.template, mistakes);
    const logged = { kind: 'record', invoke: loggingDltHandler(connection.logger) } as const;
    const dltSource = dltHandler ? ({ kind: 'method', ...dltHandler } as const) : configuredHandler(configuration);
    const listeners = expandRetries({
      main,
      options,
      settings,
      properties: listenerProperties(read.where, options.listener ?? {}, main.properties, read.environment, findings),
      sender,
      delays: this.#delays(read, options.delays, main, connection, mistakes),
      scan: ({ topic, partition }, from, visit) => connection.logs.readLogs([{ topic, partition, from }], visit),
      clock: connection.clock,
      logger: connection.logger,
      handlerOf: ({ kind }, { listenerId, groupId }) => {
        const identity = { listenerId, groupId, info: endpoint.info };
        if (kind === 'dlt') return dltSource ? makeHandler(dltSource, identity) : logged;
        return makeHandler(source, identity);
      },
    });
    this.#reportShared(read, listeners);
    return listeners;
  }

  #sender(read: OptionReader, given: unknown, template: RecordSender, mistakes: Mistake[]): RecordSender {
    if (given === undefined) return template;
    const wanted = { origin: read.where, option: 'kafkaTemplate', allowed: 'a KafkaTemplate, its class or its token' };
    const found = this.#lookup.find(given as object, wanted, mistakes) as Partial<RecordSender> | undefined;
    if (found === undefined || typeof found.sendBytes === 'function') return (found ?? template) as RecordSender;
    read.mistake('kafkaTemplate', undefined, `is no template; give ${wanted.allowed}`);
    return template;
  }

  /** One relay for each store and connection: it sends what is due, whosever it is. */
  #delays(
    read: OptionReader,
    given: RetryableTopicOptions['delays'],
    { properties, endpoint }: DiscoveredListener,
    connection: ListenerConnection,
    mistakes: Mistake[],
  ): DelayStore | undefined {
    if (given === undefined || given === 'topics') return undefined;
    const wanted = { origin: read.where, option: 'delays', allowed: `topics, redis, ${DELAY_STORES}` };
    const question = { wanted, lookup: this.#lookup, properties, mistakes };
    const store = this.#shelf.delays(given, `retries-${endpoint.connection}`, question);
    if (store === undefined || this.#relayed.has(store)) return store;
    const { template, clock, logger } = connection;
    const send: RecordSender['sendBytes'] = (topic, partition, record) => template.sendBytes(topic, partition, record);
    connection.attach(new DelayRelay({ store, send, clock, logger }), true);
    this.#relayed.add(store);
    return store;
  }

  /** A record of one listener would be handled by the other one as well. */
  #reportShared(read: OptionReader, [main, ...others]: DiscoveredListener[]): void {
    for (const { endpoint, settings } of others) {
      if (settings.admission === undefined) continue;
      for (const topic of endpoint.topics) {
        const other = this.#readers.get(`${endpoint.connection} ${topic}`);
        if (other !== undefined && other !== main!.endpoint.id) {
          const problem = `${topic} is read by ${other} as well, each would get the other's records; give one a suffix of its own`;
          read.mistake('retryTopicSuffix', undefined, problem);
        }
        this.#readers.set(`${endpoint.connection} ${topic}`, main!.endpoint.id);
      }
    }
  }
}

function configuredHandler(configuration: RetryTopicConfiguration | undefined): HandlerSource | undefined {
  const handler = configuration?.dltHandler;
  return handler && { kind: 'method', ...functionMethod(handler) };
}

/** What a common configuration leaves alone: listeners that retries do not fit. */
function isPossible(endpoint: ListenerEndpoint): boolean {
  const { handler, groupId, topicPattern, assignment, transactions, isTopicOrdered, ackMode } = endpoint;
  return (
    isTopicOrdered !== true &&
    ackMode !== 'AT_MOST_ONCE' &&
    transactions === undefined &&
    handler.kind === 'record' &&
    groupId !== '' &&
    topicPattern === undefined &&
    assignment !== 'all'
  );
}

/** Attributes that the others leave without a meaning. */
function reportMisfits(
  read: OptionReader,
  options: RetryableTopicOptions,
  { isOrdered, model }: RetrySettings,
  { workers }: ListenerEndpoint,
): void {
  if (isOrdered && options.blockingRetries !== undefined) {
    read.mistake(
      'blockingRetries',
      undefined,
      "goes not with order: 'key': in its lane each record is tried in its place",
    );
  }
  if (isOrdered && options.partitionResolver !== undefined) {
    const problem = "goes not with order: 'key': a record keeps its partition, where its key's lane is";
    read.mistake('partitionResolver', undefined, problem);
  }
  if (model.order !== undefined && model.order !== 'partition' && (model.workers ?? workers) === undefined) {
    const problem = 'only a pool of workers has an order to choose; give workers, or leave order out';
    read.mistake('listener.order', model.order, problem);
  }
}

function reportImpossible(
  read: OptionReader,
  { endpoint }: DiscoveredListener,
  { options, retryable }: ListenerDeclaration,
): void {
  const { handler, groupId, topicPattern, transactions, isTopicOrdered, ackMode } = endpoint;
  if (isTopicOrdered === true) {
    const problem = 'goes not with @RetryableTopic: later records would overtake one that waits; use deadLetters';
    read.mistake('order', 'topic', problem);
  }
  if (ackMode === 'AT_MOST_ONCE') {
    const problem = 'goes not with @RetryableTopic, which delivers records again; use deadLetters';
    read.mistake('ackMode', ackMode, problem);
  }
  if (transactions !== undefined) {
    const problem =
      'goes not with @RetryableTopic: a failure aborts the transaction, and what it covered runs again; use deadLetters';
    read.mistake('transactional', undefined, problem);
  }
  if (handler.kind === 'batch') {
    read.mistake('batch', 'true', 'batches have no retry topics; take records one by one, or use deadLetters');
  }
  if (retryable?.order !== undefined && retryable.delays !== undefined && retryable.delays !== 'topics') {
    read.mistake('delays', undefined, "goes not with order: 'key', whose records wait in their lane");
  }
  if (groupId === '') read.mistake('groupId', undefined, 'retry topics are read by groups; give the listener one');
  if (topicPattern !== undefined) {
    read.mistake('topicPattern', undefined, 'retry topics are made at start; name the topics instead of a pattern');
  }
  if (options.deadLetters !== undefined && options.deadLetters !== false) {
    read.mistake(
      'deadLetters',
      String(options.deadLetters),
      'goes not with @RetryableTopic, which has dead letters of its own',
    );
  }
}
