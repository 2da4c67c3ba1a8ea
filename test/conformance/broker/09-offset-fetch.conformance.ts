import { describe, expect, it } from '@jest/globals';
import { DeleteTopics, OffsetCommit, OffsetFetch } from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { commitSimply, Group } from './harness/group.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();

describe('OffsetFetch', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('v%i gives what was committed, and −1 for the rest', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 5, { committedLeaderEpoch: 0 });
    const topics = [{ name: topic.name, partitionIndexes: [0, 1] }];
    const answer = await world.send(OffsetFetch, version, {
      groupId: group.id,
      topics,
      groups: [{ groupId: group.id, topics }],
      requireStable: version >= 7,
    });
    const found = version >= 8 ? answer.groups[0]!.topics : answer.topics;
    expect(found[0]!.partitions.map((p) => [p.partitionIndex, p.committedOffset, p.metadata, p.errorCode])).toEqual([
      [0, 5, 'm', 0],
      [1, -1, '', 0],
    ]);
    if (version >= 5) expect(found[0]!.partitions.map((p) => p.committedLeaderEpoch)).toEqual([0, -1]);
    expect(answer.errorCode).toBe(0);
  });

  it.each([2, 7, 9])('v%i takes null for all that is committed', async (version) => {
    const one = await world.topic({ partitions: 2 });
    const other = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, one.name, 1, { partitionIndex: 1 });
    await commitSimply(world, group.id, other.name, 2);
    const answer = await world.send(OffsetFetch, version, {
      groupId: group.id,
      topics: null,
      groups: [{ groupId: group.id, topics: null }],
      requireStable: false,
    });
    const found = (version >= 8 ? answer.groups[0]!.topics : answer.topics).map(({ name, partitions }) => [
      name,
      partitions.map((p) => [p.partitionIndex, p.committedOffset]),
    ]);
    expect(found.sort(byText)).toEqual(
      [
        [one.name, [[1, 1]]],
        [other.name, [[0, 2]]],
      ].sort(byText),
    );
  });

  it.each([1, 5, 8])('v%i of a group that there is not gives −1 and no error', async (version) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await group.commitOf(topic.name, 0, version)).toMatchObject({
      committedOffset: -1,
      metadata: '',
      errorCode: 0,
    });
    expect(await group.state()).toBe('Dead 0');
  });

  it('of a topic that there is not gives −1 and no error', async () => {
    const group = await Group.create(world);
    expect(await group.commitOf(world.name())).toMatchObject({ committedOffset: -1, metadata: '', errorCode: 0 });
  });

  it('v8 answers several groups, each with its own', async () => {
    const topic = await world.topic();
    const [a, b, c] = [await Group.create(world), await Group.create(world), await Group.create(world)];
    await commitSimply(world, a.id, topic.name, 1);
    await commitSimply(world, b.id, topic.name, 2);
    const topics = [{ name: topic.name, partitionIndexes: [0] }];
    const groups = [b, a, c].map(({ id }) => ({ groupId: id, topics }));
    const answer = await world.send(OffsetFetch, 8, { groups, requireStable: true });
    const found = answer.groups.map((g) => [g.groupId, g.errorCode, g.topics[0]!.partitions[0]!.committedOffset]);
    expect(found.sort(byText)).toEqual(
      [
        [a.id, 0, 1],
        [b.id, 0, 2],
        [c.id, 0, -1],
      ].sort(byText),
    );
  });

  it('v8 without groups gives none', async () => {
    expect((await world.send(OffsetFetch, 8, { groups: [], requireStable: false })).groups).toEqual([]);
  });

  it('v9 takes a member of a classic group as it is', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.commit(topic.name, 8);
    const topics = [{ name: topic.name, partitionIndexes: [0] }];
    const groups = [{ groupId: group.id, memberId: null, memberEpoch: -1, topics }];
    const answer = await world.send(OffsetFetch, 9, { groups, requireStable: false });
    expect(answer.groups[0]).toMatchObject({ errorCode: 0 });
    expect(answer.groups[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(8);
  });

  it('forgets offsets of a topic that was deleted', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 5);
    await world.send(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 5000 });
    await eventually(async () => expect(await group.committed(topic.name)).toBe(-1));
    await world.topic({ name: topic.name });
    expect(await group.committed(topic.name)).toBe(-1);
  });
});

describe('OffsetCommit and OffsetFetch by topic id', () => {
  it('v10 stores and gives by id', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const partitions = [{ partitionIndex: 0, committedOffset: 6, committedMetadata: 'by id' }];
    const stored = await world.send(OffsetCommit, 10, {
      groupId: group.id,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ topicId: topic.id, partitions }],
    });
    expect(stored.topics).toMatchObject([{ topicId: topic.id, partitions: [{ partitionIndex: 0, errorCode: 0 }] }]);
    const asked = [{ topicId: topic.id, partitionIndexes: [0] }];
    const answer = await world.send(OffsetFetch, 10, {
      groups: [{ groupId: group.id, topics: asked }],
      requireStable: false,
    });
    expect(answer.groups[0]).toMatchObject({
      errorCode: 0,
      topics: [
        { topicId: topic.id, partitions: [{ partitionIndex: 0, committedOffset: 6, metadata: 'by id', errorCode: 0 }] },
      ],
    });
  });

  it('v10 gives all with their ids', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 3);
    const answer = await world.send(OffsetFetch, 10, {
      groups: [{ groupId: group.id, topics: null }],
      requireStable: false,
    });
    expect(answer.groups[0]!.topics).toMatchObject([{ topicId: topic.id, partitions: [{ committedOffset: 3 }] }]);
  });

  it('v10 answers an id that no topic has with 100', async () => {
    const group = await Group.create(world);
    const partitions = [{ partitionIndex: 0, committedOffset: 6, committedMetadata: null }];
    const stored = await world.send(OffsetCommit, 10, {
      groupId: group.id,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ topicId: UNKNOWN_ID, partitions }],
    });
    expect(stored.topics).toMatchObject([{ topicId: UNKNOWN_ID, partitions: [{ errorCode: 100 }] }]);
    const asked = [{ topicId: UNKNOWN_ID, partitionIndexes: [0] }];
    const answer = await world.send(OffsetFetch, 10, {
      groups: [{ groupId: group.id, topics: asked }],
      requireStable: false,
    });
    expect(answer.groups[0]!.topics).toMatchObject([
      { topicId: UNKNOWN_ID, partitions: [{ committedOffset: -1, errorCode: 100 }] },
    ]);
  });
});
