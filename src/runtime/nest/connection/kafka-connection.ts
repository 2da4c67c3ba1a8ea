import { type Clock } from '../../../common/clock.js';
import { hasCode, messageOf } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type IdempotentOptions } from '../../../decorators/idempotent.js';
import { type TopicOptions } from '../../client/admin/new-topic.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { type Assignor } from '../../client/consumer/assignor.js';
import {
  type ConsumerOptions,
  consumerSettings,
  type ManualAssignment,
} from '../../client/consumer/consumer-options.js';
import { GroupConsumer } from '../../client/consumer/group-consumer.js';
import { lookUpRecords } from '../../client/consumer/record-lookup.js';
import { StandaloneConsumer } from '../../client/consumer/standalone-consumer.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { TransactionalKafkaProducer } from '../../client/producer/transactional-producer.js';
import {
  type ProducerClient,
  type RecordMetadata,
  type TransactionalProducerClient,
} from '../../client/producer-client.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Configuration } from '../../config/load-configuration.js';
import { type Mistake } from '../../config/mistakes.js';
import { checkConnection, checkConsumer, type Findings } from '../../config/rules.js';
import { InboxConsumer } from '../../inbox/inbox-consumer.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type OpenSpanProducer } from '../../listener/span-producer.js';
import { KafkaTemplate, type RecordReader } from '../../template/kafka-template.js';
import { type ProducerPool } from '../../template/producer-pool.js';
import { RecordWriter } from '../../template/record-writer.js';
import { type JsonTypeTable } from '../../template/serdes/json-types.js';
import { type KafkaTransactionManager } from '../../template/transaction-manager.js';
import { type ThreadConnection } from '../../threads/thread-messages.js';
import { AttachedParts } from '../attached-parts.js';
import { type ContainerSets } from '../declarations/container-factory.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { type SendExtensionOptions } from '../sending/send-extensions.js';
import { SerdeResolver } from '../serdes/serde-resolver.js';
import { type ThreadsOptions } from '../threads/threads-options.js';
import { consumerNumbers, templateOptions } from './client-options.js';
import {
  adminRequest,
  type ClusterRequest,
  configuredServers,
  consumerRequest,
  producerRequest,
} from './cluster-request.js';
import { ConnectionAdmin } from './connection-admin.js';
import { ConnectionClusters } from './connection-clusters.js';
import { ConnectionDelays } from './connection-delays.js';
import { ConnectionLogs } from './connection-logs.js';
import { ConnectionProducers } from './connection-producers.js';
import { ConnectionTransactions } from './connection-transactions.js';
import { requireTopics } from './missing-topics.js';
import { spanProducers } from './span-producers.js';

// One connection of an application: the servers (or the broker beside the application), the producer, the template
// over it, and the consumers that listeners ask for.

/** Replacements for what reaches out, for tests: with any of them no broker is started beside the application. */
export interface ClientFactories {
  readonly cluster?: (request: ClusterRequest) => Cluster;
  readonly producer?: (properties: KafkaProperties) => ProducerClient;
  readonly transactionalProducer?: (
    transactionalId: string,
    properties: KafkaProperties,
  ) => TransactionalProducerClient;
  readonly consumer?: (listener: DiscoveredListener, index: number) => ConsumerClient;
}

/** The embedded broker as a connection sees it. */
export interface RunningBroker {
  readonly bootstrapServers: string;
  /** Whether it runs in this process; else another process hosts it. */
  readonly isHost: boolean;
  readonly description: string;
  stop(): Promise<void>;
}
/** Starts or joins the broker beside the application. */
export type BrokerStarter = (configuration: Configuration, logger: Logger, clock: Clock) => Promise<RunningBroker>;

export interface KafkaConnectionOptions {
  readonly name: string;
  readonly configuration: Configuration;
  readonly factories: ClientFactories;
  readonly startBroker: BrokerStarter;
  /** Container options by name, for listeners. */
  readonly containers?: ContainerSets;
  /** Strategies that `partition.assignment.strategy` may name beside those of the package. */
  readonly assignors?: readonly Assignor[];
  /** What stands in the way of sends. */
  readonly extensions?: SendExtensionOptions;
  /** Payload classes by their names on the wire. */
  readonly types?: JsonTypeTable | undefined;
  /** Topics that shall exist. */
  readonly topics?: readonly TopicOptions[] | undefined;
  /** What listeners say about message ids that say nothing themselves. */
  readonly idempotent?: IdempotentOptions | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the configuration was read from: plain values, for threads to read it again. */
  readonly sources?: Readonly<Record<string, unknown>>;
  /** Names of options that are code, which threads have to be given by their own module. */
  readonly codeOptions?: readonly string[];
  /** What the module says about threads of listeners. */
  readonly threads?: ThreadsOptions | undefined;
  /** In a thread: whether the broker that the application runs on is in this process. Undefined elsewhere. */
  readonly isBrokerHere?: boolean | undefined;
}

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
  #stopping: Promise<void> | undefined;
  readonly #transactions: ConnectionTransactions;
  readonly #attached: AttachedParts;

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
      clock: options.clock,
      logger: options.logger,
    });
    this.#transactions = new ConnectionTransactions({
      connection: options.name,
      properties,
      createProducer: (transactionalId) => this.#createTransactionalProducer(transactionalId),
      clock: options.clock,
      logger: options.logger,
    });
    const { factories } = options;
    this.logs = new ConnectionLogs({
      properties,
      openCluster: (client, numbers) => this.#clusters.open(client, numbers),
      isFaked: (factories.consumer ?? factories.producer) !== undefined && factories.cluster === undefined,
      clock: options.clock,
      logger: options.logger,
    });
    this.#producers = new ConnectionProducers({
      connection: options.name,
      properties,
      environment: this.environment,
      extensions: options.extensions ?? {},
      serializers: (own) => this.serdes.serializers(own),
      openCluster: (own) => this.#clusters.open('producer', producerRequest(own)),
      factory: factories.producer,
      clock: options.clock,
      logger: options.logger,
    });
    const plain = () => this.#producers.client;
    const transactions = this.#transactions.template;
    const serializers = this.serdes.serializers();
    const delays = new ConnectionDelays(() => this, clock);
    if (properties.get('delays.store') !== 'none') this.attach(delays, true);
    const shared = {
      ...serializers,
      ...templateOptions(properties),
      reader: this.#lookUp,
      delays,
      clock: options.clock,
      logger: options.logger,
    };
    const producer = transactions.isEnabled ? () => transactions.producer(plain) : plain;
    const passing = () => transactions.passing(plain);
    this.template = this.#producers.makeTemplate(shared, { producer, passing, transactions });
    this.recordWriter = new RecordWriter(serializers.keySerializer, serializers.valueSerializer);
  }

  /** Something that starts when the connection is open, in the background, and ends before it does. */
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
    const { prefix } = this.properties;
    const servers =
      this.#broker === undefined ? {} : { [`${prefix}.bootstrap-servers`]: this.#broker.bootstrapServers };
    const { overrides = {}, ...sources } = this.#options.sources ?? {};
    return {
      name: this.name,
      sources,
      overrides: { ...(overrides as Record<string, unknown>), ...servers, ...this.#idsOf(thread) },
      isBrokerHere: this.#broker?.isHost ?? false,
      codeOptions: this.#options.codeOptions ?? [],
    };
  }

  /** Two producers with one transactional id fence each other. */
  #idsOf(thread: string): Record<string, string> {
    const ids = Object.entries({
      'producer.transaction-id-prefix': this.properties.get('producer.transaction-id-prefix'),
      'producer.properties.transactional.id': this.properties.get('producer.properties.transactional.id'),
      'template.transaction-id-prefix': this.properties.get('template.transaction-id-prefix'),
    });
    return Object.fromEntries(
      ids.flatMap(([key, id]) => (id ? [[`${this.properties.prefix}.${key}`, `${id}${thread}-`]] : [])),
    );
  }

  /** Finds values that are none and settings that contradict each other, before anything is opened. */
  check(findings: Findings): void {
    const { mistakes } = findings;
    mistakes.push(...this.configuration.mistakes);
    this.#producers.check(mistakes);
    checkConnection(this.properties, findings);
    this.#clusters.secure(this.configuration, mistakes);
    // The rules above name the keys at fault; what the client itself finds beside them has no place.
    if (mistakes.length === 0) {
      for (const [origin, check] of this.#producers.settingsChecks()) collect(mistakes, origin, check);
    }
    if (this.#needsBroker() && !this.properties.get('embedded.enabled')) {
      const { prefix } = this.properties;
      const problem =
        `${prefix}.bootstrap-servers is not set and ${prefix}.embedded.enabled is false: there is no broker to talk ` +
        `to; set ${prefix}.bootstrap-servers=host:port, or remove ${prefix}.embedded.enabled`;
      mistakes.push({ origin: this.properties.originOf('embedded.enabled') ?? 'configuration', problem });
    }
  }

  checkListener(listener: DiscoveredListener, findings: Findings): void {
    const before = findings.mistakes.length;
    checkConsumer(listener.properties, findings);
    if (findings.mistakes.length > before) return;
    const origin = `listener ${listener.endpoint.id}`;
    collect(findings.mistakes, origin, () => consumerSettings(this.#consumerOptions(listener, 0)));
  }

  /** Broker beside the application, where one is needed, then the producer. */
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
    await this.#producers.start();
    this.#attached.open();
  }

  /** Puts interceptors and the like before the templates, once the application has all its providers. */
  extend(providers: ProviderLookup, mistakes: Mistake[]): void {
    this.#producers.extend(providers, mistakes);
  }

  /** Under `listener.missing-topics-fatal`: throws KAFKA_CONFIG_INVALID when a topic of these listeners is missing. */
  async requireTopics(endpoints: readonly ListenerEndpoint[]): Promise<void> {
    const { consumer, producer, cluster } = this.#options.factories;
    if (!this.properties.get('listener.missing-topics-fatal')) return;
    if ((consumer || producer) && !cluster) return;
    const readers = new Map<string, string[]>();
    for (const { topics, id } of endpoints) {
      for (const topic of topics) readers.set(topic, [...(readers.get(topic) ?? []), id]);
    }
    const numbers = { ...consumerRequest(this.properties, { id: 'topics' }, 0), allowAutoCreateTopics: false };
    if (readers.size > 0) await requireTopics(this.#clusters.open('consumer', numbers), readers);
  }

  createConsumer(listener: DiscoveredListener, index: number): ConsumerClient {
    const { id, inbox } = listener.endpoint;
    const source = this.#createSource(listener, index);
    if (!inbox) return source;
    const { clock, logger } = this.#options;
    const maxPollRecords = listener.properties.get('consumer.max-poll-records');
    return new InboxConsumer({ source, ...inbox, maxPollRecords, name: `listener ${id}`, clock, logger });
  }

  #createSource(listener: DiscoveredListener, index: number): ConsumerClient {
    const { consumer } = this.#options.factories;
    if (consumer) return consumer(listener, index);
    const options = this.#consumerOptions(listener, index);
    return options.assignment ? new StandaloneConsumer(options) : new GroupConsumer(options);
  }

  /** Sends bytes as they are, beside the template: replies have a form of their own. */
  sendRecord(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    const joined = this.#transactions.manager.current;
    const producer = joined?.isOpen ? joined.producer : this.#producers.client;
    return producer.send(topic, partition, record);
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
    return new TransactionalKafkaProducer({ transactionalId, cluster, options, clock, logger });
  }

  #consumerOptions({ endpoint, properties }: DiscoveredListener, index: number): ConsumerOptions {
    const { clock, logger } = this.#options;
    return {
      ...consumerNumbers(properties),
      partitionAssignmentStrategy: this.#strategies(properties),
      groupId: endpoint.groupId,
      topics: endpoint.topics,
      ...(endpoint.offsets === undefined ? {} : { offsets: endpoint.offsets }),
      ...(endpoint.topicPattern === undefined ? {} : { topicPattern: endpoint.topicPattern }),
      ...(endpoint.assignment === undefined
        ? this.#membership(endpoint, properties, index)
        : { assignment: assignmentOf(endpoint.assignment, index, endpoint.concurrency) }),
      createCluster: () => this.#clusters.open('consumer', consumerRequest(properties, endpoint, index)),
      clock,
      logger,
    };
  }

  /** Own ones by their name, or that of their class. */
  #strategies(properties: KafkaProperties): Array<string | Assignor> {
    const { assignors = [] } = this.#options;
    const named = (text: string) =>
      assignors.find((own) => own.name === text || own.constructor.name === text.split('.').at(-1));
    return properties
      .get('consumer.properties.partition.assignment.strategy')
      .map((text: string) => named(text) ?? text);
  }

  /** Static or dynamic membership. A group refuses two members of one instance id, hence the index. */
  #membership(endpoint: ListenerEndpoint, properties: KafkaProperties, index: number) {
    const instanceId = properties.get('consumer.properties.group.instance.id');
    if (instanceId !== undefined) {
      return { groupInstanceId: endpoint.concurrency > 1 ? `${instanceId}-${index}` : instanceId };
    }
    if (!(this.#broker?.isHost ?? this.#options.isBrokerHere)) return {};
    // The broker dies with this process. Dynamic members that died with it would hold up their groups for a session
    // after a restart; static ones are simply replaced. The directory's lock makes the host, and so the id, unique.
    return { groupInstanceId: `host-${endpoint.id}-${index}`, leaveOnStop: true };
  }

  readonly #lookUp: RecordReader = (positions, timeoutMs) => {
    const { properties } = this;
    const cluster = this.#clusters.open('consumer', {
      ...consumerRequest(properties, { id: 'receive' }, 0),
      allowAutoCreateTopics: false,
    });
    return lookUpRecords(positions, {
      cluster,
      clock: this.clock,
      isolationLevel: properties.get('consumer.isolation-level'),
      checkCrcs: properties.get('consumer.properties.check.crcs'),
      timeoutMs,
    });
  };

  /** Whether a client has no servers, so that a broker has to stand beside the application. */
  #needsBroker(): boolean {
    return this.#clusters.isMissing && !this.#isFaked();
  }

  #isFaked(): boolean {
    const { cluster, producer, consumer } = this.#options.factories;
    return cluster !== undefined || producer !== undefined || consumer !== undefined;
  }
}

function assignmentOf(
  assignment: NonNullable<ListenerEndpoint['assignment']>,
  index: number,
  of: number,
): ManualAssignment {
  return assignment === 'all' ? { index, of } : { partitions: assignment, index, of };
}

/** Runs a check of a client's settings and takes what it throws as a mistake. */
function collect(mistakes: Mistake[], origin: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
    mistakes.push({ origin, problem: messageOf(error) });
  }
}
