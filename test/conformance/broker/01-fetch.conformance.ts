import { describe, expect, it } from '@jest/globals';
import { DeleteRecords, Fetch } from '../../../src/protocol/messages/index.js';
import { baseOffset } from '../../../src/protocol/record-batch-header.js';
import { batchesIn, recordsIn } from './harness/batches.js';
import { type Topic } from './harness/topic.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();
/** Longer than a case may take: what waits so long was not woken. */
const FOREVER = 300_000;
const offsetsIn = (records: Buffer | null) => batchesIn(records).map((one) => baseOffset(one));

async function deleteBefore(topic: Topic, offset: number): Promise<void> {
  const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset }] }];
  const answer = await world.send(DeleteRecords, 2, { topics, timeoutMs: 5000 });
  expect(answer.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: offset });
}

describe('Fetch', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])('v%i reads what was written', async (version) => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    await topic.write(['c']);
    const answer = await world.send(Fetch, version, topic.fetchRequest(0));
    expect(answer).toMatchObject({ errorCode: 0, sessionId: 0 });
    const [responded] = answer.responses;
    if (version >= 13) expect(responded!.topicId).toBe(topic.id);
    else expect(responded!.topic).toBe(topic.name);
    const part = responded!.partitions[0]!;
    expect(part).toMatchObject({ partitionIndex: 0, errorCode: 0, highWatermark: 3, lastStableOffset: 3 });
    if (version >= 5) expect(part.logStartOffset).toBe(0);
    if (version >= 11) expect(part.preferredReadReplica).toBe(-1);
    expect(recordsIn(part.records).map(({ value }) => String(value))).toEqual(['a', 'b', 'c']);
  });

  it('gives the batch that holds the offset, whole', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    await topic.write(['d']);
    const { records } = await topic.fetch(2);
    expect(offsetsIn(records)).toEqual([0, 3]);
  });

  it('begins at the batch that begins with the offset', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    await topic.write(['d']);
    expect(offsetsIn((await topic.fetch(3)).records)).toEqual([3]);
  });

  it('at the end gives nothing and no error', async () => {
    const topic = await world.topic();
    await topic.write(['a']);
    const answer = await topic.fetch(1);
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 });
    expect(answer.records?.length ?? 0).toBe(0);
  });

  it('of an empty partition gives nothing and no error', async () => {
    const topic = await world.topic();
    expect(await topic.fetch(0)).toMatchObject({ errorCode: 0, highWatermark: 0, logStartOffset: 0 });
  });

  it.each([2, 1000, -1, -2])('at offset %i, outside of a log of one record, answers 1', async (offset) => {
    const topic = await world.topic();
    await topic.write(['a']);
    const answer = await topic.fetch(offset);
    expect(answer).toMatchObject({ errorCode: 1, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 });
    expect(answer.records?.length ?? 0).toBe(0);
  });

  it('before a start that was moved answers 1, at it the rest', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    await topic.write(['d']);
    await deleteBefore(topic, 2);
    expect((await topic.fetch(1)).errorCode).toBe(1);
    const answer = await topic.fetch(2);
    expect(answer).toMatchObject({ errorCode: 0, logStartOffset: 2, highWatermark: 4 });
    expect(offsetsIn(answer.records)).toEqual([0, 3]);
  });

  it('after the last record was deleted stands at the end', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    await deleteBefore(topic, 2);
    expect(await topic.fetch(2)).toMatchObject({ errorCode: 0, logStartOffset: 2, highWatermark: 2 });
    expect((await topic.fetch(0)).errorCode).toBe(1);
    expect(await topic.write(['c'])).toBe(2);
    expect(offsetsIn((await topic.fetch(2)).records)).toEqual([2]);
  });

  it.each([1, 99, -1])('of partition %i of a topic with one answers 3', async (partition) => {
    const topic = await world.topic();
    const answer = await topic.fetch(0, { partition });
    expect(answer).toMatchObject({ partitionIndex: partition, errorCode: 3, highWatermark: -1 });
  });

  it('of an unknown topic answers 3 and does not create it', async () => {
    const topics = [{ topic: world.name(), partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }] }];
    const request = { maxWaitMs: FOREVER, minBytes: 1, isolationLevel: 0, topics, forgottenTopicsData: [] };
    for (let i = 0; i < 2; i++) {
      const answer = await world.send(Fetch, 12, request);
      expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(3);
    }
  });

  it.each([13, 18])('v%i of an unknown topic id answers 100', async (version) => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }];
    const topics = [{ topicId: UNKNOWN_ID, partitions }];
    const answer = await world.send(Fetch, version, {
      maxWaitMs: FOREVER,
      minBytes: 1,
      isolationLevel: 0,
      topics,
      forgottenTopicsData: [],
    });
    expect(answer.errorCode).toBe(0);
    expect(answer.responses[0]).toMatchObject({ topicId: UNKNOWN_ID, partitions: [{ errorCode: 100 }] });
  });

  it('with a leader epoch that is newer is refused', async () => {
    const topic = await world.topic();
    await topic.write(['a']);
    const partitions = [{ partition: 0, currentLeaderEpoch: 5, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const answer = await topic.fetch(0, { topics: [{ topic: topic.name, partitions }] });
    expect(answer.errorCode).toBe(75);
    expect(answer.records?.length ?? 0).toBe(0);
  });

  it.each([-1, -2])('with leader epoch %i, which stands for none, is served', async (currentLeaderEpoch) => {
    const topic = await world.topic();
    await topic.write(['a']);
    const partitions = [{ partition: 0, currentLeaderEpoch, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const answer = await topic.fetch(0, { topics: [{ topic: topic.name, partitions }] });
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });

  it('with the right leader epoch is served', async () => {
    const topic = await world.topic();
    await topic.write(['a']);
    const partitions = [
      { partition: 0, currentLeaderEpoch: 0, lastFetchedEpoch: 0, fetchOffset: 0, partitionMaxBytes: 1000 },
    ];
    const answer = await topic.fetch(0, { topics: [{ topic: topic.name, partitions }] });
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(answer.divergingEpoch).toMatchObject({ epoch: -1, endOffset: -1 });
  });

  it.each([
    [0, null],
    [1, []],
  ])('at isolation level %i has %j as aborted transactions', async (isolationLevel, aborted) => {
    const topic = await world.topic();
    await topic.write(['a']);
    expect(await topic.fetch(0, { isolationLevel })).toMatchObject({
      abortedTransactions: aborted,
      lastStableOffset: 1,
    });
  });

  it('answers a request without topics at once', async () => {
    const request = { maxWaitMs: FOREVER, minBytes: 1, isolationLevel: 0, topics: [], forgottenTopicsData: [] };
    expect((await world.send(Fetch, 12, request)).responses).toEqual([]);
  });

  it('answers partitions in the order in which they were asked for', async () => {
    const topic = await world.topic({ partitions: 4 });
    const partitions = [3, 0, 2, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }));
    const answer = await world.send(Fetch, 12, topic.fetchRequest(0, { topics: [{ topic: topic.name, partitions }] }));
    expect(answer.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([3, 0, 2, 1]);
  });

  it('of an incremental session that nobody has answers 70 without partitions', async () => {
    const topic = await world.topic();
    const answer = await world.send(Fetch, 12, topic.fetchRequest(0, { sessionId: 12345, sessionEpoch: 7 }));
    expect(answer).toMatchObject({ errorCode: 70, sessionId: 0, responses: [] });
  });
});

describe('Fetch: limits', () => {
  const value = (c: string) => c.repeat(1000);

  async function filled(partitions = 1): Promise<Topic> {
    const topic = await world.topic({ partitions });
    for (let partition = 0; partition < partitions; partition++) {
      for (const c of ['a', 'b', 'c', 'd']) await topic.write([value(c)], { partition });
    }
    return topic;
  }

  /** Whole batches may be followed by the beginning of the next: Apache Kafka cuts at the limit. */
  it('partition.max.bytes ends what one partition gives', async () => {
    const topic = await filled();
    const { records } = await topic.fetch(0, { partitionMaxBytes: 2500 });
    expect(offsetsIn(records)).toEqual([0, 1]);
    expect(records!.length).toBeLessThanOrEqual(2500);
  });

  it.each([0, 1, 500])('a first batch above partition.max.bytes of %i comes whole and alone', async (limit) => {
    const topic = await filled();
    const { records, errorCode } = await topic.fetch(1, { partitionMaxBytes: limit });
    expect(errorCode).toBe(0);
    expect(offsetsIn(records)).toEqual([1]);
  });

  it('a first batch above max.bytes comes whole and alone', async () => {
    const topic = await filled();
    expect(offsetsIn((await topic.fetch(0, { maxBytes: 10 })).records)).toEqual([0]);
  });

  it('only the first partition with data gives more than the limit', async () => {
    const topic = await filled(2);
    const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10 }));
    const answer = await world.send(Fetch, 12, topic.fetchRequest(0, { topics: [{ topic: topic.name, partitions }] }));
    const [first, second] = answer.responses[0]!.partitions;
    expect(offsetsIn(first!.records)).toEqual([0]);
    expect(offsetsIn(second!.records)).toEqual([]);
    expect(second!.errorCode).toBe(0);
  });

  it('an empty partition before it does not use up that right', async () => {
    const topic = await filled(2);
    const partitions = [
      { partition: 0, fetchOffset: 4, partitionMaxBytes: 10 },
      { partition: 1, fetchOffset: 2, partitionMaxBytes: 10 },
    ];
    const answer = await world.send(Fetch, 12, topic.fetchRequest(0, { topics: [{ topic: topic.name, partitions }] }));
    expect(answer.responses[0]!.partitions.map(({ records }) => offsetsIn(records))).toEqual([[], [2]]);
  });

  it('max.bytes is shared by the partitions in their order', async () => {
    const topic = await filled(3);
    const partitions = [0, 1, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 100_000 }));
    const request = topic.fetchRequest(0, { maxBytes: 5500, topics: [{ topic: topic.name, partitions }] });
    const answer = await world.send(Fetch, 12, request);
    expect(answer.responses[0]!.partitions.map(({ records }) => offsetsIn(records).length)).toEqual([4, 1, 0]);
  });

  it('a batch of a megabyte comes whole through small limits', async () => {
    const topic = await world.topic();
    await topic.write(['x'.repeat(1_000_000)]);
    await topic.write(['next']);
    const { records } = await topic.fetch(0, { partitionMaxBytes: 1, maxBytes: 1 });
    expect(recordsIn(records).map((record) => record.value!.length)).toEqual([1_000_000]);
  });
});
