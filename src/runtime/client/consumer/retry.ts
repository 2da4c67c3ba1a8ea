import { sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { isWorthRetrying } from '../cluster/coordinator.js';
import { type ConsumerSettings } from './consumer-options.js';

// The one retry loop of the consumer's requests: connection trouble and retriable codes are tried again with back-off.

/** Waits before the next try; ends early on `signal`. */
export function pauseAfter(failures: number, settings: ConsumerSettings, signal?: AbortSignal): Promise<void> {
  return sleep(settings.clock, settings.backoff(failures), signal);
}

export interface RetryOptions {
  /** Ends the tries: the error before it is thrown. */
  readonly signal: AbortSignal;
  /** What is being done, for log lines: 'fetching offsets of group billing'. */
  readonly what: string;
  /** Gives up after this long. Default: never. */
  readonly withinMs?: number;
}

/** Calls `attempt` until it succeeds, fails for good, runs out of time, or `signal` aborts. */
export async function retrying<T>(
  settings: ConsumerSettings,
  { signal, what, withinMs = Number.POSITIVE_INFINITY }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const began = settings.clock.monotonic();
  for (let failures = 1; ; failures++) {
    if (signal.aborted) throw new NestdawError('KAFKA_REBALANCED', `${what} was cut short: the assignment has ended`);
    try {
      return await attempt();
    } catch (error) {
      const spentMs = settings.clock.monotonic() - began;
      if (!isWorthRetrying(error) || signal.aborted || spentMs >= withinMs) throw error;
      if (failures === 1) settings.logger.warn(`${what} failed and is tried again: ${messageOf(error)}`);
    }
    await pauseAfter(failures, settings, signal);
  }
}
