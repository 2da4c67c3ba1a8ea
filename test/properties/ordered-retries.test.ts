import { describe, expect, it } from '@jest/globals';
import { KeyLanes } from '../../src/runtime/retry/key-lanes.js';
import { OrderedRetriesWorld } from '../support/ordered-retries-world.js';

/** More on demand: ORDERED_RETRIES_SCHEDULES=100000 npm test -- test/properties/ordered-retries */
const SCHEDULES = Number(process.env.ORDERED_RETRIES_SCHEDULES ?? 2_000);
const FIRST = Number(process.env.ORDERED_RETRIES_SEED ?? 1);

describe('retries that keep the order of keys', () => {
  it(
    `deliver no record before those in front of it are finished, and lose none, in ${SCHEDULES} schedules`,
    async () => {
      let crowded = 0;
      for (let seed = FIRST; seed < FIRST + SCHEDULES; seed++) {
        const world = new OrderedRetriesWorld({ seed });
        const isDone = await world.run();
        if (world.violations.length > 0 || !isDone) {
          throw new Error(`seed ${seed}: ${isDone ? world.violations.join('; ') : 'it did not end'}`);
        }
        if (world.deliveries.some((count) => count > 3)) crowded++;
      }
      expect(crowded).toBeGreaterThan(0);
    },
    30_000 + SCHEDULES * 10,
  );

  it('deliver exactly as often as they should where nothing breaks', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const world = new OrderedRetriesWorld({ seed, hasFaults: false });
      expect(await world.run()).toBe(true);
      expect(world.violations).toEqual([]);
      expect(Math.max(...world.deliveries)).toBeLessThanOrEqual(3);
    }
  });

  it('would be caught out of order', async () => {
    let caught = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const world = new OrderedRetriesWorld({ seed, forgetKeys: true });
      await world.run();
      if (world.violations.length > 0) caught++;
    }
    expect(caught).toBeGreaterThan(10);
  });
});

describe('keys that wait in a lane', () => {
  it('count each record once: scanned, sent and acknowledged before or after it is read, or refused', () => {
    const lanes = new KeyLanes(5);
    lanes.scanned('a', 5);
    lanes.received('a', 5);
    expect(lanes.size).toEqual({ keys: 1, records: 1 });
    lanes.sent('b');
    lanes.acknowledged('b', 6);
    lanes.received('b', 6);
    lanes.sent('b');
    lanes.received('b', 7);
    lanes.acknowledged('b', 7);
    lanes.sent('c');
    lanes.refused('c');
    lanes.received('d', 8);
    expect(lanes.size).toEqual({ keys: 3, records: 4 });
    expect(['a', 'b', 'c', 'd'].map((key) => lanes.mustFollow(key))).toEqual([true, true, false, true]);
    for (const key of ['a', 'b', 'b', 'd']) lanes.finished(key);
    expect(lanes.size).toEqual({ keys: 0, records: 0 });
  });

  it('are not made to wait by records without a key', () => {
    const lanes = new KeyLanes(0);
    lanes.received(null, 0);
    lanes.sent(null);
    expect(lanes.size).toEqual({ keys: 0, records: 0 });
  });
});
