import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exponentialBackoff } from '../../src/common/backoff.js';

const options = fc.record({
  initialMs: fc.integer({ min: 0, max: 60_000 }),
  maxMs: fc.integer({ min: 0, max: 3_600_000 }),
  multiplier: fc.integer({ min: 10, max: 100 }).map((tenths) => tenths / 10),
});
const failures = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }));

/** One step after the other, as the page on errors tells it. */
function reference(
  { initialMs, maxMs, multiplier }: { initialMs: number; maxMs: number; multiplier: number },
  count: number,
) {
  let delay = initialMs;
  for (let step = 1; step < Math.min(count, 10_000) && delay < maxMs; step++) delay *= multiplier;
  return Math.min(maxMs, delay);
}

describe('an exponential back-off', () => {
  it('is the one before times the factor, up to its limit', () => {
    fc.assert(
      fc.property(options, failures, (given, count) => {
        const delay = exponentialBackoff({ ...given, jitter: 0 })(count);
        const wanted = reference(given, count);
        expect(Math.abs(delay - wanted)).toBeLessThanOrEqual(wanted * 1e-9);
      }),
      // Nothing times a factor beyond all numbers.
      { examples: [[{ initialMs: 0, maxMs: 10, multiplier: 2 }, 2_000]] },
    );
  });

  it('stays within its share of chance, and its limit', () => {
    // Not fc.double: most of its numbers are next to nothing.
    const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
    fc.assert(
      fc.property(options, failures, share, share, (given, count, jitter, drawn) => {
        const plain = exponentialBackoff({ ...given, jitter: 0 })(count);
        const delay = exponentialBackoff({ ...given, jitter, random: { next: () => drawn } as never })(count);
        expect(delay).toBeGreaterThanOrEqual(plain * (1 - jitter) * (1 - 1e-9));
        expect(delay).toBeLessThanOrEqual(Math.min(given.maxMs, plain * (1 + jitter) * (1 + 1e-9)));
      }),
    );
  });
});
