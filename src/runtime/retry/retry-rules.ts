import { isFatalFailure } from '../listener/failures/error-handler.js';
import {
  type DestinationTopic,
  type DltStrategy,
  destinationTopics,
  type TopicPlanOptions,
} from './destination-topics.js';
import { type ErrorClassifier } from './error-classes.js';
import { type RetryBackOff } from './retry-delays.js';

// What a listener says about retries, worked out, and the next stop of a record that failed: no clock, no I/O.

export interface RetryRules extends TopicPlanOptions {
  /** Deliveries in all, at least 1. */
  readonly attempts: number;
  readonly backOff: RetryBackOff;
  /** From the record's first timestamp on; past it a failure leads to the dead-letter topic. -1: never. */
  readonly timeoutMs: number;
  /** Whether another delivery may help. Fatal errors never get one, unless `retriesFatal`. */
  readonly isRetryable: ErrorClassifier;
  /** Errors that another delivery cannot cure. Default those of the containers. */
  readonly isFatal?: ErrorClassifier;
}

/** Where a failed record came from and what it knows of itself. */
export interface FailedStop {
  readonly stop: DestinationTopic;
  /** Which delivery this was, from 1. */
  readonly attempt: number;
  readonly error: unknown;
  /** Ms that have passed since the record's first timestamp. */
  readonly ageMs: number;
}

export class RetryPlan {
  readonly rules: RetryRules;
  readonly stops: readonly DestinationTopic[];
  readonly #bySuffix: ReadonlyMap<string, DestinationTopic>;

  constructor(rules: RetryRules) {
    this.rules = rules;
    this.stops = destinationTopics(rules);
    this.#bySuffix = new Map(this.stops.map((stop) => [stop.suffix, stop]));
  }

  get main(): DestinationTopic {
    return this.stops[0]!;
  }

  get retries(): readonly DestinationTopic[] {
    return this.stops.filter(({ kind }) => kind === 'retry');
  }

  get deadLetters(): readonly DestinationTopic[] {
    return this.stops.filter(({ kind }) => kind === 'dlt');
  }

  stop(suffix: string): DestinationTopic | undefined {
    return this.#bySuffix.get(suffix);
  }

  /** The stop after a failure; undefined when the story ends here. */
  next({ stop, attempt, error, ageMs }: FailedStop): DestinationTopic | undefined {
    if (stop.kind === 'dlt') return this.#afterDeadLetter(stop, error);
    const { attempts, isRetryable, timeoutMs } = this.rules;
    const isPast = timeoutMs >= 0 && ageMs > timeoutMs;
    if (attempt >= attempts || isPast || this.isFatal(error) || !isRetryable(error)) return this.deadLetterFor(error);
    return this.forDelivery(attempt + 1);
  }

  /** The stop at which a delivery of that number happens. */
  forDelivery(attempt: number): DestinationTopic {
    let left = attempt;
    for (const stop of this.stops) {
      if (stop.kind === 'dlt') break;
      left -= stop.deliveries;
      if (left <= 0) return stop;
    }
    return this.retries.at(-1) ?? this.main;
  }

  deadLetterFor(error: unknown): DestinationTopic | undefined {
    const [general, ...routed] = this.deadLetters;
    return routed.find(({ matches }) => matches!(error)) ?? general;
  }

  isFatal(error: unknown): boolean {
    return (this.rules.isFatal ?? isFatalFailure)(error);
  }

  /** What fails the same way every time would circle for ever. */
  #afterDeadLetter(stop: DestinationTopic, error: unknown): DestinationTopic | undefined {
    const always: DltStrategy = 'ALWAYS_RETRY_ON_ERROR';
    return this.rules.dltStrategy === always && !this.isFatal(error) ? stop : undefined;
  }
}
