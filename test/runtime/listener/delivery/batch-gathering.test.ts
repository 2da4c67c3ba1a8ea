import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { DONE } from '../../../../src/runtime/listener/listener-endpoint.js';
import { FakeKafka } from '../../../support/fake-consumer.js';
import { Harness, type HarnessOptions } from '../../../support/listener-harness.js';
import { flush } from '../../../support/manual-clock.js';

const TEN = { gather: { records: 10, waitMs: 2_000 }, pollMaxRecords: 25 };

/** A container whose batches have ten records of a partition, or what has come within two seconds. */
async function gathering(options: HarnessOptions = {}) {
  const batches: string[] = [];
  const harness = await new Harness({
    settings: TEN,
    batch: (records) => {
      batches.push(`${records[0]!.partition}:${records[0]!.offset}-${records.at(-1)!.offset}`);
      return DONE;
    },
    ...options,
  }).start();
  return { batches, harness };
}

describe('a batch with a minimum', () => {
  it('waits until so many records of its partition are there; none of them is committed meanwhile', async () => {
    const { batches, harness } = await gathering({ partitions: 2 });
    harness.push(6);
    harness.push(9, () => null, 1);
    await flush(10);
    await harness.clock.advance(1_000);
    expect(batches).toEqual([]);
    expect([harness.committed(0), harness.committed(1)]).toEqual([0, 0]);
    expect(harness.partition(0)).toMatchObject({ position: 6, committable: 0, unfinished: 6 });
    harness.push(5);
    await flush(10);
    expect(batches).toEqual(['0:0-10']);
    expect([harness.committed(0), harness.committed(1)]).toEqual([11, 0]);
    await harness.container.stop();
    expect(harness.clock.pending).toBe(0);
  });

  it('goes with what is there when its first record has waited long enough', async () => {
    const { batches, harness } = await gathering();
    harness.push(3);
    await flush(10);
    await harness.clock.advance(1_500);
    harness.push(2);
    await flush(10);
    await harness.clock.advance(499);
    expect(batches).toEqual([]);
    await harness.clock.advance(1);
    await flush(10);
    expect(batches).toEqual(['0:0-4']);
    expect(harness.committed()).toBe(5);
    harness.push(1);
    await flush(10);
    await harness.clock.advance(1_999);
    expect(batches).toHaveLength(1);
    await harness.clock.advance(1);
    await flush(10);
    expect(batches).toEqual(['0:0-4', '0:5-5']);
    await harness.container.stop();
  });

  it('never has more than a poll may bring; what is left waits on', async () => {
    const { batches, harness } = await gathering();
    harness.push(9);
    await flush(10);
    harness.push(25);
    await flush(10);
    expect(batches).toEqual(['0:0-24']);
    expect(harness.committed()).toBe(25);
    await harness.clock.advance(2_000);
    await flush(10);
    expect(batches).toEqual(['0:0-24', '0:25-33']);
    await harness.container.stop();
  });

  it('is forgotten with its partition, and delivered to the next owner', async () => {
    const { batches, harness } = await gathering();
    harness.push(4);
    await flush(10);
    await harness.consumer.rebalance([]);
    await harness.clock.advance(5_000);
    await flush(10);
    expect(batches).toEqual([]);
    expect(harness.committed()).toBe(0);
    await harness.consumer.rebalance([{ topic: 'orders', partition: 0 }]);
    await harness.clock.advance(5_000);
    await flush(10);
    expect(batches).toEqual(['0:0-3']);
    await harness.container.stop();
    expect(harness.clock.pending).toBe(0);
  });

  it('begins anew where a seek moved its partition to', async () => {
    const { batches, harness } = await gathering();
    harness.push(9);
    await flush(10);
    await harness.container.seek(7, { topic: 'orders', partition: 0 });
    await flush(10);
    await harness.clock.advance(2_000);
    await flush(10);
    expect(batches).toEqual(['0:7-8']);
    await harness.container.stop();
  });

  it('survives a rebalance that leaves its partition here', async () => {
    const { batches, harness } = await gathering();
    harness.push(6);
    await flush(10);
    await harness.consumer.rebalance([{ topic: 'orders', partition: 0 }]);
    harness.push(4);
    await flush(10);
    expect(batches).toEqual(['0:0-9']);
    await harness.container.stop();
  });

  it('repeats one batch after a kill between insert and commit: rows are records', async () => {
    const kafka = new FakeKafka();
    const table = new Map<string, number>();
    const insert = (records: readonly KafkaRecord[]) => {
      for (const { partition, offset } of records) {
        const id = `${partition}:${offset}`;
        table.set(id, (table.get(id) ?? 0) + 1);
      }
      return DONE;
    };
    const first = await gathering({ kafka, batch: insert });
    first.harness.push(10);
    await flush(10);
    // The next batch is inserted, and its commit never comes back.
    first.harness.consumer.onCommit = () => new Promise(() => undefined);
    first.harness.push(12);
    await flush(10);
    expect(table.size).toBe(22);
    expect(first.harness.committed()).toBe(10);
    kafka.consumers.clear();
    const second = await gathering({ kafka, batch: insert });
    await flush(10);
    second.harness.push(3);
    await second.harness.clock.advance(2_000);
    await flush(10);
    expect(table.size).toBe(25);
    const repeated = [...table].filter(([, times]) => times > 1).map(([id]) => id);
    expect(repeated).toEqual(Array.from({ length: 12 }, (_, i) => `0:${10 + i}`));
    expect(second.harness.committed()).toBe(25);
    await second.harness.container.stop();
  });

  it.each([
    [{ settings: { gather: { records: 600, waitMs: 1 } } }, 'batch.min is 600, but a batch holds 500 at most'],
    [{ settings: { gather: { records: 0, waitMs: 1 } } }, 'batch.min is 0'],
    [{ settings: TEN, endpoint: { ackMode: 'AT_MOST_ONCE' } }, 'leave one of them out'],
  ] as ReadonlyArray<[HarnessOptions, string]>)('refuses what makes no sense: %j', (options, problem) => {
    expect(() => new Harness({ batch: () => DONE, ...options })).toThrow(problem);
    expect(() => new Harness({ settings: TEN })).toThrow('the listener takes records');
  });
});
