import { describe, expect, it } from '@jest/globals';
import { failed, GatedHandler, Harness, TOPIC } from '../../../support/listener-harness.js';

// A member that beats and finishes nothing looks healthy to its group.

const INTERVAL_MS = 60_000;

describe('a partition of which nothing is finished', () => {
  async function started(endpoint: { workers?: number; order?: 'key' } = {}): Promise<[Harness, GatedHandler]> {
    const handler = new GatedHandler();
    const settings = { maxPollIntervalMs: INTERVAL_MS, slowHandler: 'warn' as const };
    const harness = new Harness({ partitions: 2, endpoint, settings, invoke: handler.invoke });
    return [await harness.start(), handler];
  }

  it('is told once, with its oldest record and how far behind it is', async () => {
    const [harness, handler] = await started();
    harness.push(3);
    await harness.clock.advance(INTERVAL_MS);
    expect(handler.started).toEqual([0]);
    expect(harness.ofType('stalled')).toEqual([]);
    await harness.clock.advance(4 * INTERVAL_MS);
    expect(harness.ofType('stalled')).toEqual([
      {
        type: 'stalled',
        consumer: 0,
        partition: { topic: TOPIC, partition: 0 },
        ms: expect.any(Number),
        lag: 3,
        oldest: 0,
      },
    ]);
    expect(harness.log.join()).toContain('nothing of orders-0 was finished for');
    expect(harness.partition().lag).toBe(3);
  });

  it('is told again after progress, when that ends', async () => {
    const [harness, handler] = await started();
    harness.push(3);
    await harness.clock.advance(2 * INTERVAL_MS);
    await handler.end(0);
    await harness.clock.advance(2 * INTERVAL_MS);
    expect(harness.ofType('stalled').map(({ oldest, lag }) => [oldest, lag])).toEqual([
      [0, 3],
      [1, 2],
    ]);
  });

  it('counts what overtakes a record that hangs as progress', async () => {
    const [harness, handler] = await started({ workers: 4, order: 'key' });
    harness.push(1, () => 'hangs');
    for (let i = 1; i < 8; i++) {
      harness.push(1, () => `key-${i}`);
      await harness.clock.advance(INTERVAL_MS / 2);
      await handler.end(i);
    }
    expect(harness.ofType('stalled')).toEqual([]);
    await harness.clock.advance(2 * INTERVAL_MS);
    expect(harness.ofType('stalled').map(({ oldest, lag }) => [oldest, lag])).toEqual([[0, 8]]);
  });

  it('is not told of where nothing is to be done, or somebody paused it', async () => {
    const [harness, handler] = await started();
    harness.push(1);
    await harness.clock.advance(10);
    await handler.endAll();
    await harness.clock.advance(5 * INTERVAL_MS);
    harness.container.pause();
    harness.push(5);
    await harness.clock.advance(5 * INTERVAL_MS);
    harness.container.resume();
    harness.container.pausePartitions([{ topic: TOPIC, partition: 0 }]);
    await harness.clock.advance(5 * INTERVAL_MS);
    expect(harness.ofType('stalled')).toEqual([]);
  });

  it('names what holds it', async () => {
    const errorHandler = () => ({ action: 'pause-partition' as const });
    const harness = new Harness({ settings: { maxPollIntervalMs: INTERVAL_MS, errorHandler }, invoke: () => failed() });
    await harness.start();
    harness.push(2);
    await harness.clock.advance(3 * INTERVAL_MS);
    expect(harness.ofType('stalled')).toHaveLength(1);
    expect(harness.log.join()).toContain('(held: error)');
  });
});

it('a container names the partition that gets most, and how much more than the mean', async () => {
  const harness = await new Harness({ partitions: 4 }).start();
  expect(harness.container.describe().hottest).toBeUndefined();
  harness.push(70, () => null, 2);
  for (const partition of [0, 1, 3]) harness.push(10, () => null, partition);
  await harness.clock.advance(10);
  expect(harness.partition(2).received).toBe(70);
  expect(harness.container.describe().hottest).toEqual({ topic: TOPIC, partition: 2, received: 70, timesMean: 2.8 });
});
