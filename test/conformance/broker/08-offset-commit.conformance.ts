import { describe, expect, it } from '@jest/globals';
import { OffsetCommit, OffsetFetch } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { commitSimply, Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('OffsetCommit', () => {
  it.each([2, 3, 4, 5, 6, 7, 8, 9])('v%i stores an offset', async (version) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await commitSimply(world, group.id, topic.name, 5, { committedLeaderEpoch: 0 }, version)).toBe(0);
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
      expect(await commitSimply(world, group.id, topic.name, offset)).toBe(0);
      expect(await group.committed(topic.name)).toBe(offset);
    }
  });

  it.each([0, 12345, Number.MAX_SAFE_INTEGER - 1])(
    'stores offset %i although the partition is empty',
    async (offset) => {
      const topic = await world.topic();
      const group = await Group.create(world);
      expect(await commitSimply(world, group.id, topic.name, offset)).toBe(0);
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
    expect(await commitSimply(world, group.id, topic.name, 1, { committedMetadata })).toBe(0);
    expect((await group.commitOf(topic.name)).metadata).toBe(stored);
  });

  it('refuses metadata above offset.metadata.max.bytes and keeps what was', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 1);
    expect(await commitSimply(world, group.id, topic.name, 2, { committedMetadata: 'x'.repeat(4097) })).toBe(12);
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
    expect(await commitSimply(world, '', topic.name, 4)).toBe(0);
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
    const { group, first, entering } = await Group.awaitingItsFirst(world);
    expect(await first.commit(topic.name, 5)).toBe(0);
    expect(await group.committed(topic.name)).toBe(5);
    await first.join();
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
    expect(await commitSimply(world, group.id, topic.name, 9)).toBe(0);
    expect(await group.committed(topic.name)).toBe(9);
  });

  it('keeps the session alive', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [member] = await group.stable({ sessionTimeoutMs: 1000 });
    const until = performance.now() + 1600;
    for (let i = 0; performance.now() < until; i++) {
      expect(await member!.commit(topic.name, i)).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
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
