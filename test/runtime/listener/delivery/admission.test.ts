import { describe, expect, it } from '@jest/globals';
import { DONE } from '../../../../src/runtime/listener/listener-endpoint.js';
import { Harness } from '../../../support/listener-harness.js';

// Records that may not run before a time, by clocks that are not what they should be.

const HOUR = 3_600_000;

/** A container whose records are due in so many ms; `skew` sets its clock, and not what its timers go by. */
async function started(delayMs: number) {
  const clock = { skew: 0 };
  const ran: number[] = [];
  const harness = new Harness({
    settings: { admission: ({ offset }) => (offset === 0 ? { action: 'wait', until } : undefined) },
    invoke: ({ offset }) => {
      ran.push(offset);
      return DONE;
    },
  });
  const now = harness.clock.now.bind(harness.clock);
  harness.clock.now = () => now() + clock.skew;
  const until = harness.clock.now() + delayMs;
  harness.push(2);
  await harness.start();
  return { harness, clock, ran };
}

describe('a record that waits for its time', () => {
  it('runs when it is due, and those behind it then', async () => {
    const { harness, ran } = await started(10_000);
    await harness.clock.advance(9_999);
    expect([ran, harness.committed()]).toEqual([[], 0]);
    await harness.clock.advance(1);
    expect(ran).toEqual([0, 1]);
    await harness.container.stop();
  });

  it('is asked about again when a timer fires early', async () => {
    const { harness, clock, ran } = await started(10_000);
    clock.skew = -3;
    await harness.clock.advance(10_002);
    expect(ran).toEqual([]);
    await harness.clock.advance(1);
    expect(ran).toEqual([0, 1]);
    await harness.container.stop();
  });

  it('waits on when the clock is set back, by the time that it then shows', async () => {
    const { harness, clock, ran } = await started(10_000);
    clock.skew = -HOUR;
    await harness.clock.advance(HOUR + 9_000);
    expect(ran).toEqual([]);
    await harness.clock.advance(1_000);
    expect(ran).toEqual([0, 1]);
    await harness.container.stop();
  });

  it('runs within half a minute when the clock is set ahead of its time, or the machine slept', async () => {
    const { harness, clock, ran } = await started(2 * HOUR);
    await harness.clock.advance(1_000);
    clock.skew = 3 * HOUR;
    await harness.clock.advance(30_000);
    expect(ran).toEqual([0, 1]);
    await harness.container.stop();
  });

  it('may wait for longer than a timer can', async () => {
    const { harness, clock, ran } = await started(60 * 24 * HOUR);
    await harness.clock.advance(HOUR);
    expect(ran).toEqual([]);
    clock.skew = 60 * 24 * HOUR;
    await harness.clock.advance(30_000);
    expect(ran).toEqual([0, 1]);
    await harness.container.stop();
  });
});
