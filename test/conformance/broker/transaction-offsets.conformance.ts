import { beforeEach, describe, expect, it } from '@jest/globals';
import { DeleteGroups, OffsetCommit, OffsetFetch } from '../../../src/protocol/messages/index.js';
import { type Topic } from './harness/topic.js';
import { Transactions } from './harness/transactions.js';
import { conformance } from './harness/world.js';

const world = conformance();
let tx: Transactions;
let topic: Topic;
let group: string;
let producer: Awaited<ReturnType<Transactions['producer']>>;
beforeEach(async () => {
  tx = new Transactions(world);
  topic = await world.topic();
  group = await world.group();
  producer = await tx.producer();
});

async function plainCommit(committedOffset: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }];
  const topics = [{ name: topic.name, partitions }];
  const answer = await world.send(OffsetCommit, 7, {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics,
  });
  return answer.topics[0]!.partitions[0]!.errorCode;
}

describe('AddOffsetsToTxn', () => {
  it.each([0, 1, 2, 3, 4])('v%i makes the partition of the offsets part of the transaction', async (version) => {
    expect(await tx.addOffsets(producer, group, version)).toBe(0);
    const [found] = await tx.describe(producer.id);
    expect(found!.topics.map((one) => one.topic)).toEqual(['__consumer_offsets']);
    expect(await tx.commitOffset(producer, group, topic.name, 5)).toBe(0);
    await tx.finish(producer, true);
    expect(await tx.committed(group, topic.name)).toBe(5);
  });

  it('refuses strangers, other epochs and no id', async () => {
    expect(await tx.addOffsets({ ...producer, id: world.name('none') }, group)).toBe(49);
    expect(await tx.addOffsets({ ...producer, producerId: 1n << 40n }, group)).toBe(49);
    expect(await tx.addOffsets({ ...producer, producerEpoch: 3 }, group)).toBe(90);
    expect(await tx.addOffsets({ ...producer, producerEpoch: 3 }, group, 1)).toBe(47);
    expect(await tx.addOffsets({ ...producer, id: '' }, group)).toBe(42);
    expect(await tx.state(producer.id)).toBe('Empty 0');
  });

  it('is refused to a producer whose place another one took', async () => {
    const successor = await tx.producer({}, producer.id);
    expect(await tx.addOffsets(producer, group)).toBe(90);
    expect(await tx.addOffsets(successor, group)).toBe(0);
    await tx.finish(successor, false);
  });
});

describe('TxnOffsetCommit', () => {
  it.each([
    [0, 48],
    [2, 48],
    [3, 48],
    [4, 120],
  ])('v%i is refused with %i when the transaction does not know of it', async (version, errorCode) => {
    expect(await tx.commitOffset(producer, group, topic.name, 5, {}, version)).toBe(errorCode);
    expect(await tx.committed(group, topic.name, true)).toBe(-1);
  });

  it('v5 joins the transaction by itself', async () => {
    expect(await tx.commitOffset(producer, group, topic.name, 5, {}, 5)).toBe(0);
    expect(await tx.state(producer.id)).toBe('Ongoing 0');
    expect(await tx.committed(group, topic.name, true)).toEqual({ error: 88 });
    await tx.finish(producer, true, 5);
    expect(await tx.committed(group, topic.name, true)).toBe(5);
  });

  it('counts with the commit', async () => {
    await tx.addOffsets(producer, group);
    expect(await tx.commitOffset(producer, group, topic.name, 5)).toBe(0);
    expect(await tx.committed(group, topic.name)).toBe(-1);
    expect(await tx.committed(group, topic.name, true)).toEqual({ error: 88 });
    await tx.finish(producer, true);
    expect([await tx.committed(group, topic.name), await tx.committed(group, topic.name, true)]).toEqual([5, 5]);
  });

  it('is dropped by the abort', async () => {
    expect(await plainCommit(3)).toBe(0);
    await tx.addOffsets(producer, group);
    expect(await tx.commitOffset(producer, group, topic.name, 5)).toBe(0);
    expect(await tx.committed(group, topic.name)).toBe(3);
    expect(await tx.committed(group, topic.name, true)).toEqual({ error: 88 });
    await tx.finish(producer, false);
    expect([await tx.committed(group, topic.name), await tx.committed(group, topic.name, true)]).toEqual([3, 3]);
  });

  it('gives way to a commit that came after it', async () => {
    await tx.addOffsets(producer, group);
    await tx.commitOffset(producer, group, topic.name, 5);
    expect(await plainCommit(7)).toBe(0);
    expect(await tx.committed(group, topic.name)).toBe(7);
    expect(await tx.committed(group, topic.name, true)).toEqual({ error: 88 });
    await tx.finish(producer, true);
    expect(await tx.committed(group, topic.name, true)).toBe(7);
  });

  it('of two transactions counts in the order of the commits, not of the ends', async () => {
    const other = await tx.producer();
    await tx.commitOffset(producer, group, topic.name, 5, {}, 5);
    await tx.commitOffset(other, group, topic.name, 6, {}, 5);
    await tx.finish(other, true, 5);
    expect(await tx.committed(group, topic.name)).toBe(6);
    expect(await tx.committed(group, topic.name, true)).toEqual({ error: 88 });
    await tx.finish(producer, true, 5);
    expect(await tx.committed(group, topic.name, true)).toBe(6);
  });

  it('goes with the group', async () => {
    await tx.commitOffset(producer, group, topic.name, 5, {}, 5);
    const { results } = await world.send(DeleteGroups, 2, { groupsNames: [group] });
    expect(results[0]!.errorCode).toBe(0);
    expect(await tx.committed(group, topic.name, true)).toBe(-1);
    await tx.finish(producer, true, 5);
    expect(await tx.committed(group, topic.name)).toBe(-1);
  });

  it('checks who commits', async () => {
    await tx.addOffsets(producer, group);
    const codeOf = (wrong: Partial<typeof producer>) =>
      tx.commitOffset({ ...producer, ...wrong }, group, topic.name, 5);
    expect(await codeOf({ id: world.name('none') })).toBe(49);
    expect(await codeOf({ producerEpoch: 4 })).toBe(47);
    expect(await codeOf({ producerId: 1n << 40n })).toBe(49);
    expect(await tx.commitOffset(producer, '', topic.name, 5)).toBe(24);
    expect(await tx.commitOffset(producer, group, world.name('none'), 5)).toBe(3);
    const member = { memberId: 'm', generationId: 3 };
    expect(await tx.commitOffset(producer, group, topic.name, 5, member)).toBe(22);
    expect(await tx.commitOffset(producer, group, topic.name, 5)).toBe(0);
    expect(await tx.commitOffset(producer, group, topic.name, 5, member)).toBe(25);
  });

  it('shows in a fetch of everything only when it counts', async () => {
    await tx.commitOffset(producer, group, topic.name, 5, {}, 5);
    const all = async () => {
      const { groups } = await world.send(OffsetFetch, 8, {
        groups: [{ groupId: group, topics: null }],
        requireStable: false,
      });
      return groups[0]!.topics.map(({ name }) => name);
    };
    expect(await all()).toEqual([]);
    await tx.finish(producer, true, 5);
    expect(await all()).toEqual([topic.name]);
  });
});
