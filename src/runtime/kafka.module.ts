import 'reflect-metadata';
import {
  type DynamicModule,
  type FactoryProvider,
  Global,
  Inject,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  MetadataScanner,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import { type Clock, systemClock } from '../common/clock.js';
import { DEFAULT_CONNECTION } from '../common/connection-name.js';
import { NestdawError } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { type IdempotentOptions } from '../decorators/idempotent.js';
import {
  getDeadLettersToken,
  getKafkaAdminToken,
  getKafkaConnectionToken,
  getKafkaTemplateToken,
  getKafkaTransactionManagerToken,
  getRangeReaderToken,
} from '../decorators/inject-kafka-template.js';
import { type KafkaContainerOptions } from '../decorators/kafka-container-options.js';
import { KafkaAdmin } from './client/admin/kafka-admin.js';
import { type TopicOptions } from './client/admin/new-topic.js';
import { type Assignor } from './client/consumer/assignors/assignor.js';
import { RangeReader } from './client/range-reader.js';
import { CONFIG_NAMES } from './config/config-keys.js';
import { Environment } from './config/environment.js';
import { KafkaProperties } from './config/kafka-properties.js';
import { type Configuration, type ConfigurationSources, readConfiguration } from './config/load-configuration.js';
import { PROPERTY_OVERRIDES } from './config/property-overrides.js';
import { type PropertyTree } from './config/sources/object-source.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { ContainerRegistry } from './listener/container-registry.js';
import { type BrokerStarter, type ClientFactories } from './nest/connection/connection-options.js';
import { deadLetterStore } from './nest/connection/dead-letter-store.js';
import { embeddedOptions } from './nest/connection/embedded-options.js';
import { KafkaConnection } from './nest/connection/kafka-connection.js';
import { KafkaRuntime } from './nest/kafka-runtime.js';
import { KafkaListenerEvents } from './nest/listeners/listener-events.js';
import { KafkaListenerRegistrar } from './nest/listeners/listener-registrar.js';
import { nestLogger } from './nest/nest-logger.js';
import { type NestServices } from './nest/nest-services.js';
import { type SendExtensionOptions } from './nest/sending/send-extensions.js';
import { NestdawStrategy } from './nest/strategy/nestdaw-strategy.js';
import { namedModule } from './nest/threads/thread-module.js';
import { type ThreadsOptions } from './nest/threads/threads-options.js';
import { KafkaTemplate } from './template/kafka-template.js';
import { type JsonTypeTable } from './template/serdes/json-types.js';
import { KafkaTransactionManager } from './template/transaction-manager.js';
import { currentThread } from './threads/thread-state.js';

// The module that an application imports, once for each connection. Behind all of them stand two modules that exist
// once, for Nest runs hooks by a module's distance: the runtime's come first at the start and last at the end
// (connections), those of the listeners' come last at the start and first at the end, so that a handler in flight
// finds everything open that it uses.

/** Options of `KafkaModule.forRoot`; everything has a default. */
export interface KafkaModuleOptions extends SendExtensionOptions {
  /**
   * Name of the connection, `audit`: its keys are `kafka.audit.…`, its template is `@InjectKafkaTemplate('audit')`, and
   * `connection: 'audit'` of a decorator chooses it. Default: the connection that decorators mean when they name none.
   */
  readonly name?: string;
  /** Properties over all files, variables and arguments: `{ 'kafka.consumer.group-id': 'billing' }`, or nested. */
  readonly properties?: PropertyTree;
  /** A file instead of `application.properties`; it must exist. */
  readonly propertiesFile?: string;
  /** Folder of `application.properties` and `config/`. Default: the working directory. */
  readonly cwd?: string;
  /** Environment variables. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Arguments. Default: those of the process. */
  readonly argv?: readonly string[];
  /**
   * Container options by name, that listeners take by `containerFactory: 'bulk'`:
   * `{ bulk: { workers: 32, order: 'key' } }`. The set `default` counts for listeners that name none.
   */
  readonly containers?: Readonly<Record<string, KafkaContainerOptions>>;
  /**
   * Strategies of your own for `partition.assignment.strategy`, named there by their `name` or their class. Classes are
   * constructed without arguments; with `forRootAsync` the factory may inject a provider and give it here.
   */
  readonly assignors?: ReadonlyArray<Assignor | Type<Assignor>>;
  /**
   * Payload classes by their names on the wire, both ways: `{ order: Order, 'com.acme.Refund': Refund }`, or classes
   * that go by their own names. What is sent names its class in the header `__TypeId__`, as Spring does; what is
   * received and names one is made an instance of it, where the listener's parameter names no class. Default none.
   */
  readonly types?: JsonTypeTable;
  /** Makes all listeners idempotent that do not say otherwise, see `@Idempotent`. */
  readonly idempotent?: IdempotentOptions;
  /**
   * Topics that shall exist before anything listens: made where they are missing, given more partitions where more are
   * declared. `TopicBuilder.name('orders').partitions(12).build()`, or `{ name: 'orders', partitions: 12 }`. Names may
   * hold placeholders.
   */
  readonly topics?: readonly TopicOptions[];
  /** Where messages go. Default: Nest's logger. */
  readonly logger?: Logger;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
  /** Worker threads for listeners with `pool: 'threads'` or `threads`: the module that they open. Said once. */
  readonly threads?: ThreadsOptions;
  /** Other clients, for tests. */
  readonly factories?: ClientFactories;
}

/** Options of `KafkaModule.forRootAsync`. */
export interface KafkaModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Name of the connection, see `KafkaModuleOptions`; what the factory gives has none. */
  readonly name?: string;
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...args: any[]) => KafkaModuleOptions | Promise<KafkaModuleOptions>;
}

const OPTIONS = 'nestdaw:module-options';
const CONFIGURATION = 'nestdaw:configuration';
const CONNECTION = 'nestdaw:connection';

@Module({})
class KafkaListenersModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly runtime: KafkaRuntime,
    modules: ModulesContainer,
  ) {
    setDistance(modules, KafkaListenersModule, -1);
  }

  onApplicationBootstrap(): Promise<void> {
    return this.runtime.startListeners();
  }

  onModuleDestroy(): Promise<void> {
    return this.runtime.drain();
  }
}

@Global()
@Module({
  imports: [DiscoveryModule, KafkaListenersModule],
  providers: [
    { provide: ContainerRegistry, useFactory: () => new ContainerRegistry() },
    {
      provide: KafkaRuntime,
      useFactory: (registry: ContainerRegistry) => new KafkaRuntime(registry, currentThread()),
      inject: [ContainerRegistry],
    },
    {
      provide: KafkaListenerRegistrar,
      useFactory: ({ listeners }: KafkaRuntime, registry: ContainerRegistry) =>
        new KafkaListenerRegistrar(listeners, registry),
      inject: [KafkaRuntime, ContainerRegistry],
    },
    {
      provide: NestdawStrategy,
      useFactory: (runtime: KafkaRuntime) => new NestdawStrategy(runtime),
      inject: [KafkaRuntime],
    },
    {
      provide: KafkaListenerEvents,
      useFactory: (registry: ContainerRegistry) => new KafkaListenerEvents(registry),
      inject: [ContainerRegistry],
    },
  ],
  exports: [ContainerRegistry, KafkaRuntime, KafkaListenerRegistrar, NestdawStrategy, KafkaListenerEvents],
})
class KafkaRuntimeModule implements OnModuleInit, OnApplicationShutdown {
  readonly #services: NestServices;

  constructor(
    private readonly runtime: KafkaRuntime,
    modules: ModulesContainer,
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    creator: ExternalContextCreator,
    config: ApplicationConfig,
    moduleRef: ModuleRef,
  ) {
    this.#services = { discovery, scanner, creator, config, moduleRef };
    // Beyond other global modules: what they do at their start may send already.
    setDistance(modules, KafkaRuntimeModule, Number.POSITIVE_INFINITY);
  }

  async onModuleInit(): Promise<void> {
    this.runtime.prepare(this.#services);
    await this.runtime.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.runtime.close();
  }
}

/**
 * Kafka for a Nest application: `KafkaModule.forRoot()` in the imports of the root module, once, and once more with a
 * name for every further cluster. Global: `KafkaTemplate`, `ContainerRegistry` and `KafkaProperties` are injectable
 * everywhere, and `@KafkaListener` and `@Producer` methods are found in every module.
 */
@Module({})
export class KafkaModule {
  constructor(runtime: KafkaRuntime, @Inject(CONNECTION) connection: KafkaConnection) {
    runtime.add(connection);
  }

  /** Reads the configuration from its files, the environment, the arguments, and these options. */
  static forRoot(options: KafkaModuleOptions = {}): DynamicModule {
    return moduleOf(options.name, [{ provide: OPTIONS, useValue: options }], []);
  }

  /** The same with options that other providers give. */
  static forRootAsync({ name, imports = [], inject = [], useFactory }: KafkaModuleAsyncOptions): DynamicModule {
    return moduleOf(name, [{ provide: OPTIONS, useFactory, inject }], imports);
  }
}

function moduleOf(
  name: string = DEFAULT_CONNECTION,
  options: Provider[],
  imports: NonNullable<ModuleMetadata['imports']>,
): DynamicModule {
  const template = getKafkaTemplateToken(name);
  const admin = getKafkaAdminToken(name);
  const transactions = getKafkaTransactionManagerToken(name);
  const letters = getDeadLettersToken(name);
  const ranges = getRangeReaderToken(name);
  const shared: Provider[] = [
    {
      provide: CONFIGURATION,
      useFactory: (given: KafkaModuleOptions, overrides: PropertyTree) => configurationOf(name, given, overrides),
      inject: [OPTIONS, PROPERTY_OVERRIDES],
    },
    {
      provide: CONNECTION,
      useFactory: (given: KafkaModuleOptions, configuration: Configuration, overrides: PropertyTree) =>
        connectionOf(name, given, configuration, overrides),
      inject: [OPTIONS, CONFIGURATION, PROPERTY_OVERRIDES],
    },
    { provide: getKafkaConnectionToken(name), useExisting: CONNECTION },
    { provide: admin, useFactory: (connection: KafkaConnection) => connection.admin.client, inject: [CONNECTION] },
    { provide: template, useFactory: (connection: KafkaConnection) => connection.template, inject: [CONNECTION] },
    {
      provide: letters,
      useFactory: (connection: KafkaConnection) =>
        new DeadLetters({ store: deadLetterStore(connection), clock: connection.clock }),
      inject: [CONNECTION],
    },
    {
      provide: ranges,
      useFactory: ({ logs, admin }: KafkaConnection) =>
        new RangeReader({
          readLogs: (...asked) => logs.readLogs(...asked),
          offsetsAt: (partitions, moment) => admin.client.offsetsAt(partitions, moment),
        }),
      inject: [CONNECTION],
    },
    {
      provide: transactions,
      useFactory: (connection: KafkaConnection) => connection.transactionManager,
      inject: [CONNECTION],
    },
  ];
  const ofDefault: Provider[] = [
    { provide: KafkaConnection, useExisting: CONNECTION },
    { provide: KafkaTemplate, useExisting: template },
    { provide: DeadLetters, useExisting: letters },
    { provide: RangeReader, useExisting: ranges },
    { provide: KafkaAdmin, useExisting: admin },
    { provide: KafkaTransactionManager, useExisting: transactions },
    { provide: KafkaProperties, useFactory: ({ properties }: Configuration) => properties, inject: [CONFIGURATION] },
    { provide: Environment, useFactory: ({ environment }: Configuration) => environment, inject: [CONFIGURATION] },
  ];
  const isDefault = name === DEFAULT_CONNECTION;
  return namedModule(name, {
    module: KafkaModule,
    global: true,
    imports: [KafkaRuntimeModule, ...imports],
    providers: [...options, { provide: PROPERTY_OVERRIDES, useValue: {} }, ...shared, ...(isDefault ? ofDefault : [])],
    exports: [
      template,
      transactions,
      letters,
      ranges,
      getKafkaConnectionToken(name),
      admin,
      ...(isDefault ? ofDefault.map((one) => (one as { provide: InjectionToken }).provide) : []),
    ],
  });
}

function configurationOf(connection: string, options: KafkaModuleOptions, overrides: PropertyTree): Configuration {
  const { name } = options;
  if (name !== undefined && name !== connection) {
    const message = `the connection is called ${connection}: remove name: '${name}' from what the factory gives, and give it to forRootAsync itself`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', message);
  }
  refuseName(connection);
  return readConfiguration(sourcesOf(connection, options, overrides));
}

/** Where a connection's configuration is read from; in a worker thread where the application reads it from. */
function sourcesOf(connection: string, options: KafkaModuleOptions, overrides: PropertyTree): ConfigurationSources {
  const given = currentThread()?.connections.find(({ name }) => name === connection);
  const named = connection === DEFAULT_CONNECTION ? {} : { connection };
  if (given) return { ...given.sources, ...named, overrides: given.overrides as PropertyTree };
  const { cwd, propertiesFile, env, argv, properties } = options;
  return {
    ...named,
    ...(cwd === undefined ? {} : { cwd }),
    ...(propertiesFile === undefined ? {} : { propertiesFile }),
    ...(env === undefined ? {} : { env }),
    ...(argv === undefined ? {} : { argv }),
    ...(properties === undefined ? {} : { properties }),
    overrides,
  };
}

/** A name stands where else the first word of a key does. */
function refuseName(connection: string): void {
  const isKey = CONFIG_NAMES.some((name) => name.split('.')[0] === connection);
  if (/^[a-z][a-z0-9-]*$/.test(connection) && !isKey) return;
  const message = isKey
    ? `no connection can be called ${connection}: kafka.${connection}. begins keys; choose another name`
    : `"${connection}" is no name of a connection; allowed: lower-case letters, digits and dashes, a letter first`;
  throw new NestdawError('KAFKA_CONFIG_INVALID', message);
}

function connectionOf(
  name: string,
  options: KafkaModuleOptions,
  configuration: Configuration,
  overrides: PropertyTree,
): KafkaConnection {
  const thread = currentThread();
  const { argv = process.argv.slice(2), cwd = process.cwd() } = options;
  return new KafkaConnection({
    name,
    configuration,
    factories: options.factories ?? {},
    startBroker: startBrokerBeside,
    idempotent: options.idempotent,
    ...(options.containers === undefined ? {} : { containers: options.containers }),
    assignors: (options.assignors ?? []).map((one) => (typeof one === 'function' ? new one() : one)),
    types: options.types,
    extensions: options,
    topics: options.topics,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? thread?.logger ?? nestLogger('Kafka'),
    sources: { ...sourcesOf(name, { ...options, argv, cwd }, overrides) },
    codeOptions: Object.entries(options).flatMap(([key, value]) => (value === undefined || DATA.has(key) ? [] : [key])),
    threads: options.threads,
    ofApplication: thread && ((producer, closeTimeoutMs) => thread.producers.create(name, producer, closeTimeoutMs)),
    isBrokerHere: thread && (thread.connections.find((one) => one.name === name)?.isBrokerHere ?? false),
  });
}

/** Options that a thread is sent, or has no need of. */
const DATA: ReadonlySet<string> = new Set<keyof KafkaModuleOptions>([
  'name',
  'properties',
  'propertiesFile',
  'cwd',
  'env',
  'argv',
  'topics',
  'logger',
  'clock',
  'threads',
  'factories',
]);

/** Loaded only where it is needed: an application with a cluster never touches the broker's code. */
const startBrokerBeside: BrokerStarter = async (configuration, logger, clock) => {
  const { startEmbeddedBroker } = await import('../embedded/embedded-broker.js');
  const broker = await startEmbeddedBroker({ ...embeddedOptions(configuration), logger, clock });
  const how = broker.role === 'host' ? 'embedded broker on' : 'joined the embedded broker of another process on';
  return {
    bootstrapServers: broker.bootstrapServers,
    isHost: broker.role === 'host',
    description: `${how} ${broker.bootstrapServers}, data in ${broker.dataDir}`,
    stop: () => broker.stop(),
  };
};

/** Nest sorts hooks by distance: the highest first at the start, the lowest first at the end. */
function setDistance(modules: ModulesContainer, type: Type, distance: number): void {
  for (const module of modules.values()) {
    if (module.metatype === type) module.distance = distance;
  }
}
