import 'reflect-metadata';
import {
  type DynamicModule,
  type FactoryProvider,
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
import { NestdawError } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { DEFAULT_CONNECTION, getKafkaTemplateToken } from '../decorators/inject-kafka-template.js';
import { Environment } from './config/environment.js';
import { KafkaProperties } from './config/kafka-properties.js';
import { type Configuration, type ConfigurationSources, loadConfiguration } from './config/load-configuration.js';
import { PROPERTY_OVERRIDES } from './config/property-overrides.js';
import { type PropertyTree } from './config/sources/object-source.js';
import { ContainerRegistry } from './listener/container-registry.js';
import { type BrokerStarter, type ClientFactories, KafkaConnection } from './nest/kafka-connection.js';
import { KafkaRuntime, type NestServices } from './nest/kafka-runtime.js';
import { KafkaListenerEvents } from './nest/listener-events.js';
import { KafkaListenerRegistrar } from './nest/listener-registrar.js';
import { nestLogger } from './nest/nest-logger.js';
import { NestdawStrategy } from './nest/strategy/nestdaw-strategy.js';
import { KafkaTemplate } from './template/kafka-template.js';

// The module that an application imports. Two Nest modules stand behind it, for Nest runs hooks by a module's
// distance: this one's come first at the start and last at the end (connections), the inner one's come last at the
// start and first at the end (listeners), so that a handler in flight finds everything open that it uses.

/** Options of `KafkaModule.forRoot`; everything has a default. */
export interface KafkaModuleOptions {
  /** Name of the connection. Default and only one: `default`. */
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
  /** Where messages go. Default: Nest's logger. */
  readonly logger?: Logger;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
  /** Other clients, for tests. */
  readonly factories?: ClientFactories;
}

/** Options of `KafkaModule.forRootAsync`. */
export interface KafkaModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...args: any[]) => KafkaModuleOptions | Promise<KafkaModuleOptions>;
}

const OPTIONS = 'nestdaw:module-options';
const CONFIGURATION = 'nestdaw:configuration';

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

/**
 * Kafka for a Nest application: `KafkaModule.forRoot()` in the imports of the root module, once. Global: `KafkaTemplate`,
 * `ContainerRegistry` and `KafkaProperties` are injectable everywhere, and `@KafkaListener` and `@Producer` methods
 * are found in every module.
 */
@Module({})
export class KafkaModule implements OnModuleInit, OnApplicationShutdown {
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
    refuseSecond(modules);
    // Beyond other global modules: what they do at their start may send already.
    setDistance(modules, KafkaModule, Number.POSITIVE_INFINITY);
  }

  /** Reads the configuration from its files, the environment, the arguments, and these options. */
  static forRoot(options: KafkaModuleOptions = {}): DynamicModule {
    return moduleOf([{ provide: OPTIONS, useValue: options }], []);
  }

  /** The same with options that other providers give. */
  static forRootAsync({ imports = [], inject = [], useFactory }: KafkaModuleAsyncOptions): DynamicModule {
    return moduleOf([{ provide: OPTIONS, useFactory, inject }], imports);
  }

  async onModuleInit(): Promise<void> {
    this.runtime.prepare(this.#services);
    await this.runtime.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.runtime.close();
  }
}

function moduleOf(options: Provider[], imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
  const shared: Provider[] = [
    {
      provide: CONFIGURATION,
      useFactory: (given: KafkaModuleOptions, overrides: PropertyTree) => configurationOf(given, overrides),
      inject: [OPTIONS, PROPERTY_OVERRIDES],
    },
    {
      provide: KafkaConnection,
      useFactory: connectionOf,
      inject: [OPTIONS, CONFIGURATION],
    },
    { provide: ContainerRegistry, useFactory: () => new ContainerRegistry() },
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
    {
      provide: KafkaRuntime,
      useFactory: (given: KafkaModuleOptions, connection: KafkaConnection, registry: ContainerRegistry) =>
        new KafkaRuntime([connection], registry, given.clock ?? systemClock, loggerOf(given)),
      inject: [OPTIONS, KafkaConnection, ContainerRegistry],
    },
    { provide: KafkaTemplate, useFactory: ({ template }: KafkaConnection) => template, inject: [KafkaConnection] },
    { provide: getKafkaTemplateToken(), useExisting: KafkaTemplate },
    { provide: KafkaProperties, useFactory: ({ properties }: Configuration) => properties, inject: [CONFIGURATION] },
    { provide: Environment, useFactory: ({ environment }: Configuration) => environment, inject: [CONFIGURATION] },
  ];
  return {
    module: KafkaModule,
    global: true,
    imports: [DiscoveryModule, KafkaListenersModule, ...imports],
    providers: [...options, { provide: PROPERTY_OVERRIDES, useValue: {} }, ...shared],
    exports: [
      KafkaConnection,
      KafkaRuntime,
      ContainerRegistry,
      KafkaListenerRegistrar,
      KafkaListenerEvents,
      NestdawStrategy,
      KafkaTemplate,
      getKafkaTemplateToken(),
      KafkaProperties,
      Environment,
    ],
  };
}

function configurationOf(options: KafkaModuleOptions, overrides: PropertyTree): Configuration {
  const { name = DEFAULT_CONNECTION, cwd, propertiesFile, env, argv, properties } = options;
  if (name !== DEFAULT_CONNECTION) {
    const message = `there is one connection, ${DEFAULT_CONNECTION}; remove name: '${name}' from the options of KafkaModule`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', message);
  }
  const sources: ConfigurationSources = {
    ...(cwd === undefined ? {} : { cwd }),
    ...(propertiesFile === undefined ? {} : { propertiesFile }),
    ...(env === undefined ? {} : { env }),
    ...(argv === undefined ? {} : { argv }),
    ...(properties === undefined ? {} : { properties }),
    overrides,
  };
  return loadConfiguration(sources);
}

function connectionOf(options: KafkaModuleOptions, configuration: Configuration): KafkaConnection {
  return new KafkaConnection({
    name: DEFAULT_CONNECTION,
    configuration,
    factories: options.factories ?? {},
    startBroker: startBrokerBeside,
    clock: options.clock ?? systemClock,
    logger: loggerOf(options),
  });
}

/** Loaded only where it is needed: an application with a cluster never touches the broker's code. */
const startBrokerBeside: BrokerStarter = async ({ properties, profiles }, logger, clock) => {
  const { startEmbeddedBroker } = await import('../embedded/embedded-broker.js');
  const isProduction = profiles.includes('production');
  const broker = await startEmbeddedBroker({
    dataDir: properties.get('embedded.data-dir'),
    host: properties.get('embedded.host'),
    port: properties.get('embedded.port'),
    config: {
      // Its clients are this application's own listeners, which start together: nobody else is worth waiting for.
      'group.initial.rebalance.delay.ms': '0',
      ...(isProduction ? { 'auto.create.topics.enable': 'false' } : {}),
      ...properties.get('embedded.properties'),
    },
    logger,
    clock,
  });
  const how = broker.role === 'host' ? 'embedded broker on' : 'joined the embedded broker of another process on';
  return {
    bootstrapServers: broker.bootstrapServers,
    isHost: broker.role === 'host',
    description: `${how} ${broker.bootstrapServers}, data in ${broker.dataDir}`,
    stop: () => broker.stop(),
  };
};

function loggerOf(options: KafkaModuleOptions): Logger {
  return options.logger ?? nestLogger('Kafka');
}

/** Two would find every listener twice. */
function refuseSecond(modules: ModulesContainer): void {
  const found = [...modules.values()].filter(({ metatype }) => metatype === KafkaModule);
  if (found.length < 2) return;
  const message = 'KafkaModule is imported more than once: it is global, so import it in the root module alone';
  throw new NestdawError('KAFKA_CONFIG_INVALID', message);
}

/** Nest sorts hooks by distance: the highest first at the start, the lowest first at the end. */
function setDistance(modules: ModulesContainer, type: Type, distance: number): void {
  for (const module of modules.values()) {
    if (module.metatype === type) module.distance = distance;
  }
}
