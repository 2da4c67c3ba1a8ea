import { describe, expect, it } from '@jest/globals';
import { DeleteTopics, DescribeTopicPartitions } from '../../../src/protocol/messages/index.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DescribeTopicPartitions', () => {
  const describeTopics = (names: readonly string[], more = {}) =>
    world.send(DescribeTopicPartitions, 0, { topics: names.map((name) => ({ name })), cursor: null, ...more });

  it('describes topics sorted by name', async () => {
    const one = await world.topic({ name: world.name('b'), partitions: 2 });
    const other = await world.topic({ name: world.name('a') });
    const answer = await describeTopics([one.name, other.name]);
    expect(answer.topics.map(({ name, errorCode, topicId }) => [name, errorCode, topicId])).toEqual([
      [other.name, 0, other.id],
      [one.name, 0, one.id],
    ]);
    expect(answer.topics[1]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(answer.nextCursor).toBeNull();
  });

  it('of an unknown topic answers 3', async () => {
    const name = world.name();
    expect((await describeTopics([name])).topics).toMatchObject([{ errorCode: 3, name, partitions: [] }]);
  });

  it('describes a topic that is being deleted, or says that there is none', async () => {
    const topic = await world.topic({ partitions: 2 });
    const other = await world.connect();
    const [answer] = await Promise.all([
      describeTopics([topic.name]),
      other.send(DeleteTopics, 5, { topicNames: [topic.name], timeoutMs: 10_000 }),
    ]);
    expect([0, 3]).toContain(answer.topics[0]!.errorCode);
    await eventually(async () => {
      const [found] = (await describeTopics([topic.name])).topics;
      if (found!.errorCode !== 3) throw new Error(`${topic.name} is still there`);
    });
  });

  it('stops at the limit and says where to go on', async () => {
    const a = await world.topic({ name: world.name('a'), partitions: 3 });
    const b = await world.topic({ name: world.name('b'), partitions: 2 });
    const first = await describeTopics([a.name, b.name], { responsePartitionLimit: 2 });
    expect(first.topics.map(({ partitions }) => partitions.length)).toEqual([2]);
    expect(first.nextCursor).toEqual({ topicName: a.name, partitionIndex: 2 });
    const second = await describeTopics([a.name, b.name], { responsePartitionLimit: 2, cursor: first.nextCursor });
    const found = second.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionIndex)]);
    expect(found).toEqual([
      [a.name, [2]],
      [b.name, [0]],
    ]);
    expect(second.nextCursor).toEqual({ topicName: b.name, partitionIndex: 1 });
    const third = await describeTopics([a.name, b.name], { responsePartitionLimit: 2, cursor: second.nextCursor });
    expect(third.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([[b.name, 1]]);
    expect(third.nextCursor).toBeNull();
  });
});
