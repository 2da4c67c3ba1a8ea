import { type Backoff, fixedBackoff } from '../../common/backoff.js';
import { hasCode, type NestdawErrorCode } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { type Recoverer, type RecovererFunction, recovererOf } from './recoverer.js';

// From a failure to a decision, as values. Carrying the decision out is the container's business.

export interface Failure {
  /** Id of the listener. */
  readonly listener: string;
  /** Its consumer group; empty when it has none. */
  readonly groupId?: string;
  /** The record that failed; the first one when a batch failed as a whole. */
  readonly record: KafkaRecord;
  readonly error: unknown;
  /** How many deliveries of the record have failed, this one included. */
  readonly attempt: number;
}

export type FailureDecision =
  /** Run it again, in its place: what must not overtake it waits. */
  | { readonly action: 'retry'; readonly delayMs: number }
  /**
   * Hand it on: it is finished when the recoverer has taken it. Until then records that must not overtake it wait,
   * unless `isOrdered` is false.
   */
  | {
      readonly action: 'recover';
      readonly recoverer: Recoverer;
      readonly isOrdered?: boolean;
      /** Delivery number that the record goes on with when the recoverer fails. Default 1: everything from the start. */
      readonly attemptAfterFailure?: number;
    }
  /** Commit past it. `policy` names who asked for that. */
  | { readonly action: 'skip'; readonly policy: string }
  /** Start nothing more of its partition until the container is resumed or restarted. */
  | { readonly action: 'pause-partition' }
  | { readonly action: 'stop-container' };

export type ErrorHandler = (failure: Failure) => FailureDecision;

export interface DefaultErrorHandlerOptions {
  /** Delay before the next delivery. Default none, as Spring's DefaultErrorHandler. */
  readonly backoff?: Backoff;
  /** Deliveries after the first. Default 9. */
  readonly retries?: number;
  /** What follows the last retry, and a failure that is not worth one. Default `pause-partition`. */
  readonly exhausted?: 'pause-partition' | 'skip' | 'stop-container';
  /** Takes the record over instead of what `exhausted` says. */
  readonly recoverer?: Recoverer | RecovererFunction | undefined;
  /**
   * Whether all deliveries begin anew when the recoverer fails (Spring: `resetStateOnRecoveryFailure`); otherwise the
   * next failure goes to the recoverer at once. Default true.
   */
  readonly resetStateOnRecoveryFailure?: boolean;
  /** Failures beside the fatal ones that another delivery cannot cure. */
  readonly isFatal?: (error: unknown) => boolean;
}

/** The same bytes fail the same way every time. */
const FATAL: readonly NestdawErrorCode[] = [
  'KAFKA_DESERIALIZATION_FAILED',
  'KAFKA_VALIDATION_FAILED',
  'KAFKA_NO_HANDLER',
];

/** Whether the error, or one that caused it, is known to fail again. */
export function isFatalFailure(error: unknown): boolean {
  const seen = new Set<unknown>();
  for (let at = error; typeof at === 'object' && at !== null && !seen.has(at); at = (at as { cause?: unknown }).cause) {
    if (FATAL.some((code) => hasCode(at, code))) return true;
    seen.add(at);
  }
  return false;
}

/**
 * Ten deliveries back to back, as Spring's DefaultErrorHandler. After them Spring logs the record and moves on, which
 * loses it. Here the partition is paused instead: nothing is lost and the order holds, other partitions go on, and the
 * lag shows where somebody has to look. Moving on is one word, `exhausted: 'skip'`, said by the user.
 */
export function defaultErrorHandler(options: DefaultErrorHandlerOptions = {}): ErrorHandler {
  const { backoff = fixedBackoff(0), retries = 9, isFatal } = options;
  const last = lastDecision(options, retries);
  return ({ error, attempt }) => {
    if (attempt > retries || isFatalFailure(error) || isFatal?.(error) === true) return last;
    return { action: 'retry', delayMs: backoff(attempt) };
  };
}

function lastDecision(options: DefaultErrorHandlerOptions, retries: number): FailureDecision {
  const { exhausted = 'pause-partition', recoverer, resetStateOnRecoveryFailure = true } = options;
  if (recoverer !== undefined) {
    const attemptAfterFailure = resetStateOnRecoveryFailure ? 1 : retries + 1;
    return { action: 'recover', recoverer: recovererOf(recoverer), attemptAfterFailure };
  }
  return exhausted === 'skip' ? { action: 'skip', policy: 'exhausted: skip' } : { action: exhausted };
}
