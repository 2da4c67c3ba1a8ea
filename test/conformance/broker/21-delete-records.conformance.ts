import { describe, expect, it } from '@jest/globals';
import { DeleteRecords } from '../../../src/protocol/messages/index.js';
import { batch } from './harness/batches.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DeleteRecords', () => {
  const cut = async (name: string, offset: number, partitionIndex = 0, version = 2) => {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
    const answer = await world.send(DeleteRecords, version, { topics, timeoutMs: 5000 });
    return answer.topics[0]!.partitions[0]!;
  };

  it.each([0, 1, 2])('v%i moves the start of the log', async (version) => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    expect(await cut(topic.name, 2, 0, version)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 3]);
  });

  it('takes −1 for the end', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    expect(await cut(topic.name, -1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 2]);
    expect(await topic.write(['c'])).toBe(2);
  });

  it('never moves it back', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    await cut(topic.name, 2);
    expect(await cut(topic.name, 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await cut(topic.name, 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 3]);
  });

  it.each([4, 1000, -2])('refuses offset %i in a log of three', async (offset) => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    expect(await cut(topic.name, offset)).toMatchObject({ errorCode: 1, lowWatermark: -1 });
    expect(await topic.ends()).toEqual([0, 3]);
  });

  it('of an unknown topic or partition answers 3', async () => {
    const topic = await world.topic();
    expect(await cut(topic.name, 0, 5)).toMatchObject({ errorCode: 3, lowWatermark: -1 });
    expect(await cut(world.name(), 0)).toMatchObject({ errorCode: 3, lowWatermark: -1 });
  });

  it('refuses a topic that is only compacted', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact' } });
    const key = Buffer.from('k');
    await topic.produce(batch([{ key, value: key }]));
    expect((await cut(topic.name, 1)).errorCode).toBe(44);
    expect(await topic.ends()).toEqual([0, 1]);
  });

  it('takes one that is compacted and deleted', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact,delete' } });
    const key = Buffer.from('k');
    await topic.produce(batch([{ key, value: key }]));
    expect(await cut(topic.name, 1)).toMatchObject({ errorCode: 0, lowWatermark: 1 });
  });

  it('refuses an internal topic', async () => {
    await world.group();
    expect((await cut('__consumer_offsets', 0)).errorCode).toBe(17);
  });
});
