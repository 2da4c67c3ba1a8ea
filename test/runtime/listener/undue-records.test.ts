import { describe, expect, it } from '@jest/globals';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { Harness, TOPIC } from '../../support/listener-harness.js';

// Partitions whose records have to wait for their time, as those of retry topics do.

/** Six records: the one at offset n is due n × 10 s after the first, which is due after a minute. */
async function waiting({ isQuiet = true } = {}) {
  const at: string[] = [];
  const harness: Harness = new Harness({
    endpoint: { workers: 4, order: 'key' },
    settings: {
      admission: ({ offset }) => {
        const until = harness.clock.startedAt + 60_000 + offset * 10_000;
        return { action: 'wait', until, ...(isQuiet && { quietUntil: until - 1_000 }) };
      },
    },
    invoke: ({ offset }) => {
      at.push(`${offset} at ${harness.clock.monotonic()}`);
      return DONE;
    },
  });
  harness.push(2, (i) => `k${i}`);
  await harness.start();
  harness.push(4, (i) => `k${i + 2}`);
  await harness.clock.advance(0);
  return { harness, at, position: () => harness.consumer.position(TOPIC, 0) };
}

describe('a partition of which nothing is due for long', () => {
  it('is polled again shortly before its first record is due, and each record runs at its own time', async () => {
    const { harness, at, position } = await waiting();
    const { clock, consumer } = harness;
    expect(position()).toBe(2);
    await clock.advance(58_999);
    expect([position(), consumer.pausesOf(TOPIC, 0)]).toEqual([2, ['not-due']]);
    await clock.advance(1);
    expect([position(), consumer.pausesOf(TOPIC, 0)]).toEqual([6, ['not-due']]);
    harness.push(1, () => 'k6');
    await clock.advance(19_999);
    expect(position()).toBe(6);
    await clock.advance(1);
    expect(position()).toBe(7);
    await clock.advance(41_000);
    expect(at).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `${n} at ${60_000 + n * 10_000}`));
    expect(consumer.pausesOf(TOPIC, 0)).toEqual([]);
    await harness.container.stop();
    expect(harness.committed()).toBe(7);
  });

  it('is polled from another position at once', async () => {
    const { harness, at, position } = await waiting();
    await harness.clock.advance(20_000);
    await harness.container.seek(5, { topic: TOPIC, partition: 0 });
    await harness.clock.advance(0);
    expect(position()).toBe(6);
    await harness.clock.advance(100_000);
    expect(at).toEqual(['5 at 110000']);
    await harness.container.stop();
  });

  it('leaves no timer behind when it is given up', async () => {
    const pending = async (isQuiet: boolean) => {
      const { harness } = await waiting({ isQuiet });
      await harness.consumer.lose();
      const timers = harness.clock.pending;
      await harness.container.stop();
      return timers;
    };
    expect(await pending(true)).toBe(await pending(false));
  });
});
