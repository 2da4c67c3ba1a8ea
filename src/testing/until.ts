import { type Clock, sleep, systemClock } from '../common/clock.js';
import { NestdawError } from '../common/errors.js';

// The one waiter that looks again and again; the others stand on it.

export interface UntilOptions {
  /** Ms until the waiter gives up. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ms between two looks. Default 5. */
  readonly everyMs?: number;
  /** What is waited for; the error begins with it. Default "the condition". */
  readonly what?: string;
  readonly clock?: Clock;
}

/**
 * Waits until `look` gives something other than false, null or undefined, and resolves with it. Throws
 * KAFKA_TEST_TIMEOUT, naming what was waited for and how long. An error thrown by `look` ends the waiting.
 */
export async function until<T>(
  look: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = 10_000, everyMs = 5, what = 'the condition', clock = systemClock } = options;
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== null && seen !== undefined) return seen;
    if (clock.monotonic() >= deadline) {
      throw new NestdawError('KAFKA_TEST_TIMEOUT', `${what} did not come true within ${timeoutMs} ms`);
    }
    await sleep(clock, everyMs);
  }
}
