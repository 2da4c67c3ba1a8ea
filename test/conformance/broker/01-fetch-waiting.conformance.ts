import { describe, expect, it } from '@jest/globals';
import { ApiVersions, CreatePartitions, DeleteTopics, Fetch } from '../../../src/protocol/messages/index.js';
import { baseOffset } from '../../../src/protocol/record-batch-header.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { batch, batchesIn, recordsIn } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { type Topic } from './harness/topic.js';
import { conformance } from './harness/world.js';

const world = conformance();
/** Longer than a case may take: what waits so long was not woken. */
const FOREVER = 300_000;
const offsetsIn = (records: Buffer | null) => batchesIn(records).map((one) => baseOffset(one));

describe('Fetch: waiting', () => {
  /** A fetch that is with the broker; `answer` comes when it does. */
  async function park(
    topic: Topic,
    offset: number,
    more: Parameters<Topic['fetchRequest']>[1] & { version?: number } = {},
  ) {
    const client = await world.connect();
    await client.send(ApiVersions, 0, {});
    const { version = 12, ...rest } = more;
    const settled = client.send(Fetch, version, topic.fetchRequest(offset, { maxWaitMs: FOREVER, ...rest }));
    // What the broker answers after it was sent, it has read after the fetch.
    for (let i = 0; i < 3; i++) await world.send(ApiVersions, 0, {});
    return { answer: settled.then(({ responses }) => responses[0]!.partitions) };
  }

  it('does not wait where max.wait is 0', async () => {
    const topic = await world.topic();
    expect((await topic.fetch(0, { maxWaitMs: 0, minBytes: 100 })).errorCode).toBe(0);
  });

  it('does not wait where min.bytes is 0', async () => {
    const topic = await world.topic();
    expect((await topic.fetch(0, { maxWaitMs: FOREVER, minBytes: 0 })).errorCode).toBe(0);
  });

  it('answers empty when the time is over, and not before', async () => {
    const topic = await world.topic();
    const from = performance.now();
    const answer = await topic.fetch(0, { maxWaitMs: 150, minBytes: 1 });
    expect(performance.now() - from).toBeGreaterThanOrEqual(145);
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 0 });
    expect(answer.records?.length ?? 0).toBe(0);
  });

  it('wakes by a write to its partition', async () => {
    const topic = await world.topic();
    const parked = await park(topic, 0);
    await topic.write(['wake']);
    const [part] = await parked.answer;
    expect(part).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(recordsIn(part!.records).map((record) => String(record.value))).toEqual(['wake']);
  });

  it('wakes all who wait, each at its own offset', async () => {
    const topic = await world.topic();
    await topic.write(['first']);
    const parked = [await park(topic, 1), await park(topic, 1), await park(topic, 1)];
    await topic.write(['second']);
    for (const { answer } of parked) expect(offsetsIn((await answer)[0]!.records)).toEqual([1]);
  });

  it('is not woken by a write to another partition', async () => {
    const topic = await world.topic({ partitions: 2 });
    const parked = await park(topic, 0, { maxWaitMs: 200 });
    await topic.write(['elsewhere'], { partition: 1 });
    const [part] = await parked.answer;
    expect(part).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  it('wakes by a write to any of its partitions', async () => {
    const topic = await world.topic({ partitions: 3 });
    const partitions = [0, 1, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }));
    const parked = await park(topic, 0, { topics: [{ topic: topic.name, partitions }] });
    await topic.write(['here'], { partition: 2 });
    expect((await parked.answer).map((part) => part.highWatermark)).toEqual([0, 0, 1]);
  });

  it('waits until min.bytes have come together', async () => {
    const topic = await world.topic({ partitions: 2 });
    const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10_000 }));
    const parked = await park(topic, 0, { minBytes: 1500, topics: [{ topic: topic.name, partitions }] });
    await topic.write(['x'.repeat(800)], { partition: 0 });
    await topic.write(['y'.repeat(800)], { partition: 1 });
    expect((await parked.answer).map(({ highWatermark }) => highWatermark)).toEqual([1, 1]);
  });

  it('gives what there is when min.bytes have not come in time', async () => {
    const topic = await world.topic();
    await topic.write(['little']);
    const [part] = await (await park(topic, 0, { minBytes: 100_000, maxWaitMs: 100 })).answer;
    expect(offsetsIn(part!.records)).toEqual([0]);
  });

  it('answers the error of one partition beside another that has nothing', async () => {
    // Apache Kafka waits for the other one all the same, so the wait is short here.
    const topic = await world.topic();
    const partitions = [0, 7].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }));
    const parts = await (await park(topic, 0, { maxWaitMs: 50, topics: [{ topic: topic.name, partitions }] })).answer;
    expect(parts.map(({ errorCode }) => errorCode).sort(byText)).toEqual([0, 3]);
  });

  it('does not wait outside of the log', async () => {
    const topic = await world.topic();
    const [part] = await (await park(topic, 5)).answer;
    expect(part!.errorCode).toBe(1);
  });

  it('wakes when its topic is deleted', async () => {
    const topic = await world.topic();
    const parked = await park(topic, 0);
    await world.send(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 5000 });
    const [part] = await parked.answer;
    // Apache Kafka says 3 or 6, by the step of the deletion at which it looks.
    expect([3, 6]).toContain(part!.errorCode);
  });

  it('v13 wakes when its topic is deleted, with an error of ids', async () => {
    const topic = await world.topic();
    const parked = await park(topic, 0, { version: 13 });
    await world.send(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 5000 });
    const [part] = await parked.answer;
    expect([3, 6, 100, 103]).toContain(part!.errorCode);
  });

  it('stays with its partition when the topic gets more', async () => {
    const topic = await world.topic();
    const parked = await park(topic, 0);
    const topics = [{ name: topic.name, count: 3, assignments: null }];
    await world.send(CreatePartitions, 3, { topics, timeoutMs: 5000, validateOnly: false });
    await world.untilServed(topic.name, 3);
    await topic.write(['new'], { partition: 2 });
    await topic.write(['old'], { partition: 0 });
    const [part] = await parked.answer;
    expect(recordsIn(part!.records).map((record) => String(record.value))).toEqual(['old']);
  });

  it('wakes for every batch of a reader that keeps up', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const seen: string[] = [];
    const reader = (async () => {
      for (let at = 0; at < 20; ) {
        const { records } = await topic.fetch(at, { client, maxWaitMs: FOREVER });
        const values = recordsIn(records).map((record) => String(record.value));
        seen.push(...values);
        at += values.length;
      }
    })();
    for (let i = 0; i < 20; i++) await topic.produce(batch([`v${i}`]));
    await reader;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`));
  });
});
