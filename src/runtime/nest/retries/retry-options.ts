import { type ErrorClass } from '../../../common/error-class.js';
import {
  type BackOffOptions,
  type RetryableTopicOptions,
  type RetryListenerOptions,
} from '../../../decorators/retryable-topic.js';
import { parseBoolean, parseChoice, parseDecimal, parseDuration, parseInteger } from '../../config/formats.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Order } from '../../dispatch/key-dispatcher.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type DltStrategy, type TopicPlanOptions } from '../../retry/destination-topics.js';
import { errorClassifier } from '../../retry/error-classes.js';
import { type RetryBackOff, retryDelays } from '../../retry/retry-delays.js';
import { type BlockingRetries } from '../../retry/retry-publisher.js';
import { type RetryRules } from '../../retry/retry-rules.js';
import { ackModeOf, workersOf } from '../declarations/endpoint-options.js';
import { type OptionReader } from '../option-reader.js';

// What `@RetryableTopic` says, with placeholders filled, defaults put in, and every mistake reported.

const ORDERS = ['partition', 'key', 'none'] as const;
const SUFFIXING = ['SUFFIX_WITH_DELAY_VALUE', 'SUFFIX_WITH_INDEX_VALUE'] as const;
const REUSE = ['SINGLE_TOPIC', 'MULTIPLE_TOPICS'] as const;
const DLT_STRATEGIES = ['ALWAYS_RETRY_ON_ERROR', 'FAIL_ON_ERROR', 'NO_DLT'] as const;

export interface RetrySettings {
  readonly rules: RetryRules;
  readonly blocking: BlockingRetries | undefined;
  readonly autoCreateTopics: boolean;
  /** Undefined: as many as the listener's topic. */
  readonly numPartitions: number | undefined;
  readonly replicationFactor: number;
  readonly autoStartDltHandler: boolean | undefined;
  readonly concurrency: number | undefined;
  /** Later records of a key wait behind one that is retried. */
  readonly isOrdered: boolean;
  /** How the other listeners differ from the listener. */
  readonly model: RetryListenerModel;
}

/** What is not said is as the listener has it. */
export type RetryListenerModel = Pick<Partial<ListenerEndpoint>, 'workers' | 'order' | 'ackMode'>;

export function retrySettings(read: OptionReader, options: RetryableTopicOptions): RetrySettings {
  const attempts = read.whole('attempts', options.attempts, 32_767) ?? 3;
  const backOff = backOffOf(read, 'backOff', options.backOff);
  const timeoutMs = read.duration('timeout', emptyIsNone(options.timeout)) ?? -1;
  const flag = (name: string, value: boolean | string | undefined) =>
    read.parsed<boolean>(name, value, parseBoolean, 'true or false');
  const rules: RetryRules = {
    attempts,
    backOff,
    timeoutMs,
    ...topicPlan(read, options, retryDelays(attempts, backOff)),
    isRetryable: retryable(read, options, flag('traversingCauses', options.traversingCauses) ?? false),
    ...(options.fatal === undefined ? {} : { isFatal: errorClassifier(options.fatal, true) }),
  };
  checkSuffixes(read, rules);
  return {
    rules,
    blocking: blockingOf(read, options.blockingRetries),
    autoCreateTopics: flag('autoCreateTopics', options.autoCreateTopics) ?? true,
    numPartitions: read.whole('numPartitions', options.numPartitions, 100_000),
    replicationFactor: replicationOf(read, options.replicationFactor),
    autoStartDltHandler: flag('autoStartDltHandler', options.autoStartDltHandler),
    concurrency: read.whole('concurrency', options.concurrency, 1_000),
    model: modelOf(read, options.listener),
    isOrdered: read.parsed<string>('order', options.order, (text) => parseChoice(text, ['key']), 'key') === 'key',
  };
}

function modelOf(read: OptionReader, own: RetryListenerOptions = {}): RetryListenerModel {
  const parse = (text: string) => parseChoice(text, ORDERS);
  const order = read.parsed<Order>('order', own.order as Order | undefined, parse, ORDERS.join(', '));
  const model = { workers: workersOf(read, own), order, ackMode: ackModeOf(read, own) };
  return Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
}

/** `kafka.retry.topic.*`: what Spring Boot gives to every listener when `enabled` is set. */
export function configuredRetries(properties: KafkaProperties): RetryableTopicOptions | undefined {
  if (!properties.get('retry.topic.enabled')) return undefined;
  return {
    attempts: properties.get('retry.topic.attempts'),
    backOff: {
      delay: properties.get('retry.topic.backoff.delay'),
      multiplier: properties.get('retry.topic.backoff.multiplier'),
      maxDelay: properties.get('retry.topic.backoff.max-delay'),
      jitter: properties.get('retry.topic.backoff.jitter'),
    },
    topicSuffixingStrategy: 'SUFFIX_WITH_INDEX_VALUE',
    sameIntervalTopicReuseStrategy: 'SINGLE_TOPIC',
  };
}

function topicPlan(read: OptionReader, options: RetryableTopicOptions, delaysMs: readonly number[]): TopicPlanOptions {
  const choice = <C extends string>(
    name: keyof RetryableTopicOptions,
    value: string | undefined,
    choices: readonly C[],
  ) => read.parsed<C>(name, value as C | undefined, (text) => parseChoice(text, choices), choices.join(', '));
  return {
    delaysMs,
    retryTopicSuffix: read.text('retryTopicSuffix', options.retryTopicSuffix) || '-retry',
    dltTopicSuffix: read.text('dltTopicSuffix', options.dltTopicSuffix) || '-dlt',
    topicSuffixingStrategy:
      choice('topicSuffixingStrategy', options.topicSuffixingStrategy, SUFFIXING) ?? 'SUFFIX_WITH_DELAY_VALUE',
    sameIntervalTopicReuseStrategy:
      choice('sameIntervalTopicReuseStrategy', options.sameIntervalTopicReuseStrategy, REUSE) ?? 'SINGLE_TOPIC',
    dltStrategy: choice<DltStrategy>('dltStrategy', options.dltStrategy, DLT_STRATEGIES) ?? 'ALWAYS_RETRY_ON_ERROR',
    dltRouting: (options.exceptionBasedDltRouting ?? []).map(({ suffix, exceptions }) => ({
      suffix: read.text('exceptionBasedDltRouting', suffix) ?? suffix,
      matches: errorClassifier(exceptions, true),
    })),
  };
}

function retryable(read: OptionReader, { include, exclude }: RetryableTopicOptions, causes: boolean) {
  if (include?.length && exclude?.length) {
    read.mistake('exclude', undefined, 'goes not with include; give one of them');
  }
  if (include?.length) return errorClassifier(include, causes);
  const isExcluded = errorClassifier(exclude ?? [], causes);
  return (error: unknown) => !isExcluded(error);
}

/** Two stops of one name would send a record in a circle. */
function checkSuffixes(read: OptionReader, rules: RetryRules): void {
  const suffixes = [rules.dltTopicSuffix, ...rules.dltRouting.map(({ suffix }) => `${suffix}${rules.dltTopicSuffix}`)];
  if (new Set(suffixes).size < suffixes.length) {
    read.mistake('exceptionBasedDltRouting', suffixes.join(', '), 'each dead-letter topic needs a suffix of its own');
  }
  for (const suffix of [rules.retryTopicSuffix, ...suffixes]) {
    if (!/^[a-zA-Z0-9._-]+$/.test(suffix)) read.mistake('retryTopicSuffix', suffix, 'is no part of a topic name');
  }
  if (rules.retryTopicSuffix === rules.dltTopicSuffix) {
    read.mistake('dltTopicSuffix', rules.dltTopicSuffix, 'is the suffix of retry topics too; choose another');
  }
}

function backOffOf(read: OptionReader, name: string, given: BackOffOptions = {}): RetryBackOff {
  const notNegative = (parse: (text: string) => number | undefined) => (text: string) => {
    const value = parse(text);
    return value !== undefined && value >= 0 ? value : undefined;
  };
  const ms = (option: keyof BackOffOptions) =>
    read.parsed<number>(
      `${name}.${option}`,
      given[option],
      notNegative(parseDuration),
      'a duration such as 500ms or 10s',
    );
  const multiplier = read.parsed<number>(`${name}.multiplier`, given.multiplier, notNegative(parseDecimal), 'a number');
  const found = { delayMs: ms('delay'), maxDelayMs: ms('maxDelay'), jitterMs: ms('jitter'), multiplier };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function blockingOf(read: OptionReader, given: RetryableTopicOptions['blockingRetries']): BlockingRetries | undefined {
  if (given === undefined) return undefined;
  const retries = read.whole('blockingRetries.retries', given.retries, 10_000) ?? 9;
  const delays =
    given.backOff === undefined
      ? []
      : retryDelays(retries + 1, backOffOf(read, 'blockingRetries.backOff', given.backOff));
  const on: readonly ErrorClass[] = given.on;
  return { matches: errorClassifier(on, true), retries, delayMs: (failures) => delays[failures - 1] ?? 0 };
}

function replicationOf(read: OptionReader, given: number | string | undefined): number {
  const allowed = (text: string) => {
    const value = parseInteger(text);
    return value === -1 || (value !== undefined && value >= 1 && value <= 32_767) ? value : undefined;
  };
  return read.parsed<number>('replicationFactor', given, allowed, 'a whole number from 1, or -1') ?? -1;
}

/** Spring's empty text, and its -1, mean that there is none. */
function emptyIsNone(value: number | string | undefined): number | string | undefined {
  return value === '' || value === -1 || value === '-1' ? undefined : value;
}
