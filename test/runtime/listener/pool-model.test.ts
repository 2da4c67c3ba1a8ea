import { describe, expect, it } from '@jest/globals';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// With workers: one poll loop that runs no user code, and lanes.

const pool = { workers: 4, order: 'key' as const, gapMap: true };

describe('a container with workers', () => {
  it('runs several records of one partition at once, equal keys one after another', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(6, (i) => ['a', 'a', 'b', 'b', 'c', 'd'][i]!);
    await harness.start();
    expect(handler.runningOffsets).toEqual([0, 2, 4, 5]);
    await handler.end(5);
    expect(handler.runningOffsets).toEqual([0, 2, 4]);
    await handler.end(0);
    expect(handler.runningOffsets).toEqual([1, 2, 4]);
    await handler.endAll();
    expect(harness.committed()).toBe(6);
    await harness.container.stop();
  });

  it('polls on while handlers run', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke, settings: { pollMaxRecords: 1 } });
    harness.push(1, () => 'slow');
    await harness.start();
    harness.push(3, (i) => `k${i}`);
    await flush();
    expect(handler.runningOffsets).toEqual([0, 1, 2, 3]);
    await handler.endAll();
    await harness.container.stop();
  });

  it('asks for the next poll before it runs any handler', async () => {
    const pollsAtRun: number[] = [];
    const harness = new Harness({
      endpoint: pool,
      settings: { pollMaxRecords: 2 },
      invoke: () => {
        pollsAtRun.push(harness.consumer.polls);
        return DONE;
      },
    });
    harness.push(2);
    await harness.start();
    expect(pollsAtRun).toEqual([2, 2]);
    await harness.container.stop();
  });

  it('never commits past an unfinished record, and keeps the rest in the gap map over a crash', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { ...pool, workers: 64 }, invoke: handler.invoke });
    harness.push(2_000, (i) => `k${i}`);
    await harness.start();
    const stuck = handler.call(7);
    while (handler.running.size > 1) {
      for (const call of handler.running) if (call !== stuck) call.end.resolve(DONE);
      await flush();
    }
    await harness.clock.advance(5_000); // an empty poll: what is left over is committed
    expect(harness.committed()).toBe(7);
    expect(harness.partition()).toMatchObject({ committable: 7, unfinished: 1, finishedAbove: 1_992 });
    harness.consumer.crash();

    const redone: number[] = [];
    const next = new Harness({
      kafka: harness.kafka,
      endpoint: pool,
      invoke: ({ offset }) => {
        redone.push(offset);
        return DONE;
      },
    });
    await next.start();
    await flush(10);
    expect(redone).toEqual([7]);
    expect(next.committed()).toBe(2_000);
    expect(next.container.describe().consumers[0]!.counters.restored).toBe(1_992);
    await next.container.stop();
  });

  it('pauses only the partition whose budget is used up, and resumes it at half', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      partitions: 2,
      endpoint: { workers: 1, order: 'partition' },
      settings: { budgetRecords: 10, pollMaxRecords: 5 },
      invoke: handler.invoke,
    });
    harness.push(100, undefined, 0);
    await harness.start();
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['backpressure']);
    expect(harness.consumer.pausesOf(TOPIC, 1)).toEqual([]);
    expect(harness.consumer.position(TOPIC, 0)).toBe(10);
    for (let offset = 0; offset < 4; offset++) await handler.end(offset);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['backpressure']);
    await handler.end(4);
    expect(harness.consumer.position(TOPIC, 0)).toBe(15);
    await handler.endAll();
    expect(harness.committed(0)).toBe(100);
    await harness.container.stop();
  });

  it('bounds what piles up behind one stuck record', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: pool,
      settings: { budgetUncommitted: 50, pollMaxRecords: 10 },
      invoke: handler.invoke,
    });
    harness.push(1_000, (i) => `k${i}`);
    await harness.start();
    const stuck = handler.call(0);
    for (let round = 0; round < 200; round++) {
      for (const call of handler.running) if (call !== stuck) call.end.resolve(DONE);
      await flush(2);
    }
    expect(handler.calls).toHaveLength(50);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['backpressure']);
    await handler.endAll();
    expect(harness.committed()).toBe(1_000);
    await harness.container.stop();
  });

  it('keeps the lane of a failing key, and nobody else’s, while it waits for its retry', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: pool,
      settings: { errorHandler: () => ({ action: 'retry', delayMs: 500 }) },
      invoke: handler.invoke,
    });
    harness.push(4, (i) => ['a', 'a', 'b', 'b'][i]!);
    await harness.start();
    await handler.end(0, failed());
    await handler.end(2);
    expect(handler.runningOffsets).toEqual([3]);
    await harness.clock.advance(500);
    expect(handler.runningOffsets).toEqual([0, 3]);
    expect(handler.call(0).context.attempt).toBe(2);
    await handler.end(0);
    expect(handler.runningOffsets).toEqual([1, 3]);
    await handler.endAll();
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });

  it('follows a changed number of workers without a rebalance', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 2, order: 'none' }, invoke: handler.invoke });
    harness.push(30);
    await harness.start();
    expect(handler.running.size).toBe(2);
    harness.container.workers = 8;
    await flush();
    expect(handler.running.size).toBe(8);
    harness.container.workers = 1;
    for (const offset of [0, 1, 2, 3, 4, 5, 6]) await handler.end(offset);
    expect(handler.runningOffsets).toEqual([7]);
    await handler.end(7);
    expect(handler.runningOffsets).toEqual([8]);
    expect(harness.ofType('assigned')).toHaveLength(1);
    await handler.endAll();
    await harness.container.stop();
  });

  it('runs synchronous handlers without waiting for anything between them', async () => {
    let turns = 0;
    const seen = new Set<number>();
    const harness = new Harness({
      endpoint: { workers: 16, order: 'key' },
      invoke: () => {
        seen.add(turns);
        return DONE;
      },
    });
    harness.push(400, (i) => `k${i % 20}`);
    const ticking = async () => {
      for (; turns < 10_000 && harness.committed() !== 400; turns++) await Promise.resolve();
    };
    await harness.container.start();
    await Promise.all([ticking(), flush()]);
    expect(seen.size).toBe(1);
    await harness.container.stop();
  });

  it('gives sockets and timers their turn while handlers settle in microtasks', async () => {
    const kafkaTime = { now: 0 };
    const harness = new Harness({ endpoint: { workers: 1, order: 'none' }, invoke: async () => DONE });
    // A clock on which every look costs a tenth of a millisecond: ten milliseconds are used up after a hundred calls.
    harness.clock.monotonic = () => {
      kafkaTime.now += 0.1;
      return kafkaTime.now;
    };
    harness.push(2_000);
    let turns = 0;
    const count = () => {
      if (harness.committed() === 2_000) return;
      turns++;
      setImmediate(count);
    };
    await harness.container.start();
    count();
    await flush(60);
    expect(harness.committed()).toBe(2_000);
    expect(turns).toBeGreaterThan(10);
    await harness.container.stop();
  });
});

describe('handlers that end in many short turns', () => {
  it('are followed by the next in the same turn, however long ago the pool was woken', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 1, order: 'key' }, invoke: handler.invoke });
    harness.push(3, (i) => `key-${i}`);
    await harness.start();
    for (const offset of [0, 1]) {
      await harness.clock.advance(7);
      handler.call(offset).end.resolve(DONE);
      for (let i = 0; i < 10; i++) await Promise.resolve();
      expect(handler.started.at(-1)).toBe(offset + 1);
    }
    await handler.endAll();
    await harness.container.stop();
  });
});
