import { type Logger } from '../../../common/logger.js';
import { type Failure } from './failure.js';

// Who takes over a record that its listener could not handle.

/**
 * Takes failed records over: to another topic, into a table (Spring: `ConsumerRecordRecoverer`). A record counts as
 * finished when `recover` has returned or its promise has resolved; while it is pending nothing commits past the
 * record. When it throws or rejects the record stays unfinished, and is delivered again after a pause.
 */
export interface Recoverer {
  recover(failure: Failure, tools?: RecovererTools): unknown;
  /** What it does, for the log: `published to its dead-letter topic`. */
  readonly description?: string;
}

/** What a container gives to recoverers. */
export interface RecovererTools {
  /** The container's, for recoverers that have none of their own. */
  readonly logger: Logger;
}

/** The same as a plain function. */
export type RecovererFunction = Recoverer['recover'];

/** A recoverer of either form. */
export function recovererOf(given: Recoverer | RecovererFunction): Recoverer {
  return typeof given === 'function' ? { recover: given } : given;
}
