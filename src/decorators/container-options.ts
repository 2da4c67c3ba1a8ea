import { type OffsetAndMetadataProvider, type OffsetMetadataFunction } from '../common/offset-metadata.js';
import { type ProviderReference } from './provider-reference.js';

// How a listener's container runs, apart from what it reads: said in a listener, or in a named set for many.

/** A pool that finds its number of workers itself. Numbers may be placeholders too. */
export interface SteeredWorkers {
  readonly min: number | string;
  readonly max: number | string;
  /**
   * `latency`: more workers while handlers take no longer for it. `lag`: more while the records that wait become no
   * fewer. Default `latency`.
   */
  readonly by?: 'latency' | 'lag' | (string & {});
}

/**
 * How much of what was fetched waits and runs at once. A partition that is over one of its bounds is paused, and flows
 * again at half of it; one poll may exceed each. Numbers may be placeholders; sizes may be written as `64MB`.
 */
export interface ListenerBudget {
  /** Records of one partition. Default 2,000, and at least four for each worker. */
  readonly records?: number | string;
  /** Bytes of one partition. Default 32 MiB. */
  readonly bytes?: number | string;
  /** Records of one partition above its committable offset. Default 10,000, and at least eight for each worker. */
  readonly uncommitted?: number | string;
  /** Bytes of all partitions together, in this process. Default `kafka.listener.memory-budget`. */
  readonly memory?: number | string;
}

/** How many records may begin in a second. What waits for its turn keeps no worker. */
export interface ListenerRate {
  /** Above 0; 0.1 is one in ten seconds. */
  readonly perSecond: number;
  /** How many may begin at once after a pause. Default 1. */
  readonly burst?: number;
  /**
   * True: of each key. Default false: of the whole listener in this process; with `threads: true` each of its consumers
   * has an equal part.
   */
  readonly perKey?: boolean;
}

/** Decides what becomes of failed records; what `defaultErrorHandler` and its like make, or a function of one's own. */
export type ContainerErrorHandler = (failure: any) => any;

/** What stands around the calls of a listener, see `RecordInterceptor` and `BatchInterceptor`. */
export type InterceptorReference = ProviderReference<{
  intercept?(subject: any, context: any): any;
  success?(subject: any): void;
  failure?(subject: any, error: unknown): void;
  afterRecord?(record: any): void;
  afterBatch?(records: any): void;
}>;

/** Told about failed deliveries, see `RetryListener`. */
export type RetryListenerReference = ProviderReference<{
  failedDelivery?(record: any, error: unknown, attempt: number, decision: any): void;
  recovered?(record: any, error: unknown): void;
  recoveryFailed?(record: any, failure: unknown): void;
}>;

/** Options of the container itself. */
export interface ContainerOptions {
  /**
   * What becomes of failed records (Spring: `CommonErrorHandler`): a function such as `defaultErrorHandler({ … })`
   * gives, or a provider with `handle(failure)`. Default: ten deliveries, then the partition waits.
   */
  readonly commonErrorHandler?: ProviderReference<ContainerErrorHandler | { handle: ContainerErrorHandler }>;
  /**
   * What happens to a handler that runs longer than `max.poll.interval.ms`. `abort`: its signal fires, and the record
   * counts as failed when it ends. `leave`: the consumer leaves its group until then, as a Java consumer does. `warn`:
   * it is logged. Default `kafka.listener.slow-handler`, `abort`.
   */
  readonly slowHandler?: 'abort' | 'leave' | 'warn' | (string & {});
  /**
   * With `workers`, what happens when a partition's budget is used up. `pause`: it is not fetched until there is room.
   * `block`: the consumer polls nothing until then. `caller-runs`: the poll loop handles the next record itself, beside
   * the workers (workers + 1 in work meanwhile), and polls again after that, as Java's `CallerRunsPolicy`. `reject`:
   * what is beyond it fails with KAFKA_POOL_FULL. Default `kafka.listener.overflow`, `pause`.
   */
  readonly overflow?: 'pause' | 'block' | 'caller-runs' | 'reject' | (string & {});
  /** How much of what was fetched waits and runs at once. */
  readonly budget?: ListenerBudget;
  /** How many records may begin in a second. Default: as many as can. */
  readonly rate?: ListenerRate;
  /** Around each call, in this order: a `RecordInterceptor`, or for batches a `BatchInterceptor`. */
  readonly interceptors?: readonly InterceptorReference[];
  /**
   * Gives a text that is stored beside each offset that the container commits: a function, or a provider with
   * `provide`. At most 4,096 characters on a stock broker. In the orders `key` and `none` what is finished out of order
   * stands behind it, after a space. What it throws is logged, and the offset is committed without. Default: no text.
   */
  readonly offsetAndMetadataProvider?: ProviderReference<OffsetMetadataFunction | OffsetAndMetadataProvider>;
  /** Told about failed deliveries. */
  readonly retryListeners?: readonly RetryListenerReference[];
  /** Lower ones start earlier and stop later; those of one phase together. Default 0. */
  readonly phase?: number | string;
  /**
   * True: a topic that does not exist keeps the container from starting, whenever it starts; false: it is read once it
   * exists. Not asked of patterns. Default `kafka.listener.missing-topics-fatal`, false.
   */
  readonly missingTopicsFatal?: boolean | string;
  /**
   * What `ContainerRegistry.pause` does with records that were polled and have not begun. True: they wait, and go on
   * with `resume`. False, as Spring's default is: they are handled first, but for those that wait for a retry or for
   * their `rate`; the event `paused` comes then. Default true.
   */
  readonly pauseImmediate?: boolean | string;
  /**
   * True: `KafkaListenerContext.current()` gives the call's context in everything that a record's handler calls, by
   * AsyncLocalStorage. Costs about a microsecond a record. Default false.
   */
  readonly asyncContext?: boolean | string;
}
