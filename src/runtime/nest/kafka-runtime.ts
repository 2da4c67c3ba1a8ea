import { type DiscoveryService } from '@nestjs/core';
import { systemClock } from '../../common/clock.js';
import { DEFAULT_CONNECTION } from '../../common/connection-name.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { silentLogger } from '../../common/logger.js';
import { topicsIn } from '../client/admin/new-topic.js';
import { type Mistake, throwIfAny } from '../config/mistakes.js';
import { judgeNames } from '../config/name-judge.js';
import { type Findings } from '../config/rules.js';
import { type ContainerRegistry } from '../listener/container-registry.js';
import { type ListenerContainer } from '../listener/listener-container.js';
import { type ThreadState } from '../threads/thread-state.js';
import { type KafkaConnection } from './connection/kafka-connection.js';
import { EventBinder } from './listeners/event-binder.js';
import { ListenerHost } from './listeners/listener-host.js';
import { ListenerStart } from './listeners/listener-start.js';
import { type NestServices } from './nest-services.js';
import { ProviderLookup } from './provider-lookup.js';
import { type RuntimeTools } from './runtime-tools.js';
import { ProducerBinder } from './sending/producer-binder.js';
import { TransactionBinder } from './sending/transaction-binder.js';
import { ShutdownSignals } from './shutdown-signals.js';
import { ListenerThreads } from './threads/listener-threads.js';
import { findThreadListener } from './threads/thread-listener.js';

// The life of Kafka in an application, as steps that the module calls at the right moments: prepare, open, start
// listeners; drain, close. Nothing is opened before everything was checked.

export class KafkaRuntime {
  readonly #connections = new Map<string, KafkaConnection>();
  readonly #repeated = new Set<string>();
  readonly #registry: ContainerRegistry;
  /** Clock and logger of the default connection. */
  readonly tools: RuntimeTools = { clock: systemClock, logger: silentLogger };
  readonly #binder: ProducerBinder;
  readonly #transactions: TransactionBinder;
  readonly #signals: ShutdownSignals;
  readonly #events: EventBinder;
  /** What listeners are made with, also by the registrar and the strategy. */
  readonly listeners: ListenerHost;
  readonly #thread: ThreadState | undefined;
  readonly #companions: Array<{ stop(): Promise<void> }> = [];
  #draining: Promise<void> | undefined;
  /** A start that fails elsewhere is told to nobody: it has when nothing is left to do before the listeners start. */
  readonly #onIdle = () => {
    if (this.#closing) return;
    this.tools.logger.log('the application did not start: its Kafka connections are closed');
    void this.close();
  };
  #closing: Promise<void> | undefined;

  /** @param thread the worker thread that this is, if it is one: then nothing is read here */
  constructor(registry: ContainerRegistry, thread?: ThreadState) {
    this.#registry = registry;
    this.#thread = thread;
    this.#binder = new ProducerBinder((name) => this.connection(name));
    this.#transactions = new TransactionBinder((name) => this.connection(name));
    this.#events = new EventBinder(registry, this.tools);
    this.listeners = new ListenerHost({
      registry,
      connectionOf: (name) => this.connection(name),
      tools: this.tools,
      threads: new ListenerThreads({
        options: () => [...this.#connections.values()].find(({ threads }) => threads !== undefined)?.threads,
        connections: (thread) => [...this.#connections.values()].map((connection) => connection.forThread(thread)),
        producers: (connection, name) => this.connection(connection).sharedProducer(name),
        tools: this.tools,
      }),
    });
    this.#signals = new ShutdownSignals({ drain: () => this.drain(), close: () => this.close() });
  }

  /** Throws KAFKA_CONFIG_INVALID for a name that is not configured. */
  connection(name: string): KafkaConnection {
    const connection = this.#connections.get(name);
    if (connection) return connection;
    const known = [...this.#connections.keys()].join(', ');
    throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no connection ${name}; known: ${known}`);
  }

  /** One more connection; its clock and logger are those of the runtime if it is the default one, or the first. */
  add(connection: KafkaConnection): void {
    const { name, clock, logger } = connection;
    if (this.#connections.has(name)) this.#repeated.add(name);
    if (name === DEFAULT_CONNECTION || this.#connections.size === 0) Object.assign(this.tools, { clock, logger });
    this.#connections.set(name, connection);
  }

  /**
   * Something that sends by itself: ended after the listeners, before the connections and what the application closes.
   */
  accompany(companion: { stop(): Promise<void> }): void {
    this.#companions.push(companion);
  }

  /** Finds and checks producers and listeners. Throws KAFKA_CONFIG_INVALID with every mistake there is. */
  prepare(services: NestServices): void {
    throwIfAny([...this.#repeated].map(importedTwice));
    const findings: Findings = { mistakes: [], notices: [] };
    const { mistakes, notices } = findings;
    this.#judgeConnections(findings);
    const { discovery, scanner } = services;
    const providers = new ProviderLookup(services.moduleRef, discovery);
    for (const connection of this.#connections.values()) {
      connection.serdes.bind((name) => providers.named(name), mistakes);
      connection.extend(providers, mistakes);
    }
    this.#declareTopics(discovery, mistakes);
    this.#binder.bind(discovery, scanner, mistakes);
    this.#transactions.bind(discovery, scanner, mistakes);
    if (this.#thread) {
      findThreadListener(services, (name) => this.connection(name), this.#thread);
      throwIfAny(mistakes);
      return;
    }
    this.listeners.explore(services, findings);
    this.#events.bind(discovery, scanner, mistakes);
    for (const notice of new Set(notices)) this.tools.logger.warn(notice);
    throwIfAny(mistakes);
  }

  /** Topics that are given as providers belong to the connection that they name. */
  #declareTopics(discovery: DiscoveryService, mistakes: Mistake[]): void {
    const provided = discovery.getProviders().flatMap(({ instance }) => topicsIn(instance));
    for (const { name, admin } of this.#connections.values()) {
      admin.declare(
        provided.filter(({ connection = DEFAULT_CONNECTION }) => connection === name),
        mistakes,
      );
    }
    for (const { name, connection = DEFAULT_CONNECTION } of provided) {
      if (this.#connections.has(connection)) continue;
      mistakes.push({ origin: `topic ${name}`, problem: `there is no connection ${connection}` });
    }
  }

  #judgeConnections(findings: Findings): void {
    const named = [...this.#connections.keys()].filter((name) => name !== DEFAULT_CONNECTION);
    for (const connection of this.#connections.values()) {
      const names = judgeNames(connection.environment, named);
      findings.mistakes.push(...names.mistakes);
      findings.notices.push(...names.notices);
      connection.check(findings);
    }
  }

  /** Opens the connections: brokers beside the application, producers. From here on sends work. */
  async open(): Promise<void> {
    if (!this.#thread) {
      this.#signals.install();
      process.on('beforeExit', this.#onIdle);
    }
    try {
      for (const connection of this.#connections.values()) await connection.start();
      // Before anything listens; threads find them made.
      if (!this.#thread) for (const { admin } of this.#connections.values()) await admin.initialize();
      await this.#prepareThreads();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Threads are there before the first record is read: what they cannot run keeps the application from starting. */
  async #prepareThreads(): Promise<void> {
    const wanted = this.#registry.list().filter(({ endpoint }) => endpoint.autoStartup);
    await Promise.all(wanted.map(async ({ endpoint }) => endpoint.executor?.prepare()));
  }

  /**
   * Starts the listeners, and waits for a while until each has its partitions, so that an application that takes
   * requests is one that listens. A cluster that is away does not keep the application from starting.
   */
  async startListeners(): Promise<void> {
    this.listeners.isStarted = true;
    process.off('beforeExit', this.#onIdle);
    for (const connection of this.#connections.values()) connection.begin();
    const connected = [...this.#connections.values()].map((connection) => connection.connected);
    try {
      await Promise.all([...connected, this.startContainers(this.#registry.list())]);
    } catch (error) {
      // What has not started is not asked to end.
      await this.close();
      throw error;
    }
  }

  /** Starts some of them, as long as they say `autoStartup`; waits in the same way. */
  startContainers(containers: readonly ListenerContainer[]): Promise<void> {
    const start = new ListenerStart({
      connections: this.#connections,
      tools: this.tools,
      makeTopics: (some) => this.listeners.makeTopics(some),
      isEnding: () => this.#draining !== undefined,
      giveUp: () => this.close(),
    });
    return start.run(containers);
  }

  /** Ends the listeners: nothing new starts, what runs is waited for, finished work is committed. Never rejects. */
  drain(): Promise<void> {
    this.listeners.isClosed = true;
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    const failed = (what: string) => (error: unknown) =>
      this.tools.logger.error(`stopping ${what} failed: ${messageOf(error)}`, error);
    await this.#registry.stopAll().catch(failed('the listeners'));
    for (const companion of this.#companions) await companion.stop().catch(failed('the outbox'));
  }

  /** Ends listeners, producers and brokers, in this order. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.drain();
    this.listeners.close();
    for (const connection of [...this.#connections.values()].reverse()) {
      await connection.stop().catch((error: unknown) => {
        this.tools.logger.error(`closing connection ${connection.name} failed: ${messageOf(error)}`, error);
      });
    }
    this.#binder.unbind();
    this.#transactions.unbind();
    this.#events.unbind();
    this.#signals.remove();
    process.off('beforeExit', this.#onIdle);
  }
}

/** Two would find every listener twice. */
function importedTwice(connection: string): Mistake {
  const name = connection === DEFAULT_CONNECTION ? '' : `{ name: '${connection}' }`;
  const problem =
    'is imported more than once: it is global, so import it in the root module alone, and give every further ' +
    'connection a name of its own';
  return { origin: `KafkaModule.forRoot(${name})`, problem };
}
