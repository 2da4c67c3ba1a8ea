import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { NestdawError } from '../../../src/common/errors.js';
import { seededRandom } from '../../../src/common/random.js';
import { intBytes, shortestBytes } from '../../../src/runtime/dead-letters/header-bytes.js';
import { destinationTopics, type TopicPlanOptions } from '../../../src/runtime/retry/destination-topics.js';
import { errorClassifier } from '../../../src/runtime/retry/error-classes.js';
import { jittered, retryDelays } from '../../../src/runtime/retry/retry-delays.js';
import { attemptOf, dueAtOf, firstTimestampOf, writeBookkeeping } from '../../../src/runtime/retry/retry-headers.js';
import { RetryPlan, type RetryRules } from '../../../src/runtime/retry/retry-rules.js';
import { recordOf } from '../../support/fake-clients.js';

function planOptions(given: Partial<TopicPlanOptions>): TopicPlanOptions {
  return {
    delaysMs: [1_000, 1_000],
    retryTopicSuffix: '-retry',
    dltTopicSuffix: '-dlt',
    topicSuffixingStrategy: 'SUFFIX_WITH_DELAY_VALUE',
    sameIntervalTopicReuseStrategy: 'SINGLE_TOPIC',
    dltStrategy: 'ALWAYS_RETRY_ON_ERROR',
    dltRouting: [],
    ...given,
  };
}

function rulesOf(given: Partial<RetryRules> = {}): RetryRules {
  const attempts = given.attempts ?? 3;
  const delaysMs = retryDelays(attempts, { delayMs: 100 });
  return { attempts, backOff: {}, timeoutMs: -1, isRetryable: () => true, ...planOptions({ delaysMs }), ...given };
}

const suffixes = (options: Partial<TopicPlanOptions>) =>
  destinationTopics(planOptions(options)).map(({ suffix }) => suffix);

describe('delays between deliveries', () => {
  it.each([
    [3, {}, [1_000, 1_000]],
    [4, { delayMs: 500 }, [500, 500, 500]],
    [4, { delayMs: 1_000, multiplier: 2 }, [1_000, 2_000, 4_000]],
    [5, { delayMs: 1_000, multiplier: 4, maxDelayMs: 10_000 }, [1_000, 4_000, 10_000, 10_000]],
    [3, { delayMs: 1_000, multiplier: 1, maxDelayMs: 30_000 }, [1_000, 1_000]],
    [3, { delayMs: 0 }, [0, 0]],
    [1, {}, []],
  ])('of %d attempts with %j are %j', (attempts, backOff, delays) => {
    expect(retryDelays(attempts, backOff)).toEqual(delays);
  });

  it('vary by the jitter, which grows with them, and are never negative', () => {
    const random = seededRandom(1);
    const drawn = Array.from({ length: 500 }, () => jittered(2_000, { delayMs: 1_000, jitterMs: 100 }, random));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(1_800);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(2_200);
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(300);
    expect(jittered(10, { delayMs: 10, jitterMs: 1_000 }, { ...random, next: () => 0 })).toBe(0);
  });
});

describe('names of retry topics, as in Spring', () => {
  const exponential = [1_000, 2_000, 4_000];
  const capped = [8_000, 16_000, 16_000, 16_000];
  it.each<[Partial<TopicPlanOptions>, string[]]>([
    [{}, ['', '-retry', '-dlt']],
    [{ sameIntervalTopicReuseStrategy: 'MULTIPLE_TOPICS' }, ['', '-retry-0', '-retry-1', '-dlt']],
    [{ delaysMs: exponential }, ['', '-retry-1000', '-retry-2000', '-retry-4000', '-dlt']],
    [
      { delaysMs: exponential, topicSuffixingStrategy: 'SUFFIX_WITH_INDEX_VALUE' },
      ['', '-retry-0', '-retry-1', '-retry-2', '-dlt'],
    ],
    [{ delaysMs: capped }, ['', '-retry-8000', '-retry-16000', '-dlt']],
    [
      { delaysMs: capped, sameIntervalTopicReuseStrategy: 'MULTIPLE_TOPICS' },
      ['', '-retry-8000', '-retry-16000-0', '-retry-16000-1', '-retry-16000-2', '-dlt'],
    ],
    [{ delaysMs: [] }, ['', '-dlt']],
    [{ dltStrategy: 'NO_DLT', retryTopicSuffix: '.again' }, ['', '.again']],
    [{ dltRouting: [{ suffix: '-deser', matches: () => true }] }, ['', '-retry', '-dlt', '-deser-dlt']],
  ])('%j', (options, expected) => {
    expect(suffixes(options)).toEqual(expected);
  });

  it('count every delivery once, however topics are shared', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }), fc.boolean(), (steps, isShared) => {
        const delaysMs = steps.sort((a, b) => a - b).map((step) => step * 1_000);
        // Delays are alike at the end only, or all of them are.
        const distinct = delaysMs.filter(
          (delay, index) => delaysMs.indexOf(delay) === index || delay === delaysMs.at(-1),
        );
        const stops = destinationTopics(
          planOptions({
            delaysMs: distinct,
            sameIntervalTopicReuseStrategy: isShared ? 'SINGLE_TOPIC' : 'MULTIPLE_TOPICS',
          }),
        );
        expect(stops.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(distinct.length + 1);
        expect(new Set(stops.map(({ suffix }) => suffix)).size).toBe(stops.length);
      }),
    );
  });
});

describe('the next stop of a failed record', () => {
  const error = new Error('x');
  const next = (
    plan: RetryPlan,
    attempt: number,
    thrown: unknown = error,
    ageMs = 0,
    from = plan.forDelivery(attempt),
  ) => plan.next({ stop: from, attempt, error: thrown, ageMs })?.suffix;

  it('is a retry topic until the deliveries are used up, then the dead-letter topic', () => {
    const plan = new RetryPlan(rulesOf({ attempts: 4, delaysMs: [1, 2, 2] }));
    expect([1, 2, 3, 4].map((attempt) => next(plan, attempt))).toEqual(['-retry-1', '-retry-2', '-retry-2', '-dlt']);
    expect([1, 2, 3, 4].map((attempt) => plan.forDelivery(attempt).suffix)).toEqual([
      '',
      '-retry-1',
      '-retry-2',
      '-retry-2',
    ]);
  });

  it('is the dead-letter topic at once for what another delivery cannot cure, or when time is over', () => {
    const plan = new RetryPlan(rulesOf({ isRetryable: errorClassifier([RangeError]), timeoutMs: 1_000 }));
    expect(next(plan, 1)).toBe('-dlt');
    expect(next(plan, 1, new RangeError('x'))).toBe('-retry');
    expect(next(plan, 1, new RangeError('x'), 1_001)).toBe('-dlt');
    expect(next(new RetryPlan(rulesOf()), 1, new NestdawError('KAFKA_VALIDATION_FAILED', 'x'))).toBe('-dlt');
    expect(
      next(new RetryPlan(rulesOf({ isFatal: () => false })), 1, new NestdawError('KAFKA_VALIDATION_FAILED', 'x')),
    ).toBe('-retry');
  });

  it('is the dead-letter topic of the error', () => {
    const dltRouting = [{ suffix: '-range', matches: errorClassifier([RangeError], true) }];
    const plan = new RetryPlan(rulesOf({ attempts: 1, delaysMs: [], dltRouting }));
    expect(next(plan, 1, new Error('x', { cause: new RangeError('y') }))).toBe('-range-dlt');
    expect(next(plan, 1)).toBe('-dlt');
  });

  it('after the dead-letter handler failed: the same topic again, or none', () => {
    const from = (plan: RetryPlan) => plan.deadLetters[0]!;
    const always = new RetryPlan(rulesOf());
    expect(next(always, 3, error, 0, from(always))).toBe('-dlt');
    expect(next(always, 3, new NestdawError('KAFKA_DESERIALIZATION_FAILED', 'x'), 0, from(always))).toBeUndefined();
    const failing = new RetryPlan(rulesOf({ dltStrategy: 'FAIL_ON_ERROR' }));
    expect(next(failing, 3, error, 0, from(failing))).toBeUndefined();
    expect(next(new RetryPlan(rulesOf({ dltStrategy: 'NO_DLT' })), 3)).toBeUndefined();
  });
});

describe('errors by class', () => {
  class Refused extends RangeError {}
  it('are known by class, by name, by the last part of a Java name, by code, and by what they extend', () => {
    const matches = (one: Parameters<typeof errorClassifier>[0][number], error: unknown) =>
      errorClassifier([one])(error);
    expect(matches(RangeError, new Refused())).toBe(true);
    expect(matches('Refused', new Refused())).toBe(true);
    expect(matches('com.acme.RangeError', new Refused())).toBe(true);
    expect(matches('KAFKA_STOPPED', new NestdawError('KAFKA_STOPPED', 'x'))).toBe(true);
    expect(matches(TypeError, new Refused())).toBe(false);
    expect(matches('Refused', 'Refused')).toBe(false);
    expect(errorClassifier([RangeError])(new Error('x', { cause: new Refused() }))).toBe(false);
    expect(errorClassifier([RangeError], true)(new Error('x', { cause: new Refused() }))).toBe(true);
  });
});

describe('bookkeeping in headers', () => {
  it('is written in the forms of Spring, and the newest value counts', () => {
    const headers = [{ key: 'retry_topic-attempts', value: intBytes(2) }];
    writeBookkeeping(headers, { attempt: 3, dueAt: 1_700_000_000_123, firstTimestamp: 128 });
    expect(headers.map(({ key, value }) => `${key} ${value.toString('hex')}`)).toEqual([
      'retry_topic-original-timestamp 0080',
      'retry_topic-attempts 00000003',
      'retry_topic-backoff-timestamp 018bcfe5687b',
    ]);
    const record = recordOf({ headers, timestamp: 5 });
    expect([attemptOf(record), dueAtOf(record), firstTimestampOf(record)]).toEqual([3, 1_700_000_000_123, 128]);
  });

  it('is read from what Spring kept of earlier deliveries, and from its old one-byte counter', () => {
    const kept = recordOf({
      headers: [
        { key: 'retry_topic-attempts', value: intBytes(2) },
        { key: 'retry_topic-backoff-timestamp', value: shortestBytes(1) },
        { key: 'retry_topic-attempts', value: intBytes(3) },
        { key: 'retry_topic-backoff-timestamp', value: shortestBytes(2) },
      ],
    });
    expect([attemptOf(kept), dueAtOf(kept)]).toEqual([3, 2]);
    expect(attemptOf(recordOf({ headers: [{ key: 'retry_topic-attempts', value: Buffer.from([4]) }] }))).toBe(4);
    const fresh = recordOf({ timestamp: 7 });
    expect([attemptOf(fresh), dueAtOf(fresh), firstTimestampOf(fresh)]).toEqual([1, undefined, 7]);
  });
});
