import { type Backoff, fixedBackoff } from '../../../common/backoff.js';
import { type NestdawErrorCode } from '../../../common/errors.js';
import { type ErrorMatch, matchesError } from './error-match.js';
import { type Failure } from './failure.js';
import { type Recoverer, type RecovererFunction, recovererOf } from './recoverer.js';

// From a failure to a decision, as values. Carrying the decision out is the container's business.

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
      /** It will be handled again where it goes. Where many do so at once the log tells of a few, and how many more. */
      readonly isRetriedThere?: boolean;
      /**
       * Delivery number that the record goes on with when the recoverer fails. Default 1: everything from the start.
       */
      readonly attemptAfterFailure?: number;
    }
  /** Commit past it. `policy` names who asked for that. */
  | { readonly action: 'skip'; readonly policy: string }
  /** Start nothing more of its partition until the container is resumed or restarted. */
  | { readonly action: 'pause-partition' }
  | { readonly action: 'stop-container' };

export type ErrorHandler = (failure: Failure) => FailureDecision;

/** What becomes of a record that fails: how often it is delivered again, and what follows. */
export interface FailureRules {
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
}

/** Rules for some errors; what it does not say is as for all. */
export interface FailurePolicy extends FailureRules {
  readonly on: ErrorMatch | readonly ErrorMatch[];
}

export interface DefaultErrorHandlerOptions extends FailureRules {
  /** Failures beside the fatal ones that another delivery cannot cure. */
  readonly isFatal?: (error: unknown) => boolean;
  /** The same by class or code (Spring: `addNotRetryableExceptions`). */
  readonly fatal?: readonly ErrorMatch[];
  /** Failures that are worth another delivery although they count as fatal (Spring: `removeClassification`). */
  readonly retriable?: readonly ErrorMatch[];
  /** Rules for single kinds of errors; the first that matches counts. */
  readonly policies?: readonly FailurePolicy[];
}

/** The same bytes fail the same way every time. */
const FATAL: readonly NestdawErrorCode[] = [
  'KAFKA_DESERIALIZATION_FAILED',
  'KAFKA_VALIDATION_FAILED',
  'KAFKA_NO_HANDLER',
];

/** Whether the error, or one that caused it, is known to fail again. */
export function isFatalFailure(error: unknown): boolean {
  return matchesError(error, FATAL);
}

/**
 * Ten deliveries back to back, as Spring's DefaultErrorHandler. After them Spring logs the record and moves on, which
 * loses it. Here the partition is paused instead: nothing is lost and the order holds, other partitions go on, and the
 * lag shows where somebody has to look. Moving on is one word, `exhausted: 'skip'`, said by the user.
 */
export function defaultErrorHandler(options: DefaultErrorHandlerOptions = {}): ErrorHandler {
  const { isFatal, fatal = [], retriable = [], policies = [], ...common } = options;
  const standard = rulesOf(common);
  const special = policies.map(({ on, ...own }) => {
    return { matches: listOf(on), rules: rulesOf({ ...common, ...own }) };
  });
  const isHopeless = (error: unknown): boolean =>
    (isFatalFailure(error) || matchesError(error, fatal) || isFatal?.(error) === true) &&
    !matchesError(error, retriable);
  return ({ error, attempt, isTooSlow = false }) => {
    const { retries, backoff, last } = special.find(({ matches }) => matchesError(error, matches))?.rules ?? standard;
    if (isTooSlow || attempt > retries || isHopeless(error)) return last;
    return { action: 'retry', delayMs: backoff(attempt) };
  };
}

/**
 * The first failure stops the container, the record is not committed (Spring: `CommonContainerStoppingErrorHandler`).
 */
export function stoppingErrorHandler(): ErrorHandler {
  return () => ({ action: 'stop-container' });
}

/** A failure is logged and committed past: at most one delivery (Spring: `CommonLoggingErrorHandler`). */
export function loggingErrorHandler(): ErrorHandler {
  return () => ({ action: 'skip', policy: 'loggingErrorHandler' });
}

/**
 * Another error handler for some errors; the first that matches counts, else `standard` (Spring:
 * `CommonDelegatingErrorHandler`). Causes are looked at too.
 */
export function delegatingErrorHandler(
  standard: ErrorHandler,
  delegates: ReadonlyArray<{ readonly on: ErrorMatch | readonly ErrorMatch[]; readonly handler: ErrorHandler }>,
): ErrorHandler {
  const rules = delegates.map(({ on, handler }) => {
    return { matches: listOf(on), handler };
  });
  return (failure) => {
    const found = rules.find(({ matches }) => matchesError(failure.error, matches));
    return (found?.handler ?? standard)(failure);
  };
}

function rulesOf(rules: FailureRules) {
  const { backoff = fixedBackoff(0), retries = 9 } = rules;
  return { backoff, retries, last: lastDecision(rules, retries) };
}

function lastDecision(options: FailureRules, retries: number): FailureDecision {
  const { exhausted = 'pause-partition', recoverer, resetStateOnRecoveryFailure = true } = options;
  if (recoverer !== undefined) {
    const attemptAfterFailure = resetStateOnRecoveryFailure ? 1 : retries + 1;
    return { action: 'recover', recoverer: recovererOf(recoverer), attemptAfterFailure };
  }
  return exhausted === 'skip' ? { action: 'skip', policy: 'exhausted: skip' } : { action: exhausted };
}

function listOf(on: ErrorMatch | readonly ErrorMatch[]): readonly ErrorMatch[] {
  return typeof on === 'object' ? on : [on];
}
