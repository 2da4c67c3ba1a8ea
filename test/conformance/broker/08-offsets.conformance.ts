import { describe, expect, it } from '@jest/globals';
import { DeleteTopics, OffsetCommit, OffsetDelete, OffsetFetch } from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { Group, subscription } from './harness/group.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();

/** A commit by nobody's member, as administrators and consumers without a group make it. */
function commitSimply(groupId: string, topic: string, offset: number, more: object = {}, version = 9) {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'm', ...more }];
  return world
    .send(OffsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: topic, partitions }],
    })
    .then((answer) => answer.topics[0]!.partitions[0]!.errorCode);
}

describe('OffsetCommit', () => {
  it.each([2, 3, 4, 5, 6, 7, 8, 9])('v%i stores an offset', async (version) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await commitSimply(group.id, topic.name, 5, { committedLeaderEpoch: 0 }, version)).toBe(0);
    expect(await group.commitOf(topic.name)).toMatchObject({
      committedOffset: 5,
      metadata: 'm',
      committedLeaderEpoch: version >= 6 ? 0 : -1,
      errorCode: 0,
    });
    expect(await group.state()).toBe('Empty 0');
  });

  it('replaces what was stored, in either direction', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    for (const offset of [5, 9, 2]) {
      expect(await commitSimply(group.id, topic.name, offset)).toBe(0);
      expect(await group.committed(topic.name)).toBe(offset);
    }
  });

  it.each([0, 12345, Number.MAX_SAFE_INTEGER - 1])(
    'stores offset %i although the partition is empty',
    async (offset) => {
      const topic = await world.topic();
      const group = await Group.create(world);
      expect(await commitSimply(group.id, topic.name, offset)).toBe(0);
      expect(await group.committed(topic.name)).toBe(offset);
    },
  );

  it.each([
    ['nothing', null, ''],
    ['an empty text', '', ''],
    ['a text', 'Ä metadata ✓', 'Ä metadata ✓'],
    ['4096 characters', 'x'.repeat(4096), 'x'.repeat(4096)],
  ])('stores as metadata %s', async (_, committedMetadata, stored) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await commitSimply(group.id, topic.name, 1, { committedMetadata })).toBe(0);
    expect((await group.commitOf(topic.name)).metadata).toBe(stored);
  });

  it('refuses metadata above offset.metadata.max.bytes and keeps what was', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(group.id, topic.name, 1);
    expect(await commitSimply(group.id, topic.name, 2, { committedMetadata: 'x'.repeat(4097) })).toBe(12);
    expect(await group.committed(topic.name)).toBe(1);
  });

  it('refuses partitions that there are not beside one that there is', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const partitions = [7, 0].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 3,
      committedMetadata: null,
    }));
    const answer = await world.send(OffsetCommit, 8, {
      groupId: group.id,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        { name: topic.name, partitions },
        { name: world.name(), partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: null }] },
      ],
    });
    const codes = answer.topics.map(({ partitions: all }) =>
      all.map((p) => [p.partitionIndex, p.errorCode]).sort(byText),
    );
    expect(codes).toEqual([
      [
        [0, 0],
        [7, 3],
      ],
      [[0, 3]],
    ]);
    expect(await group.committed(topic.name)).toBe(3);
  });

  it('takes the empty group id', async () => {
    const topic = await world.topic();
    await world.group();
    expect(await commitSimply('', topic.name, 4)).toBe(0);
    const topics = [{ name: topic.name, partitionIndexes: [0] }];
    const answer = await world.send(OffsetFetch, 8, { groups: [{ groupId: '', topics }], requireStable: false });
    expect(answer.groups[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(4);
  });

  it('takes a member with its generation', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect(await member!.commit(topic.name, 7, { metadata: 'mine' })).toBe(0);
    expect(await group.commitOf(topic.name)).toMatchObject({ committedOffset: 7, metadata: 'mine' });
  });

  it.each([
    ['an older generation', { generationIdOrMemberEpoch: 0 }, 22],
    ['a newer generation', { generationIdOrMemberEpoch: 2 }, 22],
    ['an unknown member', { memberId: 'nobody' }, 25],
    ['nobody, while there are members', { memberId: '', generationIdOrMemberEpoch: -1 }, 25],
    ['an instance that nobody is', { groupInstanceId: 'nobody' }, 25],
  ])('refuses %s and keeps what was', async (_, change, code) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.commit(topic.name, 1);
    expect(await member!.commit(topic.name, 2, change)).toBe(code);
    expect(await group.committed(topic.name)).toBe(1);
  });

  it.each([
    [8, 22],
    [9, 69],
  ])('v%i with a generation to a group that there is not answers %i', async (version, code) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    member.memberId = 'm';
    expect(await member.commit(topic.name, 1, { generationIdOrMemberEpoch: 3 }, version)).toBe(code);
    expect(await group.committed(topic.name)).toBe(-1);
  });

  it('is refused while the leader assigns', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.enter();
    expect(await member.commit(topic.name, 1)).toBe(27);
    expect(await group.committed(topic.name)).toBe(-1);
  });

  it('is taken while others are waited for', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    expect(await first!.commit(topic.name, 5)).toBe(0);
    expect(await group.committed(topic.name)).toBe(5);
    await first!.join();
    expect((await entering).errorCode).toBe(0);
  });

  it('of the generation before a rebalance is refused', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [first, second] = await group.stable({}, {});
    expect(await first!.commit(topic.name, 1, { generationIdOrMemberEpoch: 1 })).toBe(22);
    expect(await second!.commit(topic.name, 2)).toBe(0);
    expect(await group.committed(topic.name)).toBe(2);
  });

  it('by nobody is taken again once the members are gone', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.commit(topic.name, 1);
    await member!.leave();
    expect(await commitSimply(group.id, topic.name, 9)).toBe(0);
    expect(await group.committed(topic.name)).toBe(9);
  });

  it('keeps the session alive', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({ sessionTimeoutMs: 500 });
    const until = performance.now() + 1200;
    for (let i = 0; performance.now() < until; i++) expect(await member!.commit(topic.name, i)).toBe(0);
    expect(await group.state()).toBe('Stable 1');
  });

  it('with a time of retention is forgotten after it', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const partitions = [{ partitionIndex: 0, committedOffset: 3, committedMetadata: null }];
    const answer = await world.send(OffsetCommit, 3, {
      groupId: group.id,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      retentionTimeMs: 1,
      topics: [{ name: topic.name, partitions }],
    });
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(0);
    await eventually(async () => expect(await group.committed(topic.name)).toBe(-1));
  });

  it('of many at once keeps every partition', async () => {
    const topic = await world.topic({ partitions: 6 });
    const group = await Group.create(world);
    const clients = await Promise.all([0, 1, 2].map(() => world.connect()));
    await Promise.all(
      clients.flatMap((client, c) =>
        [0, 1].map((i) =>
          client.send(OffsetCommit, 8, {
            groupId: group.id,
            generationIdOrMemberEpoch: -1,
            memberId: '',
            topics: [
              {
                name: topic.name,
                partitions: [{ partitionIndex: c * 2 + i, committedOffset: 10 + c, committedMetadata: null }],
              },
            ],
          }),
        ),
      ),
    );
    const found = await Promise.all([0, 1, 2, 3, 4, 5].map((partition) => group.committed(topic.name, partition)));
    expect(found).toEqual([10, 10, 11, 11, 12, 12]);
  });
});

describe('OffsetFetch', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('v%i gives what was committed, and −1 for the rest', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const group = await Group.create(world);
    await commitSimply(group.id, topic.name, 5, { committedLeaderEpoch: 0 });
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
    await commitSimply(group.id, one.name, 1, { partitionIndex: 1 });
    await commitSimply(group.id, other.name, 2);
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
    await commitSimply(a.id, topic.name, 1);
    await commitSimply(b.id, topic.name, 2);
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
    await commitSimply(group.id, topic.name, 5);
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
    await commitSimply(group.id, topic.name, 3);
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

describe('OffsetDelete', () => {
  const remove = (groupId: string, names: readonly string[], partitionIndex = 0) =>
    world.send(OffsetDelete, 0, {
      groupId,
      topics: names.map((name) => ({ name, partitions: [{ partitionIndex }] })),
    });

  it('forgets an offset and leaves the others', async () => {
    const topic = await world.topic({ partitions: 2 });
    const group = await Group.create(world);
    await commitSimply(group.id, topic.name, 1);
    await commitSimply(group.id, topic.name, 2, { partitionIndex: 1 });
    const answer = await remove(group.id, [topic.name]);
    expect(answer).toMatchObject({ errorCode: 0, topics: [{ name: topic.name, partitions: [{ errorCode: 0 }] }] });
    expect([await group.committed(topic.name, 0), await group.committed(topic.name, 1)]).toEqual([-1, 2]);
  });

  it('of an offset that there is not is no error', async () => {
    const topic = await world.topic();
    const other = await world.topic();
    const group = await Group.create(world);
    await commitSimply(group.id, other.name, 1);
    const answer = await remove(group.id, [topic.name]);
    expect(answer).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }] }] });
  });

  it('of a group that there is not answers 69', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await remove(group.id, [topic.name])).toMatchObject({ errorCode: 69, topics: [] });
  });

  it('of a topic that there is not answers 3', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(group.id, topic.name, 1);
    const answer = await remove(group.id, [world.name()]);
    expect([answer.errorCode, answer.topics[0]!.partitions[0]!.errorCode]).toEqual([0, 3]);
    expect(await group.committed(topic.name)).toBe(1);
  });

  it('refuses a topic that a member is subscribed to', async () => {
    const [subscribed, other] = [await world.topic(), await world.topic()];
    const group = await Group.create(world);
    const [member] = await group.stable({ protocols: [{ name: 'range', metadata: subscription(subscribed.name) }] });
    await member!.commit(subscribed.name, 1);
    await member!.commit(other.name, 2);
    const answer = await remove(group.id, [subscribed.name, other.name]);
    const codes = Object.fromEntries(answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode]));
    expect([answer.errorCode, codes]).toEqual([0, { [subscribed.name]: 86, [other.name]: 0 }]);
    expect([await group.committed(subscribed.name), await group.committed(other.name)]).toEqual([1, -1]);
  });

  it('refuses a group with members of another kind', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(group.id, topic.name, 1);
    await group.stable({ protocolType: 'connect' });
    expect((await remove(group.id, [topic.name])).errorCode).toBe(68);
    expect(await group.committed(topic.name)).toBe(1);
  });
});
