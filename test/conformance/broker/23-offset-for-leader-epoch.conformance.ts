import { describe, expect, it } from '@jest/globals';
import { OffsetForLeaderEpoch } from '../../../src/protocol/messages/index.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('OffsetForLeaderEpoch', () => {
  const epochEnd = async (name: string, leaderEpoch: number, more: object = {}, version = 4) => {
    const topics = [{ topic: name, partitions: [{ partition: 0, leaderEpoch, ...more }] }];
    const answer = await world.send(OffsetForLeaderEpoch, version, { replicaId: -1, topics });
    return answer.topics[0]!.partitions[0]!;
  };

  it.each([2, 3, 4])('v%i gives the end of the epoch that runs', async (version) => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    expect(await epochEnd(topic.name, 0, {}, version)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 });
  });

  it.each([1, 99, -1])('of epoch %i, which there is not, gives nothing', async (epoch) => {
    const topic = await world.topic();
    await topic.write(['a']);
    expect(await epochEnd(topic.name, epoch)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
  });

  it('of an empty partition gives its end', async () => {
    const topic = await world.topic();
    expect(await epochEnd(topic.name, 0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 0 });
  });

  it('of an unknown topic answers 3', async () => {
    expect(await epochEnd(world.name(), 0)).toMatchObject({ errorCode: 3, leaderEpoch: -1, endOffset: -1 });
  });

  it('of an unknown partition answers 3', async () => {
    const topic = await world.topic();
    expect(await epochEnd(topic.name, 0, { partition: 4 })).toMatchObject({ errorCode: 3, partition: 4 });
  });

  it.each([
    [4, 75],
    [0, 0],
  ])('with leader epoch %i answers %i', async (currentLeaderEpoch, code) => {
    const topic = await world.topic();
    expect((await epochEnd(topic.name, 0, { currentLeaderEpoch })).errorCode).toBe(code);
  });
});
