import { describe, expect, it } from '@jest/globals';
import { DescribeLogDirs } from '../../../src/protocol/messages/index.js';
import { batch } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DescribeLogDirs', () => {
  it.each([1, 2, 3, 4, 5])('v%i gives the size of a partition', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const sent = batch(['some value']);
    await topic.produce(Buffer.from(sent), { partition: 1 });
    const topics = [{ topic: topic.name, partitions: [0, 1] }];
    const answer = await world.send(DescribeLogDirs, version, { topics });
    if (version >= 3) expect(answer.errorCode).toBe(0);
    expect(answer.results.length).toBe(1);
    const [dir] = answer.results;
    expect([dir!.errorCode, dir!.logDir.startsWith('/')]).toEqual([0, true]);
    const found = dir!.topics[0]!.partitions.map((partition) => [
      partition.partitionIndex,
      partition.partitionSize,
      partition.offsetLag,
      partition.isFutureKey,
    ]);
    expect(found.sort(byText)).toEqual([
      [0, 0, 0, false],
      [1, sent.length, 0, false],
    ]);
    if (version >= 4) expect(dir!.totalBytes).toBeGreaterThan(0);
  });

  it('takes null for all topics', async () => {
    const topic = await world.topic();
    const answer = await world.send(DescribeLogDirs, 4, { topics: null });
    expect(answer.results[0]!.topics.map(({ name }) => name)).toContain(topic.name);
  });

  it('leaves out what there is not', async () => {
    const topic = await world.topic();
    const topics = [
      { topic: world.name(), partitions: [0] },
      { topic: topic.name, partitions: [0, 9] },
    ];
    const answer = await world.send(DescribeLogDirs, 4, { topics });
    expect(answer.results[0]!.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      [topic.name, 1],
    ]);
  });
});
