import { type Clock } from '../../../common/clock.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type IdempotentOptions } from '../../../decorators/idempotent.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { TransactionalKafkaProducer } from '../../client/producer/transactional-producer.js';
import { type RecordMetadata, type TransactionalProducerClient } from '../../client/producer-client.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Configuration } from '../../config/load-configuration.js';
import { type Mistake } from '../../config/mistakes.js';
import { checkConnection, type Findings } from '../../config/rules.js';
import { type OpenSpanProducer } from '../../listener/spans/span-producer.js';
import { KafkaTemplate } from '../../template/kafka-template.js';
import { type ProducerPool } from '../../template/producer-pool.js';
import { RecordWriter } from '../../template/record-writer.js';
import { type KafkaTransactionManager } from '../../template/transaction-manager.js';
import { type SharedProducer } from '../../threads/shared-producer.js';
import { type ThreadConnection } from '../../threads/thread-messages.js';
import { AttachedParts } from '../attached-parts.js';
import { type ContainerSets } from '../declarations/container-factory.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { SerdeResolver } from '../serdes/serde-resolver.js';
import { type ThreadsOptions } from '../threads/threads-options.js';
import { templateOptions } from './client-options.js';
import { adminRequest, configuredServers, producerRequest } from './cluster-request.js';
import { ConnectionAdmin } from './connection-admin.js';
import { ConnectionClusters } from './connection-clusters.js';
import { ConnectionConsumers } from './connection-consumers.js';
import { ConnectionDelays } from './connection-delays.js';
import { ConnectionLogs } from './connection-logs.js';
import { type KafkaConnectionOptions, type RunningBroker } from './connection-options.js';
import { ConnectionProducers } from './connection-producers.js';
import { ConnectionTransactions } from './connection-transactions.js';
import { type LiveProducer } from './live-producer.js';
import { type TopicCheck } from './missing-topics.js';
import { checkServers, collect } from './settings-check.js';
import { spanProducers } from './span-producers.js';
import { threadConnection } from './thread-connection.js';

// One connection of an application: the servers (or the broker beside the application), the producer, the template
// over it, and the consumers that listeners ask for.

export class KafkaConnection implements Startable {
  readonly name: string;
  readonly configuration: Configuration;
  readonly template: KafkaTemplate;
  /** Serializes as the template does, for records that go elsewhere first. */
  readonly recordWriter: RecordWriter;
  readonly serdes: SerdeResolver;
  readonly logs: ConnectionLogs;
  /** Topics and the like of this connection's cluster. */
  readonly admin: ConnectionAdmin;
  readonly #options: KafkaConnectionOptions;
  readonly #clusters: ConnectionClusters;
  #broker: RunningBroker | undefined;
  readonly #producers: ConnectionProducers;
  readonly #consumers: ConnectionConsumers;
  #connecting: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  readonly #transactions: ConnectionTransactions;
  readonly #attached: AttachedParts;
  readonly #delays: ConnectionDelays;

  constructor(options: KafkaConnectionOptions) {
    const { properties } = options.configuration;
    this.name = options.name;
    this.configuration = options.configuration;
    this.#options = options;
    this.#attached = new AttachedParts(options.logger);
    const { clock, logger } = options;
    this.#clusters = new ConnectionClusters({ properties, factory: options.factories.cluster, clock, logger });
    this.serdes = new SerdeResolver(properties, options.types);
    this.admin = new ConnectionAdmin({
      properties,
      topics: options.topics ?? [],
      resolve: (text) => this.environment.resolvePlaceholders(text),
      openCluster: () => this.#clusters.open('admin', adminRequest(properties)),
      isFaked: () => this.#isFaked() && this.#options.factories.cluster === undefined,
      clock,
      logger,
    });
    this.#transactions = new ConnectionTransactions({
      connection: options.name,
      properties,
      createProducer: (transactionalId) => this.#createTransactionalProducer(transactionalId),
      clock,
      logger,
    });
    const { factories } = options;
    this.#consumers = new ConnectionConsumers({
      properties,
      clusters: this.#clusters,
      assignors: options.assignors ?? [],
      factory: factories.consumer,
      isBrokerHere: () => this.#broker?.isHost ?? options.isBrokerHere,
      clock,
      logger,
    });
    this.logs = new ConnectionLogs({
      properties,
      openCluster: (client, numbers) => this.#clusters.open(client, numbers),
      isFaked: (factories.consumer ?? factories.producer) !== undefined && factories.cluster === undefined,
      clock,
      logger,
    });
    this.#producers = new ConnectionProducers({
      connection: options.name,
      properties,
      environment: this.environment,
      extensions: options.extensions ?? {},
      serializers: (own) => this.serdes.serializers(own),
      openCluster: (own) => this.#clusters.open('producer', producerRequest(own)),
      isExpected: (topic) => this.admin.isMaking(topic),
      factory: factories.producer,
      ofApplication: options.ofApplication,
      clock,
      logger,
    });
    const plain = () => this.#producers.client;
    const transactions = this.#transactions.template;
    const serializers = this.serdes.serializers();
    this.#delays = new ConnectionDelays(() => this, clock);
    if (properties.get('delays.store') !== 'none') this.attach(this.#delays, true);
    const shared = {
      ...serializers,
      ...templateOptions(properties),
      reader: this.#consumers.lookUp,
      delays: this.#delays,
      clock,
      logger,
    };
    const producer = transactions.isEnabled ? () => transactions.producer(plain) : plain;
    const passing = () => transactions.passing(plain);
    this.template = this.#producers.makeTemplate(shared, { producer, passing, transactions });
    this.recordWriter = new RecordWriter(serializers.keySerializer, serializers.valueSerializer);
  }

  /** Something that starts with the application, in the background, and ends before the connection does. */
  attach(part: Startable, autoStartup: boolean): void {
    this.#attached.add(part, autoStartup);
  }

  /** Transactions of this connection. */
  get transactionManager(): KafkaTransactionManager {
    return this.#transactions.manager;
  }

  /** Idle and busy producers of transactions; undefined where transactions are not configured. */
  get transactionalProducers(): ProducerPool | undefined {
    return this.#transactions.pool;
  }

  /** Producers for the transactions of listeners; undefined where transactions are not configured. */
  get listenerTransactions(): OpenSpanProducer | undefined {
    const { pool, manager } = this.#transactions;
    return pool && spanProducers(pool, manager, this.properties.get('producer.properties.transaction.timeout.ms'));
  }

  get containers(): ContainerSets {
    return this.#options.containers ?? {};
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get logger(): Logger {
    return this.#options.logger;
  }

  get idempotent(): IdempotentOptions | undefined {
    return this.#options.idempotent;
  }

  get properties(): KafkaProperties {
    return this.configuration.properties;
  }

  get environment(): Configuration['environment'] {
    return this.configuration.environment;
  }

  /** Addresses in use: configured, or those of the broker beside the application; empty before the start. */
  get bootstrapServers(): readonly string[] {
    return this.#clusters.servers('producer');
  }

  get threads(): ThreadsOptions | undefined {
    return this.#options.threads;
  }

  /** The connection as a worker thread shall have it: the same configuration, and the broker that is in use. */
  forThread(thread: string): ThreadConnection {
    return threadConnection(this.#options, this.#broker, thread);
  }

  /** Finds values that are none and settings that contradict each other, before anything is opened. */
  check(findings: Findings): void {
    const { mistakes } = findings;
    mistakes.push(...this.configuration.mistakes);
    this.#producers.check(findings);
    checkConnection(this.properties, findings);
    this.#consumers.checkStrategies(this.properties, mistakes);
    this.#clusters.secure(this.configuration, findings);
    // The rules above name the keys at fault; what the client itself finds beside them has no place.
    if (mistakes.length === 0) {
      for (const [origin, check] of this.#producers.settingsChecks()) collect(mistakes, origin, check);
    }
    if (this.#needsBroker()) checkServers(this.properties, mistakes);
  }

  checkListener(listener: DiscoveredListener, findings: Findings): void {
    this.#consumers.check(listener, findings);
  }

  /**
   * Broker beside the application, where one is needed, then the producers, which take sends at once: see `connected`.
   */
  async start(): Promise<void> {
    const { logger, configuration, startBroker, clock } = this.#options;
    if (this.#needsBroker()) {
      this.#broker = await startBroker(configuration, logger, clock);
      this.#clusters.fallBackOn(this.#broker.bootstrapServers.split(','));
      logger.log(this.#broker.description);
    }
    const configured = new Set([
      ...configuredServers(this.properties, 'consumer'),
      ...configuredServers(this.properties, 'producer'),
    ]);
    const isThread = this.#options.isBrokerHere !== undefined;
    if (configured.size > 0 && !isThread) logger.log(`using the Kafka cluster at ${[...configured].join(', ')}`);
    this.#connecting = this.#producers.start();
    this.#connecting.catch(() => undefined); // for whoever asks
    // How the application's producers are to be used is what a thread hears as it connects to them.
    if (isThread) await this.#connecting;
  }

  /** The application has started: what is attached starts, and what is open keeps the process alive. */
  begin(): void {
    this.#clusters.hold();
    this.#attached.open();
  }

  /** When the producers are connected, or go on trying: they need not be while the application gets ready. */
  get connected(): Promise<void> {
    return this.#connecting;
  }

  /** Finds interceptors and what else properties name, once the application has all its providers. */
  extend(providers: ProviderLookup, mistakes: Mistake[]): void {
    this.#producers.extend(providers, mistakes);
    this.#delays.bind(providers, mistakes);
  }

  /** Whether topics are there that have to be; undefined where clients of a test stand in for the cluster. */
  get topicCheck(): TopicCheck | undefined {
    const { consumer, producer, cluster } = this.#options.factories;
    return (consumer || producer) && !cluster ? undefined : this.#consumers.topics;
  }

  createConsumer(listener: DiscoveredListener, index: number): ConsumerClient {
    return this.#consumers.create(listener, index);
  }

  /** Sends bytes as they are, beside the template: replies have a form of their own. */
  sendRecord(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    const joined = this.#transactions.manager.current;
    const producer = joined?.isOpen ? joined.producer : this.#producers.client;
    return producer.send(topic, partition, record);
  }

  /**
   * The plain producer, or one with a name, for worker threads. Throws KAFKA_CONFIG_INVALID for a name that is none.
   */
  sharedProducer(name: string | undefined): SharedProducer {
    return this.#producers.shared(name);
  }

  /** A producer that lets nothing overtake a lost record; whoever asks for it starts and stops it. */
  makeProducerInOrder(what: string): LiveProducer {
    return this.#producers.makeInOrder(what);
  }

  /** Sends what waits, then ends the producer and the broker. Harmless when repeated. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#attached.close();
    try {
      await this.#transactions.stop();
      await this.#producers.stop();
    } finally {
      this.#producers.close();
      await this.serdes.close();
      await this.admin.close();
      await this.#broker?.stop();
    }
  }

  #createTransactionalProducer(transactionalId: string): TransactionalProducerClient {
    const { factories, clock, logger } = this.#options;
    const { properties } = this;
    void this.#producers.client; // not before the connection is open
    if (factories.transactionalProducer) return factories.transactionalProducer(transactionalId, properties);
    const request = producerRequest(properties);
    const cluster = this.#clusters.open('producer', { ...request, clientId: `${request.clientId}-${transactionalId}` });
    const options = this.#producers.optionsOf(properties);
    const isExpected = (topic: string) => this.admin.isMaking(topic);
    return new TransactionalKafkaProducer({ transactionalId, cluster, options, isExpected, clock, logger });
  }

  /** Whether a client has no servers, so that a broker has to stand beside the application. */
  #needsBroker(): boolean {
    return this.#clusters.isMissing && !this.#isFaked();
  }

  #isFaked(): boolean {
    const { cluster, producer, consumer } = this.#options.factories;
    return cluster !== undefined || producer !== undefined || consumer !== undefined;
  }
}
