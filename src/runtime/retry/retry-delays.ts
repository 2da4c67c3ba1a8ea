import { type Random } from '../../common/random.js';

// The delays between the deliveries of a record, worked out once: topics are named after them.

/** Ms and factors, as Spring's `@BackOff` has them. */
export interface RetryBackOff {
  /** Before the second delivery. Default 1,000. */
  readonly delayMs?: number;
  /** Above 1 each delay is the one before times this. Default 0: all the same. */
  readonly multiplier?: number;
  /** The most that a delay grows to; 0 for no limit. Default 0. */
  readonly maxDelayMs?: number;
  /** Drawn for each record and added to its delay or taken off, at most. Default 0. */
  readonly jitterMs?: number;
}

/** One delay for each delivery after the first, without jitter. */
export function retryDelays(attempts: number, backOff: RetryBackOff = {}): number[] {
  const { delayMs = 1_000, multiplier = 0, maxDelayMs = 0 } = backOff;
  const factor = Math.max(1, multiplier);
  // Framework's rule: a limit below the delay is no limit.
  const limit = maxDelayMs > delayMs ? maxDelayMs : factor > 1 ? Number.MAX_SAFE_INTEGER : delayMs;
  return Array.from({ length: attempts - 1 }, (_, index) => Math.floor(Math.min(limit, delayMs * factor ** index)));
}

/** The delay of one record. Jitter grows with the delay as Framework's does, and never makes it negative. */
export function jittered(
  delayMs: number,
  { delayMs: first = 1_000, jitterMs = 0 }: RetryBackOff,
  random: Pick<Random, 'next'>,
): number {
  if (jitterMs <= 0) return delayMs;
  const scaled = first > 0 ? jitterMs * Math.max(1, delayMs / first) : jitterMs;
  return Math.max(0, Math.round(delayMs - scaled + 2 * scaled * random.next()));
}
