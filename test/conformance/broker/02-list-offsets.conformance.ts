import { describe, expect, it } from '@jest/globals';
import { DeleteRecords, ListOffsets } from '../../../src/protocol/messages/index.js';
import { batch } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { type Topic } from './harness/topic.js';
import { conformance } from './harness/world.js';

const world = conformance();
const T = Date.now() - 1_000_000;

/** Offsets 0 to 5 at T+0, +10, +10 (one batch), +30, +20 (one batch), +40. */
async function timed(): Promise<Topic> {
  const topic = await world.topic();
  const record = (at: number) => ({ value: Buffer.from(String(at)), timestamp: T + at });
  await topic.produce(batch([record(0), record(10), record(10)]));
  await topic.produce(batch([record(30), record(20)], { compression: 'gzip' }));
  await topic.produce(batch([record(40)]));
  return topic;
}

describe('ListOffsets', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('v%i gives both ends', async (version) => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    const first = await topic.offset(-2, { version });
    const last = await topic.offset(-1, { version });
    expect([first.errorCode, first.offset, first.timestamp]).toEqual([0, 0, -1]);
    expect([last.errorCode, last.offset, last.timestamp]).toEqual([0, 2, -1]);
    if (version >= 4) expect([first.leaderEpoch, last.leaderEpoch]).toEqual([0, 0]);
  });

  it.each([
    ['before the first', -5, 0, 0],
    ['of the first', 0, 0, 0],
    ['between two', 5, 1, 10],
    ['of two with the same', 10, 1, 10],
    ['that only a later record of a batch has', 11, 3, 30],
    ['inside a compressed batch', 20, 3, 30],
    ['of the largest in it', 30, 3, 30],
    ['after it', 31, 5, 40],
    ['of the last', 40, 5, 40],
  ])('by the time %s', async (_, at, offset, time) => {
    const topic = await timed();
    expect(await topic.offset(T + at)).toMatchObject({ errorCode: 0, offset, timestamp: T + time, leaderEpoch: 0 });
  });

  it('by a time after the last record gives nothing and no error', async () => {
    const topic = await timed();
    expect(await topic.offset(T + 41)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 });
  });

  it('by time 0 gives the first record', async () => {
    const topic = await timed();
    expect(await topic.offset(0)).toMatchObject({ errorCode: 0, offset: 0, timestamp: T });
  });

  it('by time looks at or behind a start that was moved', async () => {
    const topic = await timed();
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }];
    await world.send(DeleteRecords, 2, { topics, timeoutMs: 5000 });
    expect(await topic.ends()).toEqual([2, 6]);
    expect(await topic.offset(T)).toMatchObject({ offset: 2, timestamp: T + 10 });
  });

  it('of an empty partition', async () => {
    const topic = await world.topic();
    expect(await topic.ends()).toEqual([0, 0]);
    expect(await topic.offset(0)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    expect(await topic.offset(-3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  it.each([7, 9, 11])('v%i gives the record with the largest time', async (version) => {
    const topic = await timed();
    expect(await topic.offset(-3, { version })).toMatchObject({ errorCode: 0, offset: 5, timestamp: T + 40 });
    await topic.write(['older'], { timestamp: T + 25 });
    expect(await topic.offset(-3, { version })).toMatchObject({ errorCode: 0, offset: 5, timestamp: T + 40 });
  });

  it('gives the first of those with the largest time', async () => {
    const topic = await world.topic();
    await topic.write(['a'], { timestamp: T });
    await topic.write(['b', 'c'], { timestamp: T + 5 });
    await topic.write(['d'], { timestamp: T + 5 });
    expect(await topic.offset(-3)).toMatchObject({ errorCode: 0, offset: 1, timestamp: T + 5 });
  });

  it.each([
    [8, -4, 0],
    [9, -4, 0],
    [9, -5, -1],
    [11, -5, -1],
    [11, -6, -1],
  ])('v%i by %i, which is about tiers, gives %i', async (version, timestamp, offset) => {
    const topic = await timed();
    expect(await topic.offset(timestamp, { version })).toMatchObject({ errorCode: 0, offset });
  });

  it.each([
    [1, -3],
    [6, -3],
    [7, -4],
    [8, -5],
    [10, -6],
    [11, -7],
    [9, -100],
  ])('v%i by %i, which it does not know, answers 35', async (version, timestamp) => {
    const topic = await timed();
    const answer = await topic.offset(timestamp, { version });
    expect(answer).toMatchObject({ errorCode: 35, offset: -1, timestamp: -1 });
  });

  it.each([1, 12, -1])('of partition %i of a topic with one answers 3', async (partition) => {
    const topic = await world.topic();
    expect(await topic.offset(-1, { partition })).toMatchObject({
      partitionIndex: partition,
      errorCode: 3,
      offset: -1,
    });
  });

  it('of an unknown topic answers 3', async () => {
    const topics = [{ name: world.name(), partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
    const answer = await world.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics });
    expect(answer.topics[0]!.partitions[0]).toMatchObject({ errorCode: 3, offset: -1, timestamp: -1 });
  });

  it('of a partition that is asked for twice answers 42', async () => {
    const topic = await world.topic();
    const partitions = [-1, -2].map((timestamp) => ({ partitionIndex: 0, timestamp }));
    const topics = [{ name: topic.name, partitions }];
    const answer = await world.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics });
    expect(answer.topics.flatMap((one) => one.partitions.map(({ errorCode }) => errorCode))).toContain(42);
    expect(answer.topics.flatMap((one) => one.partitions.map(({ errorCode }) => errorCode))).not.toContain(0);
  });

  it.each([
    [-2, 74],
    [3, 75],
    [0, 0],
  ])('with leader epoch %i answers %i', async (currentLeaderEpoch, code) => {
    const topic = await timed();
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }];
    const topics = [{ name: topic.name, partitions }];
    const answer = await world.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics });
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(code);
  });

  it('at isolation level 1 gives the last stable offset', async () => {
    const topic = await timed();
    expect(await topic.offset(-1, { isolationLevel: 1 })).toMatchObject({ errorCode: 0, offset: 6 });
  });

  it('of a topic with LogAppendTime takes the first record of the batch', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const answer = await topic.produce(batch(['a', 'b', 'c'], { timestamp: 1 }));
    expect(await topic.offset(answer.logAppendTimeMs)).toMatchObject({ offset: 0, timestamp: answer.logAppendTimeMs });
    expect(await topic.offset(answer.logAppendTimeMs + 1)).toMatchObject({ offset: -1 });
    expect(await topic.offset(-3)).toMatchObject({ offset: 0, timestamp: answer.logAppendTimeMs });
  });

  it('answers many partitions of many topics', async () => {
    const one = await world.topic({ partitions: 3 });
    const other = await world.topic();
    await one.write(['a', 'b'], { partition: 2 });
    const topics = [
      { name: one.name, partitions: [0, 1, 2].map((partitionIndex) => ({ partitionIndex, timestamp: -1 })) },
      { name: other.name, partitions: [{ partitionIndex: 0, timestamp: -1 }] },
    ];
    const answer = await world.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics });
    const found = answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => [name, partitionIndex, offset]),
    );
    expect(found.sort(byText)).toEqual(
      [
        [one.name, 0, 0],
        [one.name, 1, 0],
        [one.name, 2, 2],
        [other.name, 0, 0],
      ].sort(byText),
    );
  });
});
