import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../src/common/record.js';
import { DeleteTopics, Fetch, Metadata } from '../../../src/protocol/messages/index.js';
import { decodeBatch } from '../../../src/protocol/record-batch.js';
import { batchSize } from '../../../src/protocol/record-batch-header.js';
import { BrokerFixture } from '../../support/broker-fixture.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

function valuesOf(records: Buffer | null, from = 0): string[] {
  const out: KafkaRecord[] = [];
  for (let at = 0; records && at < records.length; at += batchSize(records, at)) {
    decodeBatch('t', 0, records, at, batchSize(records, at), from, out);
  }
  return out.map(({ value }) => value!.toString());
}

describe('Fetch', () => {
  let fixture: BrokerFixture;
  let clock: ManualClock;
  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    fixture = await BrokerFixture.start({ clock });
    await fixture.createTopic('orders', 3);
  });
  afterEach(async () => {
    const stopped = fixture.stop();
    await clock.advance(2_000);
    await stopped;
  });

  it('gives whole batches, beginning with the one that holds the offset', async () => {
    await fixture.appendValues('orders', ['a', 'b', 'c']);
    await fixture.appendValues('orders', ['d']);
    const read = await fixture.read('orders', 1);
    expect(read).toMatchObject({ errorCode: 0, highWatermark: 4, lastStableOffset: 4, logStartOffset: 0 });
    expect(read.abortedTransactions).toBeNull();
    expect(valuesOf(read.records)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('has nothing at the end, and errors outside the log', async () => {
    await fixture.appendValues('orders', ['a']);
    expect(await fixture.read('orders', 1)).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(await fixture.read('orders', 2)).toMatchObject({ errorCode: 1, highWatermark: -1, logStartOffset: -1 });
    expect(await fixture.read('orders', -5)).toMatchObject({ errorCode: 1 });
    expect(await fixture.read('nowhere', 0)).toMatchObject({ errorCode: 3 });
    expect(await fixture.read('orders', 0, {}, 7)).toMatchObject({ errorCode: 3 });
  });

  it('gives one batch too large for every limit, but only to the first partition that has data', async () => {
    for (const partition of [1, 2]) await fixture.appendValues('orders', ['x'.repeat(500)], { partition });
    const partitions = [0, 1, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10 }));
    const request = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 10,
      isolationLevel: 0,
      topics: [{ topic: 'orders', partitions }],
    };
    const { responses } = await fixture.client.send(Fetch, 11, request);
    expect(responses[0]!.partitions.map((p) => valuesOf(p.records).length)).toEqual([0, 1, 0]);
  });

  it('waits for data and answers with it', async () => {
    let answered = false;
    const parked = fixture.read('orders', 0, { maxWaitMs: 500 }).finally(() => {
      answered = true;
    });
    await flush();
    expect(answered).toBe(false);
    await fixture.appendValues('orders', ['elsewhere'], { partition: 1 });
    await flush();
    expect(answered).toBe(false);
    await fixture.appendValues('orders', ['a']);
    expect(valuesOf((await parked).records)).toEqual(['a']);
  });

  it('waits until there are enough bytes, over several appends and partitions', async () => {
    const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10_000 }));
    const request = { maxWaitMs: 500, minBytes: 250, isolationLevel: 0, topics: [{ topic: 'orders', partitions }] };
    let answered = false;
    const parked = fixture.client.send(Fetch, 11, request).finally(() => {
      answered = true;
    });
    await fixture.appendValues('orders', ['x'.repeat(30)]);
    await fixture.appendValues('orders', ['x'.repeat(30)], { partition: 1 });
    await flush();
    expect(answered).toBe(false);
    await fixture.appendValues('orders', ['x'.repeat(30)]);
    const { responses } = await parked;
    expect(responses[0]!.partitions.map((p) => valuesOf(p.records).length)).toEqual([2, 1]);
  });

  it('answers empty when the time is over', async () => {
    const parked = fixture.read('orders', 0, { maxWaitMs: 500 });
    await clock.advance(499);
    await clock.advance(1);
    expect(await parked).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  it('does not wait when one partition has an error', async () => {
    const partitions = [
      { partition: 0, fetchOffset: 0, partitionMaxBytes: 100 },
      { partition: 1, fetchOffset: 5, partitionMaxBytes: 100 },
    ];
    const request = { maxWaitMs: 60_000, minBytes: 1, isolationLevel: 0, topics: [{ topic: 'orders', partitions }] };
    const { responses } = await fixture.client.send(Fetch, 11, request);
    expect(responses[0]!.partitions.map((p) => p.errorCode)).toEqual([0, 1]);
  });

  it('wakes when the topic is deleted', async () => {
    const parked = fixture.read('orders', 0, { maxWaitMs: 60_000 });
    await flush();
    await fixture.client.send(DeleteTopics, 4, { topicNames: ['orders'], timeoutMs: 1 });
    expect(await parked).toMatchObject({ errorCode: 3 });
  });

  it('finds topics by id from version 13 on', async () => {
    await fixture.appendValues('orders', ['a']);
    const { topics } = await fixture.client.send(Metadata, 12, { topics: [{ name: 'orders' }] });
    const { topicId } = topics[0]!;
    const byId = (id: string) => ({
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: 0,
      topics: [{ topicId: id, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    });
    const good = await fixture.client.send(Fetch, 16, byId(topicId));
    expect(good.responses[0]).toMatchObject({ topicId, partitions: [{ errorCode: 0 }] });
    const bad = await fixture.client.send(Fetch, 16, byId('AAAAAAAAAAAAAAAAAAAABQ'));
    expect(bad.responses[0]!.partitions[0]).toMatchObject({ errorCode: 100 });
  });

  it('checks the leader epoch that the client believes in', async () => {
    const believing = (currentLeaderEpoch: number) => [
      { topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch }] },
    ];
    expect(await fixture.read('orders', 0, { topics: believing(0) })).toMatchObject({ errorCode: 0 });
    expect(await fixture.read('orders', 0, { topics: believing(3) })).toMatchObject({ errorCode: 75 });
  });
});
