import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { KeyDispatcher } from '../../../../src/runtime/dispatch/key-dispatcher.js';
import { type Delivery, weightOf } from '../../../../src/runtime/listener/delivery/delivery.js';
import { RecordRun } from '../../../../src/runtime/listener/delivery/record-run.js';
import { type PartitionState } from '../../../../src/runtime/listener/partitions/partition-state.js';

function recordOf(offset: number, bytes: number): KafkaRecord {
  return { topic: 't', partition: 0, offset, timestamp: 0, key: null, value: Buffer.alloc(bytes), headers: [] };
}

describe('a run of records', () => {
  it('takes from the budget what the records weigh, and its deliveries give back just that', () => {
    const dispatcher = new KeyDispatcher<Delivery>({ order: 'none', workers: 9, budget: { records: 9, bytes: 9_999 } });
    const queue = dispatcher.open();
    const records = [recordOf(0, 7), recordOf(1, 1_000), recordOf(2, 0)];
    dispatcher.offer(queue, new RecordRun({ queue } as PartitionState, { remaining: 3 }, records));
    expect(queue.bytes).toBe(records.reduce((sum, record) => sum + weightOf(record), 0));
    expect(queue.records).toBe(3);

    const started = [dispatcher.next()!, dispatcher.next()!, dispatcher.next()!];
    expect(started.map(({ record }) => record)).toEqual(records);
    expect(dispatcher.next()).toBeUndefined();
    for (const delivery of started) dispatcher.finish(delivery);
    expect([queue.records, queue.bytes]).toEqual([0, 0]);
  });
});
