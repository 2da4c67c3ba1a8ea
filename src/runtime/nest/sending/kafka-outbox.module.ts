import { hostname } from 'node:os';
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { NestdawError } from '../../../common/errors.js';
import { systemRandom } from '../../../common/random.js';
import { type Mistake, throwIfAny } from '../../config/mistakes.js';
import { FileOutboxStore } from '../../outbox/file-outbox-store.js';
import { OutboxRelay } from '../../outbox/outbox-relay.js';
import { OutboxTemplate } from '../../outbox/outbox-template.js';
import { OutboxWriter } from '../../outbox/outbox-writer.js';
import { SqlOutboxStore } from '../../outbox/sql-outbox-store.js';
import { sqlDatabase } from '../../sql/sql-client.js';
import { type SqlDatabase } from '../../sql/sql-database.js';
import { type LiveProducer } from '../connection/live-producer.js';
import { KafkaRuntime } from '../kafka-runtime.js';
import { OutboxBinder } from './outbox-binder.js';
import { StoppingSender } from './stopping-sender.js';

// The module of the outbox: makes the store from what the application has, and gives the relay its life.

/** Options of `KafkaOutboxModule`: a database or a folder, everything else has a default. */
export interface KafkaOutboxOptions {
  /** The SQL client that the application has (see `sqlDatabase`), or a `SqlDatabase`. */
  readonly database?: object;
  /** Folder of a write-ahead file, for applications without a database. It belongs to one process at a time. */
  readonly folder?: string;
  /** Name of the connection that messages are sent by. Default `default`. */
  readonly connection?: string;
  /** Name of the table. Default `nestdaw_outbox`. */
  readonly table?: string;
  /** Whether missing tables are made at the start. Default true; else run what `outboxTables(dialect)` gives. */
  readonly createTables?: boolean;
  /** Header that carries the message's id. Default `message-id`. */
  readonly messageIdHeader?: string;
  /** Whether this process relays too. Default true; false: it only writes, and another one relays. */
  readonly relay?: boolean;
  /** Messages of one round of the relay. Default 500. */
  readonly batchSize?: number;
  /** How often the relay looks for messages of other processes, in ms. Default 100. */
  readonly pollIntervalMs?: number;
  /** After how many ms without a sign of life another process takes over. Default 10,000. */
  readonly leaseMs?: number;
}

/** Options of `KafkaOutboxModule.forRootAsync`. */
export interface KafkaOutboxAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...args: any[]) => KafkaOutboxOptions | Promise<KafkaOutboxOptions>;
}

const OPTIONS = 'nestdaw:outbox-options';
const PARTS = 'nestdaw:outbox-parts';
const MESSAGE_ID = 'message-id';

interface OutboxParts {
  readonly template: OutboxTemplate;
  readonly relay: OutboxRelay;
  /** The relay's own: what it may send must not depend on what others lose. */
  readonly producer: () => LiveProducer;
  readonly store: SqlOutboxStore | FileOutboxStore;
}

/**
 * The transactional outbox of an application, beside `KafkaModule`: gives it an injectable `OutboxTemplate`, serves
 * its `@Outbox` methods, and relays what was written.
 */
@Module({})
export class KafkaOutboxModule implements OnModuleInit, OnApplicationBootstrap {
  #binder: OutboxBinder | undefined;

  constructor(
    @Inject(PARTS) private readonly parts: OutboxParts,
    @Inject(OPTIONS) private readonly options: KafkaOutboxOptions,
    @Inject(KafkaRuntime) private readonly runtime: KafkaRuntime,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  /** `KafkaOutboxModule.forRoot({ database: pool })` or `{ folder: './outbox' }`. */
  static forRoot(options: KafkaOutboxOptions): DynamicModule {
    return moduleOf({ provide: OPTIONS, useValue: options }, []);
  }

  /**
   * The same with options that other providers give: `inject: [DataSource], useFactory: (database) => ({ database })`.
   */
  static forRootAsync({ imports = [], inject = [], useFactory }: KafkaOutboxAsyncOptions): DynamicModule {
    return moduleOf({ provide: OPTIONS, useFactory, inject }, imports);
  }

  async onModuleInit(): Promise<void> {
    const { template, store } = this.parts;
    const mistakes: Mistake[] = [];
    const { environment } = this.runtime.connection(this.options.connection ?? DEFAULT_CONNECTION);
    this.#binder = new OutboxBinder(template, environment);
    this.#binder.bind(this.discovery, this.scanner, mistakes);
    throwIfAny(mistakes);
    for (const damage of await store.open()) this.runtime.tools.logger.error(damage);
    this.runtime.accompany({ stop: () => this.#stop() });
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.options.relay === false) return;
    await this.parts.producer().start();
    this.parts.relay.start();
  }

  async #stop(): Promise<void> {
    const { relay, producer, store } = this.parts;
    this.#binder?.unbind();
    await relay.stop();
    if (producer().isOpen) await producer().stop();
    await store.close();
  }
}

function moduleOf(options: Provider, imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
  return {
    module: KafkaOutboxModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      options,
      { provide: PARTS, useFactory: partsOf, inject: [OPTIONS, KafkaRuntime] },
      { provide: OutboxTemplate, useFactory: ({ template }: OutboxParts) => template, inject: [PARTS] },
    ],
    exports: [OutboxTemplate],
  };
}

function partsOf(options: KafkaOutboxOptions, runtime: KafkaRuntime): OutboxParts {
  const connection = () => runtime.connection(options.connection ?? DEFAULT_CONNECTION);
  const { batchSize, pollIntervalMs, leaseMs, messageIdHeader = MESSAGE_ID } = options;
  const { store, database } = storeOf(options);
  let made: LiveProducer | undefined;
  const producer = () => (made ??= connection().makeProducerInOrder("the outbox's producer"));
  const relay = new OutboxRelay({
    store,
    sender: new StoppingSender(() => producer().client),
    owner: `${hostname()}-${process.pid}-${Math.floor(systemRandom.next() * 2 ** 32).toString(16)}`,
    messageIdHeader,
    tools: runtime.tools,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  const writer = new OutboxWriter({
    store,
    messageIdHeader,
    now: () => runtime.tools.clock.now(),
    onWritten: () => relay.wake(),
  });
  const template = new OutboxTemplate({
    writer,
    store,
    relay,
    database,
    now: () => runtime.tools.clock.now(),
    records: () => connection().recordWriter,
  });
  return { template, relay, producer, store };
}

function storeOf(options: KafkaOutboxOptions): {
  readonly store: SqlOutboxStore | FileOutboxStore;
  readonly database: SqlDatabase | undefined;
} {
  const { database: client, folder, table, createTables } = options;
  if ((client === undefined) === (folder === undefined)) {
    const given = client === undefined ? 'neither' : 'both';
    const message = `KafkaOutboxModule needs a database or a folder; it was given ${given}`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', message);
  }
  if (client === undefined) return { store: new FileOutboxStore({ folder: folder! }), database: undefined };
  const database = sqlDatabase(client);
  const store = new SqlOutboxStore({
    database,
    ...(table === undefined ? {} : { table }),
    ...(createTables === undefined ? {} : { createTables }),
  });
  return { store, database };
}
