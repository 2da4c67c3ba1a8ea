import { type ErrorClass } from '../../common/error-class.js';
import {
  type BackOffOptions,
  type BlockingRetryOptions,
  type RetryableTopicOptions,
} from '../../decorators/retryable-topic.js';

// Retry topics for many listeners at once: a provider that says for which topics, and how.

/** Marks instances, for the two builds of the package may be loaded side by side. */
const BRAND = Symbol.for('nestdaw:retry-topic-configuration');

/**
 * Retry topics for all listeners of some topics (Spring: `RetryTopicConfiguration`). Make one with the builder and
 * provide it: `{ provide: 'retries', useValue: RetryTopicConfigurationBuilder.newInstance().maxAttempts(5).create() }`.
 * A listener's own `@RetryableTopic` goes before it.
 */
export class RetryTopicConfiguration {
  constructor(
    readonly options: RetryableTopicOptions,
    /** Topics that it is for; undefined for all. */
    readonly includeTopics: ReadonlySet<string> | undefined,
    readonly excludeTopics: ReadonlySet<string>,
    /** Gets dead letters of listeners whose class has no `@DltHandler`: payload and context. */
    readonly dltHandler: ((payload: any, context: any) => unknown) | undefined,
  ) {
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether it is for a listener of these topics. */
  appliesTo(topics: readonly string[]): boolean {
    const { includeTopics, excludeTopics } = this;
    return topics.every((topic) => (includeTopics?.has(topic) ?? true) && !excludeTopics.has(topic));
  }

  static isOne(value: unknown): value is RetryTopicConfiguration {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Says step by step what a `RetryTopicConfiguration` does; method names as in Spring. */
export class RetryTopicConfigurationBuilder {
  #options: { -readonly [N in keyof RetryableTopicOptions]: RetryableTopicOptions[N] } = {};
  #include: string[] = [];
  #exclude: string[] = [];
  #dltHandler: ((payload: any, context: any) => unknown) | undefined;

  static newInstance(): RetryTopicConfigurationBuilder {
    return new RetryTopicConfigurationBuilder();
  }

  /** Deliveries in all. Default 3. */
  maxAttempts(attempts: number): this {
    return this.with({ attempts });
  }

  /** The same delay every time, ms or a duration. */
  fixedBackOff(delay: number | string): this {
    return this.with({ backOff: { delay } });
  }

  exponentialBackoff(delay: number | string, multiplier: number, maxDelay: number | string, jitter?: number): this {
    const backOff: BackOffOptions = { delay, multiplier, maxDelay, ...(jitter === undefined ? {} : { jitter }) };
    return this.with({ backOff });
  }

  noBackoff(): this {
    return this.with({ backOff: { delay: 0 } });
  }

  customBackoff(backOff: BackOffOptions): this {
    return this.with({ backOff });
  }

  /** Ms, or a duration, since the record's own timestamp. */
  timeoutAfter(timeout: number | string): this {
    return this.with({ timeout });
  }

  includeTopic(topic: string): this {
    return this.includeTopics([topic]);
  }

  includeTopics(topics: readonly string[]): this {
    this.#include.push(...topics);
    return this;
  }

  excludeTopic(topic: string): this {
    return this.excludeTopics([topic]);
  }

  excludeTopics(topics: readonly string[]): this {
    this.#exclude.push(...topics);
    return this;
  }

  /** Errors that are worth another delivery; others are not. */
  retryOn(...errors: ErrorClass[]): this {
    return this.with({ include: [...(this.#options.include ?? []), ...errors] });
  }

  notRetryOn(...errors: ErrorClass[]): this {
    return this.with({ exclude: [...(this.#options.exclude ?? []), ...errors] });
  }

  traversingCauses(traversingCauses = true): this {
    return this.with({ traversingCauses });
  }

  configureBlockingRetries(blockingRetries: BlockingRetryOptions): this {
    return this.with({ blockingRetries });
  }

  /** Replaces the errors that no delivery can cure. */
  manageNonBlockingFatalExceptions(fatal: readonly ErrorClass[]): this {
    return this.with({ fatal });
  }

  autoCreateTopicsWith(numPartitions: number, replicationFactor: number): this {
    return this.with({ autoCreateTopics: true, numPartitions, replicationFactor });
  }

  doNotAutoCreateRetryTopics(): this {
    return this.with({ autoCreateTopics: false });
  }

  retryTopicSuffix(retryTopicSuffix: string): this {
    return this.with({ retryTopicSuffix });
  }

  dltSuffix(dltTopicSuffix: string): this {
    return this.with({ dltTopicSuffix });
  }

  suffixTopicsWithIndexValues(): this {
    return this.with({ topicSuffixingStrategy: 'SUFFIX_WITH_INDEX_VALUE' });
  }

  useSingleTopicForSameIntervals(): this {
    return this.with({ sameIntervalTopicReuseStrategy: 'SINGLE_TOPIC' });
  }

  sameIntervalTopicReuseStrategy(strategy: 'SINGLE_TOPIC' | 'MULTIPLE_TOPICS'): this {
    return this.with({ sameIntervalTopicReuseStrategy: strategy });
  }

  concurrency(concurrency: number): this {
    return this.with({ concurrency });
  }

  dltRoutingRules(rules: NonNullable<RetryableTopicOptions['exceptionBasedDltRouting']>): this {
    return this.with({ exceptionBasedDltRouting: rules });
  }

  dltHandlerMethod<T = any>(handler: (payload: T, context: any) => unknown): this {
    this.#dltHandler = handler;
    return this;
  }

  /** The record's story ends with a failure of the dead-letter handler. */
  doNotRetryOnDltFailure(): this {
    return this.with({ dltStrategy: 'FAIL_ON_ERROR' });
  }

  doNotConfigureDlt(): this {
    return this.with({ dltStrategy: 'NO_DLT' });
  }

  autoStartDltHandler(autoStartDltHandler: boolean): this {
    return this.with({ autoStartDltHandler });
  }

  /** @param kafkaTemplate what records are sent on with, by class or token; default that of the connection */
  create(kafkaTemplate?: RetryableTopicOptions['kafkaTemplate']): RetryTopicConfiguration {
    const options = kafkaTemplate === undefined ? this.#options : { ...this.#options, kafkaTemplate };
    const include = this.#include.length === 0 ? undefined : new Set(this.#include);
    return new RetryTopicConfiguration({ ...options }, include, new Set(this.#exclude), this.#dltHandler);
  }

  /** Anything that `@RetryableTopic` takes. */
  with(options: RetryableTopicOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }
}
