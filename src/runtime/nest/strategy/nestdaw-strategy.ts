import { type Observable, ReplaySubject } from 'rxjs';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { NestdawError } from '../../../common/errors.js';
import { type ListenerContainer } from '../../listener/listener-container.js';
import { type ListenerDeclaration } from '../declarations/listener-declaration.js';
import { type KafkaRuntime } from '../kafka-runtime.js';
import { messageInvoker, type PatternHandler, type ProcessingHooks } from './message-handler.js';
import { listenerOptionsIn, type PatternGroup, type PatternListenerOptions, PatternTable } from './pattern-table.js';

// Nest's own way of listening, `@EventPattern` and `@MessagePattern`, on the containers of this library. It takes the
// place of Nest's Kafka transport without importing it: `@nestjs/microservices` is the application's.

/** Number of Kafka among Nest's transports: handlers that ask for another one are not ours. */
const KAFKA_TRANSPORT = 5;

/**
 * Serves the `@EventPattern` and `@MessagePattern` handlers of an application:
 *
 * ```ts
 * app.connectMicroservice({ strategy: app.get(NestdawStrategy) });
 * await app.startAllMicroservices();
 * ```
 *
 * All handlers share one listener, id `microservice`, in the configured group. A handler whose extras have options of
 * a listener, `@EventPattern('orders', { groupId: 'audit', workers: 8 })`, has a listener of its own. Records are
 * finished when their handler is, and when its replies are stored; failures go to the container's error handler, and
 * those of handlers that answer are sent to who asked, as Nest's transport does.
 */
export class NestdawStrategy {
  /** Kafka's number among Nest's transports. */
  readonly transportId = KAFKA_TRANSPORT;
  /** Failures reach the container: Nest need not log them. */
  readonly propagatesEventHandlerErrors = true;
  readonly #runtime: KafkaRuntime;
  readonly #patterns = new PatternTable();
  readonly #status = new ReplaySubject<string>(1);
  #options: PatternListenerOptions = {};
  #hooks: ProcessingHooks = { start: (_transportId, _context, handle) => handle(), end: undefined };
  #containers: ListenerContainer[] = [];
  #isClosed = false;

  constructor(runtime: KafkaRuntime) {
    this.#runtime = runtime;
  }

  /** Options of the listener that handlers without options of their own share; returns the strategy. */
  with(options: PatternListenerOptions): this {
    const { options: own, idle } = listenerOptionsIn(options);
    this.#options = own;
    if (idle.length > 0) this.#patterns.idle.set('with(…)', idle);
    return this;
  }

  /** `connected` once the listeners run, `disconnected` after the end. */
  get status(): Observable<string> {
    return this.#status.asObservable();
  }

  /** Called by Nest for every handler that it finds. */
  addHandler(
    pattern: unknown,
    handler: PatternHandler,
    isEventHandler = false,
    extras: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#patterns.add(pattern, handler, isEventHandler, extras);
  }

  /** Handlers by pattern. */
  getHandlers(): ReadonlyMap<unknown, PatternHandler> {
    return this.#patterns.handlers;
  }

  setTransportId(): void {
    // There is one transport here, and its number is Kafka's.
  }

  setOnProcessingStartHook(start: ProcessingHooks['start']): void {
    this.#hooks = { ...this.#hooks, start };
  }

  setOnProcessingEndHook(end: NonNullable<ProcessingHooks['end']>): void {
    this.#hooks = { ...this.#hooks, end };
  }

  /**
   * Called by Nest. Before the application is initialised the listeners are only announced, and start with all others;
   * afterwards they start now.
   */
  listen(listening: (error?: unknown) => void): void {
    this.#isClosed = false;
    this.#listen().then(() => listening(), listening);
  }

  /** Called by Nest: stops the listeners, each within its deadline, and forgets them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const containers = this.#containers;
    this.#containers = [];
    await Promise.all(containers.map((container) => container.stop()));
    for (const container of containers) this.#runtime.listeners.remove(container);
    this.#status.next('disconnected');
  }

  /** The containers of the listeners. */
  unwrap<T = readonly ListenerContainer[]>(): T {
    return this.#containers as unknown as T;
  }

  on(event: string): never {
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `on('${event}') is not there: subscribe to KafkaListenerEvents, or put @OnContainerEvent on a method`,
    );
  }

  async #listen(): Promise<void> {
    const { listeners, tools } = this.#runtime;
    for (const [where, idle] of this.#patterns.idle) {
      const what = 'handlers of patterns read single records, as JSON or text, and answer as their clients ask';
      tools.logger.warn(`${idle.join(', ')} of ${where} has no effect under NestdawStrategy: ${what}`);
    }
    const declarations = this.#patterns.groups().map((group) => this.#declaration(group));
    if (!listeners.isReady) {
      listeners.whenReady(() => {
        if (!this.#isClosed) this.#add(declarations);
      });
      return;
    }
    const added = this.#add(declarations);
    if (listeners.isStarted) await this.#runtime.startContainers(added);
  }

  #add(declarations: readonly ListenerDeclaration[]): ListenerContainer[] {
    const added = declarations.flatMap((declaration) => this.#runtime.listeners.add(declaration));
    this.#containers.push(...added);
    this.#status.next('connected');
    return added;
  }

  #declaration(group: PatternGroup): ListenerDeclaration {
    const { id = group.name, ...common } = this.#options;
    const ownId = group.isShared ? id : group.name;
    const options = { id: ownId, idIsGroup: false, ...common, ...group.options };
    const connection = this.#runtime.connection(options.connection ?? DEFAULT_CONNECTION);
    return {
      where: group.name,
      options: { ...options, ...group.source, batch: false },
      host: undefined,
      source: {
        kind: 'ready',
        handlerFor: (rules) => ({
          kind: 'record',
          invoke: messageInvoker({
            handlerFor: (topic) => group.handlerFor(topic),
            rules,
            send: (topic, partition, record) => connection.sendRecord(topic, partition, record),
            transportId: this.transportId,
            hooks: () => this.#hooks,
          }),
        }),
      },
    };
  }
}
