import { type ErrorClassifier } from './error-classes.js';

// Through which topics a failing record goes, as data: worked out before anything is opened, and carried out by the
// publisher. Names are Spring's, so that both sides read each other's topics.

/** How retry topics are told apart: by their delay in ms, or by their number. */
export type TopicSuffixingStrategy = 'SUFFIX_WITH_DELAY_VALUE' | 'SUFFIX_WITH_INDEX_VALUE';
/** Whether deliveries with equal delays share a topic. */
export type SameIntervalTopicReuseStrategy = 'SINGLE_TOPIC' | 'MULTIPLE_TOPICS';
/**
 * What follows a failure of the dead-letter handler: the record goes to the end of its topic again, or its story ends
 * there. `NO_DLT`: there is no dead-letter topic, the story ends with the last delivery.
 */
export type DltStrategy = 'ALWAYS_RETRY_ON_ERROR' | 'FAIL_ON_ERROR' | 'NO_DLT';

/** A dead-letter topic of its own for some errors: `<topic><suffix>-dlt`. */
export interface DltRoute {
  readonly suffix: string;
  readonly matches: ErrorClassifier;
}

export interface TopicPlanOptions {
  /** One for each delivery after the first. */
  readonly delaysMs: readonly number[];
  readonly retryTopicSuffix: string;
  readonly dltTopicSuffix: string;
  readonly topicSuffixingStrategy: TopicSuffixingStrategy;
  readonly sameIntervalTopicReuseStrategy: SameIntervalTopicReuseStrategy;
  readonly dltStrategy: DltStrategy;
  readonly dltRouting: readonly DltRoute[];
}

/** One stop on the way. Its topics are the listener's with the suffix. */
export interface DestinationTopic {
  readonly kind: 'main' | 'retry' | 'dlt';
  /** Empty for the listener's own topics. */
  readonly suffix: string;
  /** How long a record waits there; 0 for all but retry topics. */
  readonly delayMs: number;
  /** Deliveries that happen there, one or more; of a dead-letter topic none are counted. */
  readonly deliveries: number;
  /** Of a dead-letter topic: the errors that it is for; undefined for all others. */
  readonly matches?: ErrorClassifier;
}

/** The listener's own topics, the retry topics in order, the dead-letter topics with the general one first. */
export function destinationTopics(options: TopicPlanOptions): DestinationTopic[] {
  const main: DestinationTopic = { kind: 'main', suffix: '', delayMs: 0, deliveries: 1 };
  return [main, ...retryTopics(options), ...deadLetterTopics(options)];
}

function retryTopics(options: TopicPlanOptions): DestinationTopic[] {
  const { delaysMs, retryTopicSuffix, sameIntervalTopicReuseStrategy } = options;
  const isShared = sameIntervalTopicReuseStrategy === 'SINGLE_TOPIC';
  if (delaysMs.length === 0) return [];
  if (isShared && isFixed(delaysMs)) return [retry(retryTopicSuffix, delaysMs[0]!, delaysMs.length)];
  const last = delaysMs.at(-1)!;
  // Delays are alike at the end only: where they have grown to their limit.
  const shared = isShared ? delaysMs.filter((delay) => delay === last).length : 1;
  const count = delaysMs.length - shared + 1;
  return delaysMs.slice(0, count).map((delay, index) => {
    return retry(`${retryTopicSuffix}-${nameOf(options, index)}`, delay, index === count - 1 ? shared : 1);
  });
}

function nameOf({ delaysMs, topicSuffixingStrategy, sameIntervalTopicReuseStrategy }: TopicPlanOptions, index: number) {
  if (topicSuffixingStrategy === 'SUFFIX_WITH_INDEX_VALUE' || isFixed(delaysMs)) return `${index}`;
  const delay = delaysMs[index]!;
  const isAlone = sameIntervalTopicReuseStrategy === 'SINGLE_TOPIC' || count(delaysMs, delay) === 1;
  return isAlone ? `${delay}` : `${delay}-${index - delaysMs.indexOf(delay)}`;
}

function deadLetterTopics({ dltStrategy, dltRouting, dltTopicSuffix }: TopicPlanOptions): DestinationTopic[] {
  if (dltStrategy === 'NO_DLT') return [];
  const general: DestinationTopic = { kind: 'dlt', suffix: dltTopicSuffix, delayMs: 0, deliveries: 0 };
  return [
    general,
    ...dltRouting.map(({ suffix, matches }) => ({ ...general, suffix: `${suffix}${dltTopicSuffix}`, matches })),
  ];
}

function retry(suffix: string, delayMs: number, deliveries: number): DestinationTopic {
  return { kind: 'retry', suffix, delayMs, deliveries };
}

function isFixed(delaysMs: readonly number[]): boolean {
  return delaysMs.every((delay) => delay === delaysMs[0]);
}

function count(delaysMs: readonly number[], delay: number): number {
  return delaysMs.filter((one) => one === delay).length;
}
