import { type Random, systemRandom } from './random.js';

// Delays between attempts as pure functions of the attempt's number.

/** Delay in ms before the next try, given how many tries have failed so far (from 1). */
export type Backoff = (failures: number) => number;

/** The same delay every time. */
export function fixedBackoff(delayMs: number): Backoff {
  return () => delayMs;
}

export interface ExponentialBackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Default 2. */
  readonly multiplier?: number;
  /** Share of the delay that is random, 0 to 1. Default 0.2, as Kafka's clients use (KIP-580). */
  readonly jitter?: number;
  readonly random?: Random;
}

/** Delays that grow by a factor up to a limit, each varied by the jitter. */
export function exponentialBackoff(options: ExponentialBackoffOptions): Backoff {
  const { initialMs, maxMs, multiplier = 2, jitter = 0.2, random = systemRandom } = options;
  return (failures) => {
    // Nothing stays nothing: times a factor beyond all numbers it would be no number.
    const plain = initialMs === 0 ? 0 : Math.min(maxMs, initialMs * multiplier ** Math.max(0, failures - 1));
    return Math.min(maxMs, plain * (1 - jitter + 2 * jitter * random.next()));
  };
}
