import 'reflect-metadata';
import { type ErrorClass } from '../common/error-class.js';
import { type FilteredRecord } from './filtered-record.js';
import { type KafkaListenerOptions } from './listener-options.js';
import { DLT_HANDLER, RETRYABLE_TOPIC } from './metadata-keys.js';
import { type ProviderReference } from './provider-reference.js';

// @RetryableTopic and @DltHandler: what becomes of a listener's failed records, in other topics, without holding up
// the ones behind them. Metadata only.

/** Delays between deliveries (Spring: `@BackOff`). Durations are ms, or texts such as `2s`, `PT1M`, `${my.delay}`. */
export interface BackOffOptions {
  /** Before the second delivery. Default 1 s. */
  readonly delay?: number | string;
  /** Above 1 each delay is the one before times this. Default 0: all delays are the same. */
  readonly multiplier?: number | string;
  /** The most that a delay grows to; 0 for no limit. Default 0. */
  readonly maxDelay?: number | string;
  /**
   * Drawn for each record: at most this much is added to its delay or taken off, more where the delay has grown.
   * Topics keep their names. Default 0.
   */
  readonly jitter?: number | string;
}

/** Deliveries in place, before a record goes on to its next topic (Spring: `configureBlockingRetries`). */
export interface BlockingRetryOptions {
  /** Errors that are worth it. */
  readonly on: readonly ErrorClass[];
  /** Deliveries after the first, at each topic. Default 9. */
  readonly retries?: number | string;
  /** Delays between them. Default none. */
  readonly backOff?: BackOffOptions;
}

/** What a retry or dead-letter container may have of its own (Spring: `listenerContainerFactory`). */
export type RetryListenerOptions = Pick<KafkaListenerOptions, 'workers' | 'order' | 'ackMode' | 'properties'>;

/** Attributes of `@RetryableTopic`, by Spring's names. Strings may hold placeholders. */
export interface RetryableTopicOptions {
  /** Deliveries of a record in all, the first included, 1 to 32,767. Default 3. */
  readonly attempts?: number | string;
  /** Default 1 s between deliveries. */
  readonly backOff?: BackOffOptions;
  /** After this long since the record's own timestamp a failure leads to the dead-letter topic. Default: never. */
  readonly timeout?: number | string;
  /** Errors that are worth another delivery; others lead to the dead-letter topic at once. Default all. */
  readonly include?: readonly ErrorClass[];
  /** Errors that are not. Not together with `include`. */
  readonly exclude?: readonly ErrorClass[];
  /** Whether the causes of an error are looked at too. Default false. */
  readonly traversingCauses?: boolean | string;
  /** Appended to topic, id, group and the like. Default `-retry`. */
  readonly retryTopicSuffix?: string;
  /** Default `-dlt`. */
  readonly dltTopicSuffix?: string;
  /** Retry topics by their delay in ms (`-retry-1000`), or by their number (`-retry-0`). Default by delay. */
  readonly topicSuffixingStrategy?: 'SUFFIX_WITH_DELAY_VALUE' | 'SUFFIX_WITH_INDEX_VALUE' | (string & {});
  /** Whether deliveries with the same delay share a topic. Default `SINGLE_TOPIC`. */
  readonly sameIntervalTopicReuseStrategy?: 'SINGLE_TOPIC' | 'MULTIPLE_TOPICS' | (string & {});
  /** Whether retry and dead-letter topics are made at start where they are missing. Default true. */
  readonly autoCreateTopics?: boolean | string;
  /** Partitions of topics made here. Default: as many as the listener's topic, so that a record keeps its partition. */
  readonly numPartitions?: number | string;
  /** Replicas of topics made here; -1 for what the broker gives. Default -1. */
  readonly replicationFactor?: number | string;
  /**
   * What follows a failure of the dead-letter handler, or that there is no such topic. Default `ALWAYS_RETRY_ON_ERROR`.
   */
  readonly dltStrategy?: 'ALWAYS_RETRY_ON_ERROR' | 'FAIL_ON_ERROR' | 'NO_DLT' | (string & {});
  /** Dead-letter topics for some errors and those they caused: `<topic><suffix><dltTopicSuffix>`. */
  readonly exceptionBasedDltRouting?: ReadonlyArray<{
    readonly suffix: string;
    readonly exceptions: readonly ErrorClass[];
  }>;
  /** Whether the dead-letter listener starts with the application. Default as the listener does. */
  readonly autoStartDltHandler?: boolean | string;
  /** Consumers of each retry and dead-letter listener. Default those of the listener. */
  readonly concurrency?: number | string;
  /**
   * Where records wait for their delivery: `topics`, in their retry topic; Redis, in a sorted set by due time: `redis`
   * for the one of `kafka.redis.url`, or the client of the application, by class or token; or a table, by the SQL
   * client of the application or a `SqlDelayStore`. A retry topic whose records are not due yet is then emptied into
   * the store at once, however many there are. Default `topics`.
   */
  readonly delays?: ProviderReference<object>;
  /**
   * `key`: while a record waits for its retry, later records of its key wait behind it, over restarts too; other keys
   * go on. There is then one retry topic, read by the listener's own consumers, so `workers` and `order: 'key'` of the
   * listener hold for both, and the group must use the range assignor. Default: records overtake what is retried.
   */
  readonly order?: 'key' | (string & {});
  /** What records are sent on with: a `KafkaTemplate` by class or token. Default that of the listener's connection. */
  readonly kafkaTemplate?: ProviderReference<object>;
  /** How retry and dead-letter listeners differ from the listener. */
  readonly listener?: RetryListenerOptions;
  /** Deliveries in place before a record goes on. Default none. */
  readonly blockingRetries?: BlockingRetryOptions;
  /** Errors that no delivery can cure, instead of those that are known (no JSON, not valid, no handler for it). */
  readonly fatal?: readonly ErrorClass[];
  /** Partition of the next topic; undefined lets the producer choose. Default: the record's own, where there is one. */
  readonly partitionResolver?: (record: FilteredRecord, topic: string) => number | undefined;
}

/**
 * Failed records of a listener go through retry topics and, in the end, to a dead-letter topic, while the records
 * behind them go on (Spring: `@RetryableTopic`). On a method with `@KafkaListener`, or on a class for its listeners.
 * The offset is committed when the record is stored in its next topic, never before. Order among the records of a key
 * is given up. Not for batch listeners.
 *
 * ```ts
 * @RetryableTopic({ attempts: 4, backOff: { delay: '1s', multiplier: 5 } })
 * @KafkaListener({ topics: 'orders', groupId: 'billing' })
 * pay(order: Order) {}
 *
 * @DltHandler()
 * refused(order: Order, @Header(RETRY_TOPIC_HEADERS.exceptionMessage) why: string) {}
 * ```
 */
export function RetryableTopic(options: RetryableTopicOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    Reflect.defineMetadata(RETRYABLE_TOPIC, options, descriptor === undefined ? target : (descriptor.value as object));
  };
}

/**
 * The method of a class that gets the dead letters of its `@RetryableTopic` listeners, with parameters as any listener
 * has them (Spring: `@DltHandler`). Without one they are logged.
 */
export function DltHandler(): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    Reflect.defineMetadata(DLT_HANDLER, true, descriptor.value as object);
  };
}
