import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { LEVELS, nextHop } from '../../../src/runtime/retry/delays/delay-levels.js';

describe('hops of a delayed record', () => {
  it('are few, never longer than the delay, and end at the due time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 366 * 86_400_000 }), (delayMs) => {
        let left = delayMs;
        let hops = 0;
        for (; left > 0; hops++) {
          const { partition, waitMs } = nextHop(left);
          expect(partition).toBeGreaterThanOrEqual(0);
          expect(partition).toBeLessThan(LEVELS);
          expect(waitMs).toBeLessThanOrEqual(left);
          expect(waitMs).toBeGreaterThan(0);
          left -= waitMs;
        }
        expect(hops).toBeLessThan(40);
      }),
    );
  });

  it('wait equally long in one partition, but in the first', () => {
    const waits = new Map<number, Set<number>>();
    for (let ms = 1_000; ms < 4_000_000; ms += 777) {
      const { partition, waitMs } = nextHop(ms);
      waits.set(partition, (waits.get(partition) ?? new Set()).add(waitMs));
    }
    expect([...waits.values()].every(({ size }) => size === 1)).toBe(true);
    expect(nextHop(900_000)).toEqual({ partition: 10, waitMs: 512_000 });
    expect(nextHop(999)).toEqual({ partition: 0, waitMs: 999 });
  });
});
