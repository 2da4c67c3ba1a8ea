import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type IdempotentOptions } from '../../../decorators/idempotent.js';
import { type TopicOptions } from '../../client/admin/new-topic.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { type Assignor } from '../../client/consumer/assignors/assignor.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { type ProducerClient, type TransactionalProducerClient } from '../../client/producer-client.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Configuration } from '../../config/load-configuration.js';
import { type JsonTypeTable } from '../../template/serdes/json-types.js';
import { type ContainerSets } from '../declarations/container-factory.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { type SendExtensionOptions } from '../sending/send-extensions.js';
import { type ThreadsOptions } from '../threads/threads-options.js';
import { type ClusterRequest } from './cluster-request.js';

// What a connection is made with: its configuration, and what of the outside world it is given.

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

/** A producer of the application as a worker thread sends by it; whoever asks for it starts and stops it. */
export type ProducerOfApplication = (name: string | undefined, closeTimeoutMs: number | undefined) => ProducerClient;

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
  /** In a thread: gives a producer of the application, with a name or the plain one. */
  readonly ofApplication?: ProducerOfApplication | undefined;
  /** In a thread: whether the broker that the application runs on is in this process. Undefined elsewhere. */
  readonly isBrokerHere?: boolean | undefined;
}
