import { describe, expect, it } from '@jest/globals';
import { JoinGroup } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { Group, joinRequest, subscription } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();
/** Short enough to be waited for. */
const SESSION = 800;

describe('JoinGroup', () => {
  it.each([0, 1, 2, 3])('v%i takes a newcomer at once', async (version) => {
    const group = await Group.create(world);
    const member = await group.newcomer({ version, clientId: 'cid' });
    const answer = await member.join();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: answer.memberId });
    expect(answer.memberId).toMatch(/^cid-[0-9a-f-]{36}$/);
    expect(answer.members).toMatchObject([{ memberId: answer.memberId, metadata: subscription() }]);
    expect(await group.state()).toBe('CompletingRebalance 1');
  });

  it.each([4, 5, 6, 7, 8, 9])('v%i gives a newcomer an id first', async (version) => {
    const group = await Group.create(world);
    const member = await group.newcomer({ version, clientId: 'cid' });
    const first = await member.join();
    expect(first).toMatchObject({ errorCode: 79, generationId: -1, leader: '', members: [] });
    expect(first.memberId).toMatch(/^cid-[0-9a-f-]{36}$/);
    if (version < 7) expect(first.protocolName).toBe('');
    const second = await member.join();
    expect(second).toMatchObject({ errorCode: 0, generationId: 1, memberId: first.memberId, leader: first.memberId });
    if (version >= 7) expect(second.protocolType).toBe('consumer');
    if (version >= 9) expect(second.skipAssignment).toBe(false);
  });

  it.each([
    ['an empty group id', { groupId: '' }, 24],
    ['a session below the minimum', { sessionTimeoutMs: 299 }, 26],
    ['a session above the maximum', { sessionTimeoutMs: 1_800_001 }, 26],
    ['a member that it does not know', { memberId: 'somebody' }, 25],
    ['no protocol type', { protocolType: '' }, 23],
    ['no protocols', { protocols: [] }, 23],
  ])('refuses %s', async (_, change, code) => {
    const group = await Group.create(world);
    const answer = await world.send(JoinGroup, 9, { ...joinRequest(group.id), ...change });
    expect(answer).toMatchObject({ errorCode: code, generationId: -1, members: [] });
    // Apache Kafka leaves an empty group behind where it looked at the group first.
    expect(['Dead 0', 'Empty 0']).toContain(await group.state());
  });

  it('refuses another protocol type than the group has', async () => {
    const group = await Group.create(world);
    await group.stable({});
    const other = await group.newcomer({ protocolType: 'connect' });
    expect((await other.join()).errorCode).toBe(23);
    expect(await group.state()).toBe('Stable 1');
  });

  it('refuses strategies that the others do not have', async () => {
    const group = await Group.create(world);
    await group.stable({ protocols: ['range', 'sticky'] });
    const other = await group.newcomer({ protocols: ['roundrobin'] });
    expect((await other.join()).errorCode).toBe(23);
    expect(await group.state()).toBe('Stable 1');
  });

  it('tells the leader alone who the members are', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    expect(leader!.isLeader).toBe(true);
    expect(leader!.joined.members.map(({ memberId }) => memberId).sort(byText)).toEqual(
      [leader!.memberId, follower!.memberId].sort(byText),
    );
    expect(follower!.joined).toMatchObject({
      leader: leader!.memberId,
      generationId: leader!.generationId,
      members: [],
    });
  });

  it('gives the leader the metadata of the strategy that was chosen', async () => {
    const group = await Group.create(world);
    const protocols = ['one', 'two'].map((name) => ({ name, metadata: subscription(`of ${name}`) }));
    const member = await group.newcomer({ protocols });
    const answer = await member.enter();
    expect(answer.protocolName).toBe('one');
    expect(answer.members.map(({ metadata }) => metadata)).toEqual([subscription('of one')]);
  });

  it('chooses what all have, by votes', async () => {
    const group = await Group.create(world);
    const members = await group.stable(
      { protocols: ['range', 'sticky', 'roundrobin'] },
      { protocols: ['sticky', 'range'] },
      { protocols: ['sticky', 'range', 'other'] },
    );
    expect(new Set(members.map(({ joined }) => joined.protocolName))).toEqual(new Set(['sticky']));
  });

  it('makes the others join again when one joins', async () => {
    const { group, first, entering } = await Group.awaitingItsFirst(world);
    expect(await group.state()).toBe('PreparingRebalance 2');
    const again = await first.join();
    expect(again).toMatchObject({ errorCode: 0, generationId: 2, leader: first.memberId });
    expect(await entering).toMatchObject({ errorCode: 0, generationId: 2, members: [] });
    expect(await group.state()).toBe('CompletingRebalance 2');
  });

  it('drops who does not join again in time', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({ rebalanceTimeoutMs: SESSION });
    const second = await group.newcomer({ rebalanceTimeoutMs: SESSION });
    const answer = await second.enter();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 2, leader: answer.memberId });
    expect(answer.members.map(({ memberId }) => memberId)).toEqual([answer.memberId]);
    expect(await first!.heartbeat()).toBe(25);
    expect((await first!.join()).errorCode).toBe(25);
  });

  it('answers a member that joins again while the leader assigns with the same generation', async () => {
    const group = await Group.create(world);
    const member = await group.newcomer();
    const first = await member.enter();
    const again = await member.join();
    expect(again).toMatchObject({ errorCode: 0, generationId: first.generationId, leader: first.leader });
    expect(again.members.length).toBe(1);
  });

  it('gives a follower of a stable group that joins again unchanged the same generation', async () => {
    const group = await Group.create(world);
    const [, follower] = await group.stable({}, {});
    const { generationId } = follower!;
    const again = await follower!.join();
    expect(again).toMatchObject({ errorCode: 0, generationId, members: [] });
    expect(await group.state()).toBe('Stable 2');
  });

  it('rebalances when a follower comes with other metadata', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = follower!.join({ protocols: [{ name: 'range', metadata: subscription('other') }] });
    await leader!.heartbeatUntil(27);
    const answer = await leader!.join();
    expect(answer.generationId).toBe(3);
    expect((await rejoined).generationId).toBe(3);
    const metadata = answer.members.find(({ memberId }) => memberId === follower!.memberId)!.metadata;
    expect(metadata).toEqual(subscription('other'));
  });

  it('rebalances when the leader joins again', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    expect((await follower!.join()).generationId).toBe(3);
    expect(await rejoined).toMatchObject({ errorCode: 0, generationId: 3, leader: leader!.memberId });
  });

  it('rebalances when a member joins again while others sync', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    const syncing = follower!.sync();
    const changed = leader!.join({ protocols: [{ name: 'range', metadata: subscription('x') }] });
    expect((await syncing).errorCode).toBe(27);
    expect((await follower!.join()).generationId).toBe(4);
    expect((await changed).generationId).toBe(4);
  });

  it('takes no more members than group.max.size', async () => {
    const group = await Group.create(world);
    const members = await Promise.all(
      Array.from({ length: 12 }, () => group.newcomer({ version: 3, rebalanceTimeoutMs: 5000 })),
    );
    const first = await members[0]!.join();
    expect(first.errorCode).toBe(0);
    await members[0]!.sync();
    const joining = members.slice(1).map((member) => member.join());
    await members[0]!.heartbeatUntil(27);
    await group.until('PreparingRebalance 12');
    await members[0]!.join();
    const answers = await Promise.all(joining);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array.from({ length: 11 }, () => 0));
    const late = await group.newcomer({ version: 3 });
    expect((await late.join()).errorCode).toBe(81);
    expect(await group.state()).toBe('CompletingRebalance 12');
  });

  it('forgets an id that nobody came back with', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const member = await group.newcomer({ sessionTimeoutMs: SESSION });
    expect((await member.join()).errorCode).toBe(79);
    // A rebalance waits for the id, but not longer than it lives.
    expect(await first!.join()).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(first!.joined.members.length).toBe(1);
    expect((await member.join()).errorCode).toBe(25);
  });

  it('forms one generation of members that come at once', async () => {
    const group = await Group.create(world);
    const members = await Promise.all([0, 1, 2, 3].map(() => group.newcomer()));
    await Promise.all(members.map((member) => member.enter().then(() => keepJoined(member))));
    const generations = new Set(members.map(({ generationId }) => generationId));
    expect(generations.size).toBe(1);
    expect(new Set(members.map(({ leader }) => leader)).size).toBe(1);
    expect(await group.state()).toBe('Stable 4');

    /** Joins again and syncs until the group is stable with all four. */
    async function keepJoined(member: (typeof members)[number]): Promise<void> {
      for (;;) {
        const all = member.joined.members.map(({ memberId }) => memberId);
        const assignments = Object.fromEntries(all.map((id) => [id, 'x']));
        const { errorCode } = await member.sync(member.isLeader ? assignments : {});
        if (errorCode === 0) {
          for (;;) {
            const code = await member.heartbeat();
            if (code !== 0) break;
            if ((await group.state()) === 'Stable 4') return;
          }
        }
        await member.enter();
      }
    }
  });
});
