import { messageOf, NestdawError } from '../../../common/errors.js';
import { memoryLimit } from '../../../common/memory-limit.js';
import { type NeededTopic } from '../../client/admin/needed-topics.js';
import { type Mistake, throwIfAny } from '../../config/mistakes.js';
import { type Findings } from '../../config/rules.js';
import { type ContainerRegistry } from '../../listener/container-registry.js';
import { type ContainerSettings, containerSettings } from '../../listener/container-settings.js';
import { ListenerContainer } from '../../listener/listener-container.js';
import { consumerNumbers, containerNumbers } from '../connection/client-options.js';
import { GroupCheck } from '../connection/group-check.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { MemoryCheck } from '../connection/memory-check.js';
import { type DiscoveredListener, type ListenerDeclaration } from '../declarations/listener-declaration.js';
import { StoreShelf } from '../guards/store-shelf.js';
import { type NestServices } from '../nest-services.js';
import { ProviderLookup } from '../provider-lookup.js';
import { retryConfigurations } from '../retries/retry-configurations.js';
import { type RuntimeTools } from '../runtime-tools.js';
import { type ListenerThreads } from '../threads/listener-threads.js';
import { ListenerExplorer } from './listener-explorer.js';
import { ListenerFactory } from './listener-factory.js';

// Where declared listeners become registered containers: those found at start, and those added while running.

export interface ListenerHostOptions {
  readonly registry: ContainerRegistry;
  readonly connectionOf: (name: string) => KafkaConnection;
  readonly tools: Readonly<RuntimeTools>;
  readonly threads: ListenerThreads;
}

export class ListenerHost {
  /** Containers are started as they are added, not with the application. */
  isStarted = false;
  /** Nothing is added any more. */
  isClosed = false;
  readonly #options: ListenerHostOptions;
  readonly #shelf: StoreShelf;
  #factory: ListenerFactory | undefined;
  #waiting: Array<() => void> = [];
  /** Topics that containers need, until they are made. */
  readonly #needed = new Map<ListenerContainer, readonly NeededTopic[]>();

  constructor(options: ListenerHostOptions) {
    this.#options = options;
    this.#shelf = new StoreShelf(options.tools);
  }

  /** Whether listeners can be added. */
  get isReady(): boolean {
    return this.#factory !== undefined;
  }

  /** Calls `task` when listeners can be added, while the application is checked: what it throws is a mistake. */
  whenReady(task: () => void): void {
    this.#waiting.push(task);
  }

  /**
   * Makes the topics that these containers need, once. Throws KAFKA_CONNECTION_FAILED or KAFKA_PROTOCOL_ERROR; then
   * the next call tries again.
   */
  async makeTopics(containers: readonly ListenerContainer[]): Promise<void> {
    const byConnection = new Map<string, NeededTopic[]>();
    const needing = containers.filter((container) => this.#needed.has(container));
    for (const container of needing) {
      const { connection } = container.endpoint;
      byConnection.set(connection, [...(byConnection.get(connection) ?? []), ...this.#needed.get(container)!]);
    }
    for (const [connection, topics] of byConnection)
      await this.#options.connectionOf(connection).logs.makeTopics(topics);
    for (const container of needing) this.#needed.delete(container);
  }

  /** Ends what was opened for listeners, after the last of them has ended. */
  close(): void {
    this.#shelf.close();
  }

  /** Takes a container out of the registry, without stopping it. */
  remove({ id, endpoint }: ListenerContainer): void {
    this.#options.registry.unregister(id, endpoint.connection);
  }

  /** Finds and registers the listeners of an application. */
  explore(services: NestServices, findings: Findings): void {
    const { mistakes, notices } = findings;
    const { discovery, scanner, creator, config, moduleRef } = services;
    const { connectionOf, threads } = this.#options;
    const configurations = retryConfigurations(discovery);
    const lookup = new ProviderLookup(moduleRef, discovery);
    const parts = { creator, config };
    this.#factory = new ListenerFactory(parts, lookup, this.#shelf, connectionOf, threads, configurations);
    const explorer = new ListenerExplorer(discovery, scanner, this.#factory);
    const found = explorer.explore({ mistakes, notices, ids: new Map() });
    const groups = new GroupCheck();
    const memory = new MemoryCheck(memoryLimit());
    for (const listener of found) {
      groups.add(listener.endpoint, mistakes);
      const { budgetMemory } = containerSettings(settingsOf(listener));
      const ofPool = listener.endpoint.workers === undefined ? 0 : budgetMemory;
      memory.add(listener.endpoint, consumerNumbers(listener.properties), mistakes, ofPool);
      this.#register(listener, findings);
    }
    const notice = memory.notice();
    if (notice !== undefined) notices.push(notice);
    for (const task of this.#waiting.splice(0)) {
      try {
        task();
      } catch (error) {
        mistakes.push({ origin: 'microservice', problem: messageOf(error) });
      }
    }
  }

  /**
   * Registers one more, and those of its retry topics behind it. Throws KAFKA_CONFIG_INVALID with every mistake, and
   * KAFKA_STOPPED at the wrong time.
   */
  add(declaration: ListenerDeclaration): ListenerContainer[] {
    const { registry, tools } = this.#options;
    if (!this.#factory || this.isClosed) {
      const when = this.isClosed ? 'the application closes' : 'Kafka is not ready yet: add it from onModuleInit on';
      throw new NestdawError('KAFKA_STOPPED', `listener ${declaration.where} cannot be added: ${when}`);
    }
    const mistakes: Mistake[] = [];
    const notices: string[] = [];
    const ids = new Map(registry.list().map(({ id }) => [id, `the listener of that id`]));
    const listeners = this.#factory.create(declaration, { mistakes, notices, ids });
    throwIfAny(mistakes);
    const groups = new GroupCheck();
    for (const { endpoint } of registry.list()) groups.add(endpoint, []);
    for (const { endpoint } of listeners) groups.add(endpoint, mistakes);
    throwIfAny(mistakes);
    const containers = listeners.flatMap((listener) => this.#register(listener, { mistakes, notices }) ?? []);
    if (mistakes.length > 0) for (const container of containers) this.remove(container);
    throwIfAny(mistakes);
    for (const notice of new Set(notices)) tools.logger.warn(notice);
    return containers;
  }

  #register(listener: DiscoveredListener, findings: Findings): ListenerContainer | undefined {
    const { registry, connectionOf, tools } = this.#options;
    const { endpoint, properties } = listener;
    const { mistakes } = findings;
    const before = mistakes.length;
    const connection = connectionOf(endpoint.connection);
    connection.checkListener(listener, findings);
    const settings = settingsOf(listener);
    try {
      const container = new ListenerContainer({
        endpoint,
        createConsumer: (index) => connection.createConsumer(listener, index),
        beforeStart: async () => connection.topicCheck?.atStart(endpoint),
        clock: tools.clock,
        logger: tools.logger,
        settings,
      });
      if (mistakes.length > before) return undefined;
      registry.register(container);
      if (listener.neededTopics.length > 0) this.#needed.set(container, listener.neededTopics);
      if (properties.get('listener.log-container-config')) {
        const { handler: _handler, rebalanceListeners: _listeners, executor: _executor, ...told } = endpoint;
        const numbers = JSON.stringify({ ...told, ...settings, ...consumerNumbers(properties) });
        tools.logger.log(`listener ${endpoint.id}: ${numbers}`);
      }
      return container;
    } catch (error) {
      mistakes.push({ origin: `@KafkaListener ${endpoint.id}`, problem: messageOf(error) });
      return undefined;
    }
  }
}

/** The listener's own numbers over the configured ones. */
function settingsOf({ properties, settings }: DiscoveredListener): Partial<ContainerSettings> {
  return { ...containerNumbers(properties), ...settings };
}
