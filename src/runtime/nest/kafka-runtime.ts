import {
  type ApplicationConfig,
  type DiscoveryService,
  type ExternalContextCreator,
  type MetadataScanner,
  type ModuleRef,
} from '@nestjs/core';
import { type Clock, sleep } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type Mistake, throwIfAny } from '../config/mistakes.js';
import { type ContainerRegistry } from '../listener/container-registry.js';
import { type ListenerContainer } from '../listener/listener-container.js';
import { EventBinder } from './event-binder.js';
import { type KafkaConnection } from './kafka-connection.js';
import { ListenerHost } from './listener-host.js';
import { ProducerBinder } from './producer-binder.js';
import { ShutdownSignals } from './shutdown-signals.js';

// The life of Kafka in an application, as steps that the module calls at the right moments: prepare, open, start
// listeners; drain, close. Nothing is opened before everything was checked.

export interface NestServices {
  readonly discovery: DiscoveryService;
  readonly scanner: MetadataScanner;
  readonly creator: ExternalContextCreator;
  readonly config: ApplicationConfig;
  readonly moduleRef: ModuleRef;
}

export class KafkaRuntime {
  readonly #connections: ReadonlyMap<string, KafkaConnection>;
  readonly #registry: ContainerRegistry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #binder: ProducerBinder;
  readonly #signals: ShutdownSignals;
  readonly #events: EventBinder;
  /** What listeners are made with, also by the registrar and the strategy. */
  readonly listeners: ListenerHost;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(connections: readonly KafkaConnection[], registry: ContainerRegistry, clock: Clock, logger: Logger) {
    this.#connections = new Map(connections.map((connection) => [connection.name, connection]));
    this.#registry = registry;
    this.#clock = clock;
    this.#logger = logger;
    this.#binder = new ProducerBinder((name) => this.connection(name));
    this.#events = new EventBinder(registry, logger);
    this.listeners = new ListenerHost({ registry, connectionOf: (name) => this.connection(name), clock, logger });
    this.#signals = new ShutdownSignals({ drain: () => this.drain(), close: () => this.close() });
  }

  /** Throws KAFKA_CONFIG_INVALID for a name that is not configured. */
  connection(name: string): KafkaConnection {
    const connection = this.#connections.get(name);
    if (connection) return connection;
    const known = [...this.#connections.keys()].join(', ');
    throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no connection ${name}; known: ${known}`);
  }

  /** Finds and checks producers and listeners. Throws KAFKA_CONFIG_INVALID with every mistake there is. */
  prepare(services: NestServices): void {
    const { discovery, scanner } = services;
    const notices: string[] = [];
    const mistakes: Mistake[] = [];
    this.#binder.bind(discovery, scanner, mistakes);
    for (const connection of this.#connections.values()) {
      notices.push(...connection.configuration.notices);
      connection.check(mistakes);
    }
    this.listeners.explore(services, mistakes, notices);
    this.#events.bind(discovery, scanner, mistakes);
    for (const notice of new Set(notices)) this.#logger.warn(notice);
    throwIfAny(mistakes);
  }

  /** Opens the connections: brokers beside the application, producers. From here on sends work. */
  async open(): Promise<void> {
    this.#signals.install();
    try {
      for (const connection of this.#connections.values()) await connection.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Starts the listeners, and waits for a while until each has its partitions, so that an application that takes
   * requests is one that listens. A cluster that is away does not keep the application from starting.
   */
  async startListeners(): Promise<void> {
    this.listeners.isStarted = true;
    await this.startContainers(this.#registry.list());
  }

  /** Starts some of them, as long as they say `autoStartup`; waits in the same way. */
  async startContainers(containers: readonly ListenerContainer[]): Promise<void> {
    const waiting = new Set<string>();
    const starting = containers
      .filter(({ endpoint }) => endpoint.autoStartup)
      .map((container) => this.#start(container, waiting));
    const patience = Math.max(
      ...[...this.#connections.values()].map(({ properties }) => properties.get('listener.startup-timeout')),
    );
    if (starting.length === 0 || patience === 0) return;
    const enough = new AbortController();
    await Promise.race([Promise.all(starting), sleep(this.#clock, patience, enough.signal)]);
    enough.abort();
    if (waiting.size > 0 && !this.#draining) {
      this.#logger.warn(
        `${[...waiting].join(', ')}: no partitions after ${patience} ms (kafka.listener.startup-timeout); ` +
          'the application starts, and they go on trying',
      );
    }
  }

  /** Ends the listeners: nothing new starts, what runs is waited for, finished work is committed. Never rejects. */
  drain(): Promise<void> {
    this.listeners.isClosed = true;
    this.#draining ??= this.#registry
      .stopAll()
      .catch((error: unknown) => this.#logger.error(`stopping the listeners failed: ${messageOf(error)}`, error));
    return this.#draining;
  }

  /** Ends listeners, producers and brokers, in this order. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.drain();
    for (const connection of [...this.#connections.values()].reverse()) {
      await connection.stop().catch((error: unknown) => {
        this.#logger.error(`closing connection ${connection.name} failed: ${messageOf(error)}`, error);
      });
    }
    this.#binder.unbind();
    this.#events.unbind();
    this.#signals.remove();
  }

  async #start(container: ListenerContainer, waiting: Set<string>): Promise<void> {
    waiting.add(container.id);
    try {
      await container.start();
    } catch (error) {
      if (!this.#draining) {
        this.#logger.error(`listener ${container.id} did not start: ${messageOf(error)}`, error);
      }
    } finally {
      waiting.delete(container.id);
    }
  }
}
