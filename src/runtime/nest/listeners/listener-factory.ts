import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { messageOf } from '../../../common/errors.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type KafkaRebalanceListener, REBALANCE_CALLBACKS } from '../../listener/partitions/rebalance-callbacks.js';
import { type RetryTopicConfiguration } from '../../retry/retry-topic-configuration.js';
import { payloadFormats } from '../connection/client-options.js';
import { consumerInterceptorsOf } from '../declarations/consumer-interceptor-option.js';
import { withContainer } from '../declarations/container-factory.js';
import { containerSettingsOf } from '../declarations/container-settings-options.js';
import { endpointNumbers } from '../declarations/endpoint-options.js';
import { withHost } from '../declarations/host-properties.js';
import {
  type DiscoveredListener,
  type Findings,
  type ListenerConnection,
  type ListenerDeclaration,
} from '../declarations/listener-declaration.js';
import { listenerProperties } from '../declarations/listener-properties.js';
import { ListenerGuards } from '../guards/listener-guards.js';
import { type StoreShelf } from '../guards/store-shelf.js';
import { HandlerFactory } from '../handlers/handler-factory.js';
import { type NestParts } from '../handlers/method-call.js';
import { OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { ListenerReplies } from '../replies/listener-replies.js';
import { deadLettersOf } from '../retries/dead-letter-option.js';
import { RetryFactory } from '../retries/retry-factory.js';
import { listenerFormats } from '../serdes/payload-formats.js';
import { type ListenerThreads } from '../threads/listener-threads.js';
import { hasRebalanceMethods, rebalanceListenersOf } from './rebalance-listeners.js';

// From what a listener declares to the endpoint that a container runs: placeholders filled, defaults taken from the
// configuration, the way to the method worked out. Every mistake is added to a list; nothing is opened here.

export class ListenerFactory {
  readonly #handlers: HandlerFactory;
  readonly #lookup: ProviderLookup;
  readonly #shelf: StoreShelf;
  readonly #connectionOf: (name: string) => ListenerConnection;
  readonly #threads: ListenerThreads | undefined;
  readonly #retries: RetryFactory;

  /**
   * @param threads moves handlers to threads; undefined where they run, in the thread itself
   * @param configurations retry topics for listeners that say nothing about them
   */
  constructor(
    nest: NestParts,
    lookup: ProviderLookup,
    shelf: StoreShelf,
    connectionOf: (name: string) => ListenerConnection,
    threads: ListenerThreads | undefined,
    configurations: readonly RetryTopicConfiguration[],
  ) {
    this.#handlers = new HandlerFactory(nest, lookup);
    this.#lookup = lookup;
    this.#shelf = shelf;
    this.#connectionOf = connectionOf;
    this.#threads = threads;
    this.#retries = new RetryFactory(lookup, shelf, configurations);
  }

  /** The listener, then those of its retry and dead-letter topics. Empty, with mistakes, when it is impossible. */
  create(given: ListenerDeclaration, findings: Findings): DiscoveredListener[] {
    const { where } = given;
    const { mistakes } = findings;
    const before = mistakes.length;
    try {
      const listeners = this.#create(given, findings);
      return mistakes.length > before ? [] : listeners;
    } catch (error) {
      mistakes.push({ origin: where, problem: messageOf(error) });
      return [];
    }
  }

  #create(given: ListenerDeclaration, findings: Findings): DiscoveredListener[] {
    const { where } = given;
    const { mistakes, notices } = findings;
    const before = mistakes.length;
    const connection = given.options.connection ?? DEFAULT_CONNECTION;
    const parts = this.#connectionOf(connection);
    const { properties: common, template, logger, serdes, clock } = parts;
    const environment = withHost(parts.environment, given.host);
    const read = new OptionReader(`@KafkaListener of ${where}`, environment, mistakes);
    const options = withContainer(read, given.options, parts.containers, this.#lookup);
    const declaration = { ...given, options };
    const properties = listenerProperties(`@KafkaListener of ${where}`, options, common, environment, findings);
    const numbers = endpointNumbers(where, options, properties, environment, mistakes, notices);
    const id = uniqueId(numbers.id ?? where, numbers.id !== undefined, where, findings);
    const identity = { listenerId: id, groupId: numbers.groupId, info: numbers.info };
    const rules = this.#handlers.rulesOf(declaration, identity, mistakes);
    const question = { where, options, properties, serdes, lookup: this.#lookup };
    const formats = { ...payloadFormats(properties), ...listenerFormats(question, mistakes) };
    const asked = { where, options, batch: numbers.batch, template, environment, logger };
    const replies = new ListenerReplies(asked, mistakes);
    const kept = { read, listener: id, properties, lookup: this.#lookup, shelf: this.#shelf, clock, logger };
    const guards = new ListenerGuards({ kept, declaration, connection: parts, numbers, properties, notices });
    const { hasSql } = guards;
    const bare = this.#handlers.handlerOf(declaration, numbers, { ...formats, replies, hasSql }, rules, findings);
    const rebalanceListeners = [...guards.rebalanceListeners, ...this.#rebalanceListeners(declaration, id, mistakes)];
    const running = containerSettingsOf(read, options, numbers, this.#lookup);
    // In a thread of a pool there is no consumer.
    const isConsumed = typeof numbers.threads !== 'number' || this.#threads !== undefined;
    const consumerInterceptors = isConsumed ? consumerInterceptorsOf(properties, this.#lookup, mistakes) : [];
    const letters = deadLettersOf(read, options.deadLetters, numbers, parts, running.errorHandler);
    if (mistakes.length > before) return [];
    const { batch: _batch, idleEventMs, ...rest } = numbers;
    const described = { ...rest, ...guards.parts, id, connection, handler: guards.inSql(bare), rebalanceListeners };
    const placed = this.#placed(declaration, described, properties, mistakes);
    if (placed === undefined) return [];
    // In a thread that handlers were moved to, their ids have been claimed where they came from.
    const isMovedHere = typeof placed.threads === 'number' && !this.#threads;
    const listener = {
      endpoint: isMovedHere ? placed : guards.around(placed),
      properties,
      settings: {
        consumerInterceptors,
        ...(idleEventMs === undefined ? {} : { idleEventMs }),
        ...running,
        ...letters.settings,
      },
      neededTopics: [...letters.topics, ...guards.neededTopics],
    };
    return this.#retries.expand(declaration, listener, parts, findings, (source, retried) => {
      const isOwn = source === declaration.source;
      const isPooled = isOwn && placed.executor?.share !== undefined;
      if (isPooled) return guards.behindClaims(placed.handler);
      const of = { ...formats, replies, hasSql: hasSql && isOwn };
      const silent = { ...findings, notices: [] };
      const made = this.#handlers.handlerOf(
        { ...declaration, source },
        numbers,
        of,
        { ...rules, listener: retried },
        silent,
      );
      return isOwn ? guards.behindClaims(guards.inSqlOfRetries(made)) : made;
    });
  }

  /** With its handler where it shall run; undefined, with mistakes, when it cannot run there. */
  #placed(
    { where, source, isDeclared = false }: ListenerDeclaration,
    endpoint: ListenerEndpoint,
    properties: KafkaProperties,
    mistakes: Mistake[],
  ): ListenerEndpoint | undefined {
    if (endpoint.threads === undefined || !this.#threads || !properties.get('listener.threads-enabled'))
      return endpoint;
    const methods = source.kind === 'method' ? [source] : source.kind === 'class' ? source.methods : [];
    const isPool = endpoint.threads !== 'consumers';
    if (isPool && methods.some(({ parameters }) => parameters.decorated.some(({ kind }) => kind === 'consumer'))) {
      const problem =
        'in a pool of threads the consumer is in another thread; ask the ContainerRegistry of the main thread, or ' +
        'leave threads out';
      mistakes.push({ origin: `@KafkaListener of ${where}`, key: '@Consumer()', problem });
      return undefined;
    }
    if (isPool && endpoint.transactions !== undefined) {
      const problem =
        'goes not with a pool of threads: what handlers send there cannot join the transaction here; take threads: ' +
        'true, where each consumer has its transactions in its own thread, or leave threads out';
      mistakes.push({ origin: `@KafkaListener of ${where}`, key: 'transactional', problem });
      return undefined;
    }
    return this.#threads.moved(where, endpoint, isDeclared, mistakes);
  }

  #rebalanceListeners(
    { where, options, host }: ListenerDeclaration,
    id: string,
    mistakes: Mistake[],
  ): KafkaRebalanceListener[] {
    const listeners = host === undefined ? [] : rebalanceListenersOf(host, id);
    if (options.rebalanceListener === undefined) return listeners;
    const allowed = `a provider with one of ${REBALANCE_CALLBACKS.join(', ')}, or with methods decorated so`;
    const wanted = { origin: `@KafkaListener of ${where}`, option: 'rebalanceListener', allowed };
    const found = this.#lookup.find(options.rebalanceListener, wanted, mistakes) as object | undefined;
    if (found === undefined) return listeners;
    if (hasRebalanceMethods(found)) return [...listeners, ...rebalanceListenersOf(found, id)];
    const problem = `${found.constructor?.name ?? 'it'} has none of these methods; give ${allowed}`;
    mistakes.push({ origin: wanted.origin, key: wanted.option, problem });
    return listeners;
  }
}

/** Generated ids get a number when they repeat; ids that somebody chose must not. */
function uniqueId(id: string, chosen: boolean, where: string, { ids, mistakes }: Findings): string {
  const other = ids.get(id);
  if (other !== undefined && chosen) {
    mistakes.push({ origin: where, problem: `the listener id ${id} is taken by ${other}; choose another` });
  }
  let unique = id;
  for (let number = 2; ids.has(unique); number++) unique = `${id}#${number}`;
  ids.set(unique, where);
  return unique;
}
