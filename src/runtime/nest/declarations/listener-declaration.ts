import { type Clock } from '../../../common/clock.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type IdempotentOptions } from '../../../decorators/idempotent.js';
import { type KafkaHandlerOptions, type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type RetryableTopicOptions } from '../../../decorators/retryable-topic.js';
import { type NeededTopic } from '../../client/admin/needed-topics.js';
import { type Environment } from '../../config/environment.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type RecordSender } from '../../dead-letters/record-sender.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type OpenSpanProducer } from '../../listener/spans/span-producer.js';
import { type ConnectionLogs } from '../connection/connection-logs.js';
import { type CallRules } from '../handlers/listener-invoker.js';
import { type HandlerTarget } from '../handlers/method-call.js';
import { type MethodParameters } from '../metadata-accessor.js';
import { type ReplyTemplate } from '../replies/replier.js';
import { type SerdeResolver } from '../serdes/serde-resolver.js';
import { type ContainerSets } from './container-factory.js';

// What a listener is before anything is made of it: what it declares, where it was found, and what it may ask for.

export interface TransactionalConnection {
  readonly properties: KafkaProperties;
  /** Producers for transactions; undefined where they are not configured. */
  readonly listenerTransactions?: OpenSpanProducer | undefined;
}

export interface ListenerConnection extends TransactionalConnection {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  /** What records are handed on with. */
  readonly template: RecordSender & ReplyTemplate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Options by name that listeners share. */
  readonly containers: ContainerSets;
  readonly logs: Pick<ConnectionLogs, 'readLogs'>;
  sendRecord(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<unknown>;
  /** What the module says for all listeners. */
  readonly idempotent: IdempotentOptions | undefined;
  /** Something that starts and ends with the connection. */
  attach(part: Startable, autoStartup: boolean): void;
  readonly serdes: SerdeResolver;
}

export interface DiscoveredListener {
  readonly endpoint: ListenerEndpoint;
  /** The connection's properties with those of the listener over them. */
  readonly properties: KafkaProperties;
  /** What the listener says itself about how its container runs. */
  readonly settings: Partial<ContainerSettings>;
  /** Topics beside those that it reads, made before it starts. */
  readonly neededTopics: readonly NeededTopic[];
}

/** A method that may be called, and what its parameters ask for. */
export interface HandlerMethod {
  readonly target: HandlerTarget;
  readonly parameters: MethodParameters;
}

/** What a listener runs: one method, the methods of a class by payload type, or something ready-made. */
export type HandlerSource =
  | ({ readonly kind: 'method' } & HandlerMethod)
  | {
      readonly kind: 'class';
      readonly methods: ReadonlyArray<HandlerMethod & { readonly options: KafkaHandlerOptions }>;
    }
  | { readonly kind: 'ready'; readonly handlerFor: (rules: CallRules) => ListenerEndpoint['handler'] };

export interface ListenerDeclaration {
  /** `OrderListener.handle`, for messages; the id when none is given. */
  readonly where: string;
  readonly options: KafkaListenerOptions;
  readonly source: HandlerSource;
  /** The object that the listener belongs to; its rebalance callbacks are called. */
  readonly host: object | undefined;
  /** It was found on a class, where a thread of its own will find it too. */
  readonly isDeclared?: boolean;
  /** What becomes of its failed records; undefined: as its error handler says, or a configuration for its topics. */
  readonly retryable?: RetryableTopicOptions | undefined;
  /** Who gets its dead letters; undefined: they are logged. */
  readonly dltHandler?: HandlerMethod | undefined;
}

/** What is collected while listeners are made. */
export interface Findings {
  readonly mistakes: Mistake[];
  readonly notices: string[];
  /** Ids that are taken, and by whom. */
  readonly ids: Map<string, string>;
}
