import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { KafkaHeaders } from '../../common/kafka-headers.js';
import { type Startable } from '../../common/lifecycle.js';
import { type Logger } from '../../common/logger.js';
import { type OutgoingRecord } from '../../common/record.js';
import { type IdempotentOptions } from '../../decorators/idempotent.js';
import { DEFAULT_CONNECTION } from '../../decorators/inject-kafka-template.js';
import { type KafkaHandlerOptions, type KafkaListenerOptions } from '../../decorators/listener-options.js';
import { type RetryableTopicOptions } from '../../decorators/retryable-topic.js';
import { type NeededTopic } from '../client/topic-maker.js';
import { type Environment } from '../config/environment.js';
import { type KafkaProperties } from '../config/kafka-properties.js';
import { type Mistake } from '../config/mistakes.js';
import { type RecordSender } from '../dead-letters/record-sender.js';
import { type DedupGuard } from '../dedup/dedup-guard.js';
import { SequenceGuard } from '../dedup/sequence-guard.js';
import { type ContainerSettings } from '../listener/container-settings.js';
import { type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { type KafkaRebalanceListener, REBALANCE_CALLBACKS } from '../listener/rebalance-callbacks.js';
import { type RetryTopicConfiguration } from '../retry/retry-topic-configuration.js';
import { classHandlers } from './class-handlers.js';
import { payloadFormats } from './client-options.js';
import { type ConnectionLogs } from './connection-logs.js';
import { type ContainerSets, withContainer } from './container-factory.js';
import { containerSettingsOf } from './container-settings-options.js';
import { deadLettersOf } from './dead-letter-option.js';
import { type EndpointNumbers, endpointNumbers } from './endpoint-options.js';
import { type HandlerPlan, handlerPlan } from './handler-plan.js';
import { idempotentBatch, idempotentRecord } from './idempotent-invoker.js';
import { idempotenceOf } from './idempotent-option.js';
import { inboxOf } from './inbox-option.js';
import { type ListenerIdentity } from './listener-context.js';
import { batchInvoker, type CallRules, callChosen, callOne, recordInvoker } from './listener-invoker.js';
import { listenerProperties } from './listener-properties.js';
import { type AnyClass, type MethodParameters } from './metadata-accessor.js';
import { callOf, type HandlerTarget, type NestParts } from './method-call.js';
import { externalOffsetsOf } from './offsets-option.js';
import { OptionReader } from './option-reader.js';
import { PayloadDispatch } from './payload-dispatch.js';
import { type ProviderLookup } from './provider-lookup.js';
import { ListenerReplies } from './replies/listener-replies.js';
import { type ReplyTemplate } from './replies/replier.js';
import { RetryFactory } from './retry-factory.js';
import { type ListenerFormats, listenerFormats } from './serdes/payload-formats.js';
import { type SerdeResolver } from './serdes/serde-resolver.js';
import { type SqlUnit, sqlBatch, sqlRecord } from './sql-invoker.js';
import { type StoreShelf } from './store-shelf.js';
import { type ListenerThreads } from './threads/listener-threads.js';
import { type TransactionalConnection, transactionsOf } from './transaction-option.js';

// From what a listener declares to the endpoint that a container runs: placeholders filled, defaults taken from the
// configuration, the way to the method worked out. Every mistake is added to a list; nothing is opened here.

export interface ListenerConnection extends TransactionalConnection {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  /** What records are handed on with. */
  readonly template: RecordSender & ReplyTemplate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Options by name that listeners share. */
  readonly containers: ContainerSets;
  readonly logs: Pick<ConnectionLogs, 'readLogs'>;
  sendRecord(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<unknown>;
  /** What the module says for all listeners. */
  readonly idempotent: IdempotentOptions | undefined;
  /** Something that starts and ends with the connection. */
  attach(part: Startable, autoStartup: boolean): void;
  readonly serdes: SerdeResolver;
}

export interface DiscoveredListener {
  readonly endpoint: ListenerEndpoint;
  /** The connection's properties with those of the listener over them. */
  readonly properties: KafkaProperties;
  /** What the listener says itself about how its container runs. */
  readonly settings: Partial<ContainerSettings>;
  /** Topics beside those that it reads, made before it starts. */
  readonly neededTopics: readonly NeededTopic[];
}

/** How keys and values are read, and how replies are sent. */
type PayloadFormats = ReturnType<typeof payloadFormats> &
  ListenerFormats & { readonly replies: ListenerReplies; readonly hasSql: boolean };

/** A method that may be called, and what its parameters ask for. */
export interface HandlerMethod {
  readonly target: HandlerTarget;
  readonly parameters: MethodParameters;
}

/** What a listener runs: one method, the methods of a class by payload type, or something ready-made. */
export type HandlerSource =
  | ({ readonly kind: 'method' } & HandlerMethod)
  | {
      readonly kind: 'class';
      readonly methods: ReadonlyArray<HandlerMethod & { readonly options: KafkaHandlerOptions }>;
    }
  | { readonly kind: 'ready'; readonly handlerFor: (rules: CallRules) => ListenerEndpoint['handler'] };

export interface ListenerDeclaration {
  /** `OrderListener.handle`, for messages; the id when none is given. */
  readonly where: string;
  readonly options: KafkaListenerOptions;
  readonly source: HandlerSource;
  /** The object that the listener belongs to; its rebalance callbacks are called. */
  readonly host: object | undefined;
  /** It was found on a class, where a thread of its own will find it too. */
  readonly isDeclared?: boolean;
  /** What becomes of its failed records; undefined: as its error handler says, or a configuration for its topics. */
  readonly retryable?: RetryableTopicOptions | undefined;
  /** Who gets its dead letters; undefined: they are logged. */
  readonly dltHandler?: HandlerMethod | undefined;
}

/** What is collected while listeners are made. */
export interface Findings {
  readonly mistakes: Mistake[];
  readonly notices: string[];
  /** Ids that are taken, and by whom. */
  readonly ids: Map<string, string>;
}

export class ListenerFactory {
  readonly #nest: NestParts;
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
    this.#nest = nest;
    this.#lookup = lookup;
    this.#shelf = shelf;
    this.#connectionOf = connectionOf;
    this.#threads = threads;
    this.#retries = new RetryFactory(lookup, shelf, configurations);
  }

  /** The listener, then those of its retry and dead-letter topics. Empty, with mistakes, when it is impossible. */
  create(given: ListenerDeclaration, findings: Findings): DiscoveredListener[] {
    const { where } = given;
    const { mistakes, notices } = findings;
    const before = mistakes.length;
    try {
      const connection = given.options.connection ?? DEFAULT_CONNECTION;
      const parts = this.#connectionOf(connection);
      const early = new OptionReader(`@KafkaListener of ${where}`, parts.environment, mistakes);
      const options = withContainer(early, given.options, parts.containers, this.#lookup);
      const declaration = { ...given, options };
      const { environment, properties: common, template, logger, serdes, clock } = parts;
      const properties = listenerProperties(where, options, common, environment, findings);
      const numbers = endpointNumbers(where, options, properties, environment, mistakes, notices);
      const id = uniqueId(numbers.id ?? where, numbers.id !== undefined, where, findings);
      const rules = this.#rules(
        declaration,
        { listenerId: id, groupId: numbers.groupId, info: numbers.info },
        mistakes,
      );
      const question = { where, options, properties, serdes, lookup: this.#lookup };
      const formats = { ...payloadFormats(properties), ...listenerFormats(question, mistakes) };
      const replies = new ListenerReplies(
        { where, options, batch: numbers.batch, template, environment, logger },
        mistakes,
      );
      const read = new OptionReader(`@KafkaListener of ${where}`, environment, mistakes);
      const header = options.sequence && (read.text('sequence.header', options.sequence.header) ?? 'sequence-id');
      const arrivals = header ? new SequenceGuard({ listener: id, header, logger }) : undefined;
      const kept = { read, listener: id, properties, lookup: this.#lookup, shelf: this.#shelf, clock, logger };
      const elsewhere = externalOffsetsOf({ ...kept, own: options.offsets, endpoint: numbers });
      const counted = { ...numbers, ...elsewhere.commits };
      const ids = idempotenceOf({
        ...kept,
        own: options.idempotent,
        common: parts.idempotent,
        endpoint: counted,
        connection: parts,
      });
      const { guard } = ids;
      const unit = oneUnit(read, ids.unit, elsewhere.unit);
      const hasSql = unit !== undefined;
      const bare = this.#handler(declaration, numbers, { ...formats, replies, hasSql }, rules, findings);
      const handler = unit ? inSqlUnit(bare, unit) : bare;
      const own = this.#rebalanceListeners(declaration, mistakes);
      const rebalanceListeners = [...(ids.rebalanceListeners ?? []), ...own];
      const { source } = declaration;
      const asked = {
        isGuarded: guard !== undefined,
        hasOwnOffsets: elsewhere.offsets !== undefined,
        properties,
        listenerTransactions: parts.listenerTransactions,
      };
      const transactions = transactionsOf(read, options, source, numbers, asked, notices);
      const inbox = inboxOf(read, options, id, numbers);
      if (inbox && (transactions.transactions || elsewhere.offsets)) {
        read.mistake(
          'inbox',
          undefined,
          'keeps offsets by itself; leave the transaction, or the store of offsets, out',
        );
      }
      const running = containerSettingsOf(read, options, numbers, this.#lookup);
      const letters = deadLettersOf(read, options.deadLetters, numbers, parts);
      if (mistakes.length > before) return [];
      const { batch: _batch, idleEventMs, ...rest } = counted;
      const placed = this.#placed(
        declaration,
        {
          ...rest,
          ...transactions,
          id,
          connection,
          handler,
          rebalanceListeners,
          inbox,
          offsets: elsewhere.offsets,
          arrivals,
        },
        properties,
        mistakes,
      );
      if (placed === undefined) return [];
      // In a thread that handlers were moved to, their ids have been claimed where they came from.
      const isMovedHere = typeof placed.threads === 'number' && !this.#threads;
      const endpoint = guard && !isMovedHere ? guarded(placed, guard) : placed;
      const listener = {
        endpoint,
        properties,
        settings: { ...(idleEventMs === undefined ? {} : { idleEventMs }), ...running, ...letters.settings },
        neededTopics: [...letters.topics, ...(ids.topics ?? [])],
      };
      const expanded = this.#retries.expand(declaration, listener, parts, findings, (source, identity) => {
        const isOwn = source === declaration.source;
        const isPooled = isOwn && placed.executor?.share !== undefined;
        if (isPooled) return guard ? behind(placed.handler, guard, numbers.ackMode) : placed.handler;
        const made = this.#handler(
          { ...declaration, source },
          numbers,
          { ...formats, replies, hasSql: hasSql && isOwn },
          { ...rules, listener: identity },
          {
            ...findings,
            notices: [],
          },
        );
        if (!isOwn) return made;
        // The groups of retry topics keep their offsets in Kafka.
        const { offsets: _offsets, ...withoutOffsets } = unit ?? {};
        const known = unit ? inSqlUnit(made, withoutOffsets as SqlUnit) : made;
        return guard ? behind(known, guard, numbers.ackMode) : known;
      });
      return mistakes.length > before ? [] : expanded;
    } catch (error) {
      mistakes.push({ origin: where, problem: messageOf(error) });
      return [];
    }
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

  #rules({ where, options }: ListenerDeclaration, listener: ListenerIdentity, mistakes: Mistake[]): CallRules {
    const origin = `@KafkaListener of ${where}`;
    const filter = { origin, option: 'filter', allowed: 'a function, or a provider with accepts(record)' };
    const errors = {
      origin,
      option: 'errorHandler',
      allowed: 'a function, or a provider with handleError(error, context)',
    };
    return {
      listener,
      filter: this.#lookup.functionOf(options.filter, 'accepts', filter, mistakes),
      errorHandler: this.#lookup.functionOf(options.errorHandler, 'handleError', errors, mistakes),
      isTracked: options.asyncContext === true || options.asyncContext === 'true',
    };
  }

  #handler(
    { where, options, source }: ListenerDeclaration,
    numbers: EndpointNumbers,
    formats: PayloadFormats,
    rules: CallRules,
    findings: Findings,
  ): ListenerEndpoint['handler'] {
    const { batch } = numbers;
    const { replies } = formats;
    if (source.kind === 'ready') return source.handlerFor(rules);
    if (source.kind === 'method') {
      const plan = this.#plan(where, source, options.payload, numbers, formats, findings);
      reportUnacknowledged(where, numbers, [source], findings.notices);
      const call = replies.of(source.target, callOf(source.target, plan, this.#nest));
      const handling = { converter: plan.converter, call };
      return batch
        ? { kind: 'batch', invoke: batchInvoker(handling, replies.rules(rules)) }
        : { kind: 'record', invoke: recordInvoker(callOne(handling), replies.rules(rules)) };
    }
    if (batch) {
      const problem =
        'batch: the methods of a class get records one by one; put @KafkaListener on one method for batches';
      findings.mistakes.push({ origin: `@KafkaListener of ${where}`, problem });
    }
    const declared = source.methods.map((method) => {
      const name = `${where}.${method.target.method}`;
      const payload = method.options.payload ?? options.payload;
      const plan = this.#plan(name, method, payload, { ...numbers, batch: false }, formats, findings);
      const call = replies.of(method.target, callOf(method.target, plan, this.#nest));
      const handling = { converter: plan.converter, call };
      return {
        where: name,
        options: method.options,
        handling,
        payloadClass: plan.payloadClass as AnyClass | undefined,
        wireNames: formats.wireNames(plan.payloadClass),
      };
    });
    reportUnacknowledged(where, numbers, source.methods, findings.notices);
    const { typeHeader = KafkaHeaders.TYPE_ID, typeKey = 'type' } = options;
    const dispatch = new PayloadDispatch(classHandlers(where, declared, findings.mistakes), {
      where,
      typeHeader,
      typeKey,
    });
    return {
      kind: 'record',
      invoke: recordInvoker(
        callChosen((record) => dispatch.choose(record)),
        replies.rules(rules),
      ),
    };
  }

  #plan(
    where: string,
    { parameters }: HandlerMethod,
    payloadClass: unknown,
    { batch, ackMode }: EndpointNumbers,
    formats: PayloadFormats,
    { mistakes, notices }: Findings,
  ): HandlerPlan {
    const plan = handlerPlan(
      {
        where,
        parameters,
        batch,
        manualAck: isManual(ackMode),
        ackMode,
        payloadClass,
        ...formats,
      },
      mistakes,
    );
    if (plan.converter && payloadClass === undefined && parameters.types.length === 0) {
      notices.push(
        `${where}: the compiler emitted no parameter types, so payloads stay plain objects; switch ` +
          'emitDecoratorMetadata on, or name the class with payload: in @KafkaListener',
      );
    }
    return plan;
  }

  #rebalanceListeners({ where, options, host }: ListenerDeclaration, mistakes: Mistake[]): KafkaRebalanceListener[] {
    const listeners = host !== undefined && hasCallbacks(host) ? [host] : [];
    if (options.rebalanceListener === undefined) return listeners;
    const allowed = `a provider with one of ${REBALANCE_CALLBACKS.join(', ')}`;
    const wanted = { origin: `@KafkaListener of ${where}`, option: 'rebalanceListener', allowed };
    const found = this.#lookup.find(options.rebalanceListener, wanted, mistakes);
    if (found === undefined) return listeners;
    if (hasCallbacks(found)) return [...listeners, found];
    const problem = `${(found as object).constructor?.name ?? 'it'} has none of these methods; give ${allowed}`;
    mistakes.push({ origin: wanted.origin, key: wanted.option, problem });
    return listeners;
  }
}

function hasCallbacks(found: unknown): found is KafkaRebalanceListener {
  return REBALANCE_CALLBACKS.some((name) => typeof (found as KafkaRebalanceListener)[name] === 'function');
}

/** Ids and offsets in one transaction, which they can only share in one database. */
function oneUnit(read: OptionReader, ids: SqlUnit | undefined, offsets: SqlUnit | undefined): SqlUnit | undefined {
  if (ids === undefined || offsets === undefined) return ids ?? offsets;
  if (ids.database !== offsets.database) {
    read.mistake(
      'offsets.store',
      undefined,
      'is another database than that of the message ids; give both the same client',
    );
  }
  return { ...ids, ...offsets };
}

function inSqlUnit(handler: ListenerEndpoint['handler'], unit: SqlUnit): ListenerEndpoint['handler'] {
  if (handler.kind === 'record') return { kind: 'record', invoke: sqlRecord(handler.invoke, unit) };
  return { kind: 'batch', invoke: sqlBatch(handler.invoke, unit) };
}

/** The handler behind the guard, which hears of records as they come and go. */
function guarded(endpoint: ListenerEndpoint, guard: DedupGuard): ListenerEndpoint {
  return { ...endpoint, handler: behind(endpoint.handler, guard, endpoint.ackMode), keeper: guard };
}

function behind(handler: ListenerEndpoint['handler'], guard: DedupGuard, ackMode: string): ListenerEndpoint['handler'] {
  const manual = isManual(ackMode);
  if (handler.kind === 'record') {
    return { kind: 'record', invoke: idempotentRecord(handler.invoke, guard, manual) };
  }
  return { kind: 'batch', invoke: idempotentBatch(handler.invoke, guard, manual) };
}

function isManual(ackMode: string): boolean {
  return ackMode === 'MANUAL' || ackMode === 'MANUAL_IMMEDIATE';
}

function reportUnacknowledged(
  where: string,
  { ackMode }: EndpointNumbers,
  methods: readonly HandlerMethod[],
  notices: string[],
): void {
  const canAcknowledge = ['acknowledgment', 'context', 'custom'];
  const decorated = methods.flatMap(({ parameters }) => parameters.decorated);
  if (!isManual(ackMode) || decorated.some(({ kind }) => canAcknowledge.includes(kind))) return;
  notices.push(
    `${where}: the ack mode is ${ackMode}, but no parameter is @Ack(): nothing is committed unless an interceptor ` +
      'acknowledges; add the parameter, or take another ack mode',
  );
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
