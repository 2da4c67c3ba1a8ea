import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TokenRate } from '../../../src/runtime/dispatch/token-rate.js';
import { WorkerSteering } from '../../../src/runtime/dispatch/worker-steering.js';

describe('a rate', () => {
  it('lets a burst go, then one each interval, and saves up no more than the burst', () => {
    const rate = new TokenRate({ perSecond: 10, burst: 3 });
    expect([0, 0, 0, 0, 0].map((now) => rate.reserve(now))).toEqual([0, 0, 0, 100, 200]);
    expect([5_000, 5_000, 5_000, 5_000].map((now) => rate.reserve(now))).toEqual([5_000, 5_000, 5_000, 5_100]);
  });

  it('never lets more through in any window than rate and burst allow', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 5 }),
        arrivals,
        (perSecond, burst, gaps) => {
          const rate = new TokenRate({ perSecond, burst });
          let now = 0;
          const turns = gaps.map((gap) => {
            now += gap;
            return rate.reserve(now);
          });
          for (const [i, from] of turns.entries()) {
            const inWindow = turns.slice(i).filter((turn) => turn < from + 1_000).length;
            expect(inWindow).toBeLessThanOrEqual(perSecond + burst);
          }
          expect(turns).toEqual([...turns].sort((a, b) => a - b));
        },
      ),
    );
  });
});

/** Something behind the handlers that serves `capacity` at once; more of them only wait. */
function settle(by: 'latency' | 'lag', capacity: number, start = 1, periods = 60, arrivals = Infinity) {
  const steering = new WorkerSteering({ min: 1, max: 200, by });
  let workers = start;
  let lag = by === 'lag' ? 50_000 : 0;
  for (let i = 0; i < periods; i++) {
    const latency = 10 * Math.max(1, workers / capacity);
    const possible = (1_000 / latency) * workers;
    const finished = Math.min(possible, arrivals + lag);
    lag = Math.max(0, lag + (Number.isFinite(arrivals) ? arrivals : possible) - finished);
    workers = steering.next(workers, {
      finished,
      busyMs: finished * latency,
      isSaturated: finished >= possible,
      lag,
    });
  }
  return workers;
}

describe('a pool that finds its own number of workers', () => {
  it('comes close to what the work behind it can take, from below and from above', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 1, max: 200 }), (capacity, start) => {
        const found = settle('latency', capacity, Math.min(start, capacity));
        expect(found).toBeGreaterThanOrEqual(Math.floor(capacity * 0.7));
        expect(found).toBeLessThanOrEqual(Math.ceil(capacity * 2.2) + 3);
      }),
    );
  });

  it('grows while the lag does, and goes back when there is none', () => {
    // 100 a second and worker: 20 workers keep up with 2,000.
    expect(settle('lag', 1_000, 1, 60, 2_000)).toBeGreaterThanOrEqual(18);
    expect(settle('lag', 1_000, 100, 300, 50)).toBeLessThanOrEqual(10);
  });

  it('stays within its bounds whatever it is told', () => {
    const sample = fc.record({
      finished: fc.nat(10_000),
      busyMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
      isSaturated: fc.boolean(),
      lag: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('latency' as const, 'lag' as const),
        fc.array(sample, { maxLength: 50 }),
        (by, samples) => {
          const steering = new WorkerSteering({ min: 3, max: 40, by });
          let workers = 3;
          for (const one of samples) {
            workers = steering.next(workers, one);
            expect(Number.isInteger(workers) && workers >= 3 && workers <= 40).toBe(true);
          }
        },
      ),
    );
  });
});
