import { describe, expect, it } from '@jest/globals';
import { DONE } from '../../../../src/runtime/listener/listener-endpoint.js';
import { GatedHandler, Harness } from '../../../support/listener-harness.js';
import { flush } from '../../../support/manual-clock.js';

// Records without key and value: each weighs its overhead, 100 bytes.

const RECORD = 100;
const PARTITIONS = 8;
const POLL = 4;
const BUDGET = 64;

interface Given {
  readonly isHanging: (partition: number) => boolean;
}

function pool({ isHanging }: Given) {
  const gate = new GatedHandler();
  const harness = new Harness({
    partitions: PARTITIONS,
    endpoint: { workers: 64, order: 'partition' },
    settings: { budgetMemory: BUDGET * RECORD, pollMaxRecords: POLL },
    invoke: (record, context) => (isHanging(record.partition) ? gate.invoke(record, context) : DONE),
  });
  return { gate, harness };
}

const described = (harness: Harness) =>
  harness.container.describe().consumers.flatMap(({ partitions }) => [...partitions]);
const held = (harness: Harness): number => described(harness).reduce((sum, { bytes }) => sum + bytes, 0) / RECORD;

describe('the memory that the partitions of a listener share', () => {
  it('is not exceeded by more than a poll, and partitions whose handlers hang leave the others theirs', async () => {
    const { gate, harness } = pool({ isHanging: (partition) => partition > 0 });
    for (let partition = 1; partition < PARTITIONS; partition++) harness.push(50, () => null, partition);
    await harness.start();
    await flush(60);
    expect(held(harness)).toBeGreaterThan(BUDGET / 2);
    expect(held(harness)).toBeLessThan(BUDGET + POLL);
    const waiting = described(harness).filter(({ isShortOfMemory }) => isShortOfMemory);
    expect(waiting.map(({ partition }) => partition)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(waiting.every(({ isBackpressured }) => !isBackpressured)).toBe(true);

    harness.push(200);
    await flush(200);
    expect(harness.partition(0)).toMatchObject({ position: 200, unfinished: 0, isShortOfMemory: false });

    while (gate.running.size > 0) {
      for (const call of gate.running) call.end.resolve(DONE);
      await flush(20);
      expect(held(harness)).toBeLessThan(BUDGET + POLL);
    }
    await harness.container.stop();
    expect(Array.from({ length: PARTITIONS }, (_, partition) => harness.committed(partition))).toEqual([
      200,
      ...Array.from({ length: PARTITIONS - 1 }, () => 50),
    ]);
  });

  it('is shared by all consumers of the container, each of which goes on when another one makes room', async () => {
    const gate = new GatedHandler();
    const harness = new Harness({
      partitions: 2,
      endpoint: { workers: 64, order: 'none', concurrency: 2 },
      settings: { budgetMemory: 32 * RECORD, pollMaxRecords: POLL },
      invoke: gate.invoke,
    });
    await harness.start();
    const [first, second] = harness.consumers;
    await first!.rebalance([{ topic: 'orders', partition: 0 }]);
    await second!.rebalance([{ topic: 'orders', partition: 1 }]);
    // Half of the budget, and each has its share of the other half.
    harness.push(8);
    harness.push(8, () => null, 1);
    await flush(20);
    expect(described(harness).map(({ isShortOfMemory }) => isShortOfMemory)).toEqual([true, true]);
    harness.push(50, () => null, 1);
    await flush(20);
    expect(harness.partition(1).position).toBe(8);
    for (const call of gate.running) if (call.record.partition === 0) call.end.resolve(DONE);
    await flush(20);
    // Of its own records none has ended.
    expect(harness.partition(1).position).toBeGreaterThan(8);
    await gate.endAll();
    await harness.container.stop();
    expect([harness.committed(0), harness.committed(1)]).toEqual([8, 58]);
  });

  it('comes back with a partition that is taken away, or moved', async () => {
    const gate = new GatedHandler();
    const harness = new Harness({
      partitions: 2,
      endpoint: { workers: 64, order: 'none' },
      settings: { budgetMemory: 16 * RECORD, pollMaxRecords: POLL },
      invoke: gate.invoke,
    });
    harness.push(40);
    await harness.start();
    await flush(20);
    expect(harness.partition(0)).toMatchObject({ isShortOfMemory: true, position: 8 });

    await harness.container.seek(20);
    await flush(20);
    expect(harness.partition(0)).toMatchObject({ isShortOfMemory: true, position: 28 });

    await harness.consumer.lose();
    expect(held(harness)).toBe(0);
    await harness.consumer.rebalance([{ topic: 'orders', partition: 0 }]);
    await flush(20);
    expect(held(harness)).toBe(8);
    await gate.endAll();
    await flush(20);
    await gate.endAll();
    expect(harness.partition(0).position).toBe(40);
    await harness.container.stop();
  });
});
