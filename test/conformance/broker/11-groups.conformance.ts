import { describe, expect, it } from '@jest/globals';
import { FindCoordinator, Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { Group, joinRequest, subscription } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();
/** Short enough to be waited for. */
const SESSION = 400;

describe('FindCoordinator', () => {
  it.each([0, 1, 2, 3])('v%i names the node for one group', async (version) => {
    const key = await world.group();
    const answer = await world.send(FindCoordinator, version, { key, keyType: 0 });
    expect(answer).toMatchObject({ errorCode: 0, host: world.host, port: world.port });
    expect(answer.nodeId).toBeGreaterThanOrEqual(0);
  });

  it.each([4, 5])('v%i names it for several', async (version) => {
    const keys = [await world.group(), await world.group()];
    const { coordinators } = await world.send(FindCoordinator, version, { keyType: 0, coordinatorKeys: keys });
    const found = coordinators.map(({ key, errorCode, host, port }) => [key, errorCode, host, port]);
    expect(found).toEqual(keys.map((key) => [key, 0, world.host, world.port]));
  });

  it('takes an empty group id', async () => {
    await world.group();
    const answer = await world.send(FindCoordinator, 2, { key: '', keyType: 0 });
    expect(answer).toMatchObject({ errorCode: 0, port: world.port });
  });

  it.each([
    [2, 9],
    [5, 9],
    [3, -1],
  ])('v%i refuses keys of type %i', async (version, keyType) => {
    const asked = { key: 'k', keyType, coordinatorKeys: ['k'] };
    const answer = await world.send(FindCoordinator, version, asked);
    const one = version < 4 ? answer : answer.coordinators[0]!;
    expect(one).toMatchObject({ errorCode: 42, nodeId: -1, host: '', port: -1 });
  });

  it('v4 answers no keys with nothing', async () => {
    expect((await world.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [] })).coordinators).toEqual([]);
  });
});

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
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    expect(await group.state()).toBe('PreparingRebalance 2');
    const again = await first!.join();
    expect(again).toMatchObject({ errorCode: 0, generationId: 2, leader: first!.memberId });
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

describe('SyncGroup', () => {
  it.each([0, 1, 2, 3, 4, 5])('v%i gives each member what the leader assigned', async (version) => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    // The follower waits for the leader.
    const waiting = follower!.sync({}, {}, version);
    const own = await leader!.sync({ [leader!.memberId]: 'mine', [follower!.memberId]: 'yours' }, {}, version);
    expect([own.errorCode, String(own.assignment)]).toEqual([0, 'mine']);
    const theirs = await waiting;
    expect([theirs.errorCode, String(theirs.assignment)]).toEqual([0, 'yours']);
    if (version >= 5) expect([theirs.protocolType, theirs.protocolName]).toEqual(['consumer', 'range']);
    expect(await group.state()).toBe('Stable 2');
  });

  it('gives who was left out an empty assignment', async () => {
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.enter();
    const answer = await member.sync({});
    expect([answer.errorCode, answer.assignment.length]).toEqual([0, 0]);
    expect(await group.state()).toBe('Stable 1');
  });

  it('gives a member of a stable group its assignment again', async () => {
    const group = await Group.create(world);
    const [, follower] = await group.stable({}, {});
    const again = await follower!.sync();
    expect([again.errorCode, String(again.assignment)]).toEqual([0, 'for 1']);
  });

  it.each([
    ['an unknown member', { memberId: 'nobody' }, 25],
    ['an older generation', { generationId: 0 }, 22],
    ['a newer generation', { generationId: 2 }, 22],
    ['another protocol type', { protocolType: 'connect' }, 23],
    ['another protocol', { protocolName: 'sticky' }, 23],
    ['an empty group id', { groupId: '' }, 24],
    ['an unknown group', { groupId: 'no-such-group' }, 25],
    ['an instance that nobody is', { groupInstanceId: 'nobody' }, 25],
  ])('refuses %s', async (_, change, code) => {
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.enter();
    const answer = await member.sync({}, change);
    expect([answer.errorCode, answer.assignment.length]).toEqual([code, 0]);
    expect(await group.state()).toBe('CompletingRebalance 1');
    expect((await member.sync({})).errorCode).toBe(0);
  });

  it('answers 27 while the group joins again', async () => {
    const group = await Group.create(world);
    const [first, second] = await group.stable({}, {});
    void first!.join().catch(() => undefined);
    await second!.heartbeatUntil(27);
    expect((await second!.sync()).errorCode).toBe(27);
    expect(await group.state()).toBe('PreparingRebalance 2');
  });

  it('answers the waiting with 27 when somebody joins', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    const waiting = follower!.sync();
    const third = await group.newcomer();
    await third.join();
    void third.join().catch(() => undefined);
    expect((await waiting).errorCode).toBe(27);
    expect(await group.state()).toBe('PreparingRebalance 3');
  });

  it('takes only assignments of the leader', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    const waiting = follower!.sync({ [follower!.memberId]: 'usurped' });
    const own = await leader!.sync({ [leader!.memberId]: 'mine', [follower!.memberId]: 'given' });
    expect([String(own.assignment), String((await waiting).assignment)]).toEqual(['mine', 'given']);
  });

  it('drops who never syncs', async () => {
    const group = await Group.create(world);
    const member = await group.newcomer({ rebalanceTimeoutMs: SESSION, sessionTimeoutMs: 30_000 });
    await member.enter();
    await group.until('Empty 0', 'Dead 0');
    expect(await member.heartbeat()).toBe(25);
  });
});

describe('Heartbeat', () => {
  it.each([0, 1, 2, 3, 4])('v%i of a stable group is fine', async (version) => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect(await member!.heartbeat({}, version)).toBe(0);
    expect(await group.state()).toBe('Stable 1');
  });

  it('while the leader assigns is fine', async () => {
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.enter();
    expect(await member.heartbeat()).toBe(0);
  });

  it.each([
    ['an unknown member', { memberId: 'nobody' }, 25],
    ['no member', { memberId: '' }, 25],
    ['an older generation', { generationId: 0 }, 22],
    ['a newer generation', { generationId: 9 }, 22],
    ['an empty group id', { groupId: '' }, 24],
    ['an unknown group', { groupId: 'no-such-group' }, 25],
    ['an instance that nobody is', { groupInstanceId: 'nobody' }, 25],
  ])('refuses %s', async (_, change, code) => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect(await member!.heartbeat(change)).toBe(code);
    expect(await member!.heartbeat()).toBe(0);
  });

  it('keeps a member in the group while others rebalance', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({ sessionTimeoutMs: 600 });
    const other = await group.newcomer();
    await other.join();
    const entering = other.join();
    const until = performance.now() + 1500;
    await member!.heartbeatUntil(27);
    while (performance.now() < until) expect(await member!.heartbeat()).toBe(27);
    expect((await member!.join()).errorCode).toBe(0);
    expect((await entering).errorCode).toBe(0);
  });

  it('that stays out ends the membership', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({ sessionTimeoutMs: SESSION });
    expect(await group.state()).toBe('Stable 1');
    await group.until('Empty 0');
    expect(await member!.heartbeat()).toBe(25);
  });

  it('that one member leaves out makes the others join again', async () => {
    const group = await Group.create(world);
    const [, living] = await group.stable({ sessionTimeoutMs: 1500, rebalanceTimeoutMs: 5000 }, {});
    await living!.heartbeatUntil(27);
    expect(await living!.join()).toMatchObject({ errorCode: 0, generationId: 3, leader: living!.memberId });
    expect(living!.joined.members.length).toBe(1);
  });

  it('with the generation before the last is refused', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({}, {});
    expect(await first!.heartbeat({ generationId: 1 })).toBe(22);
    expect(await first!.heartbeat()).toBe(0);
  });
});

describe('LeaveGroup', () => {
  it.each([0, 1, 2])('v%i takes one member', async (version) => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect((await member!.leave(version)).errorCode).toBe(0);
    expect(await member!.heartbeat()).toBe(25);
    expect(await group.state()).toBe('Empty 0');
  });

  it.each([3, 4, 5])('v%i takes several', async (version) => {
    const group = await Group.create(world);
    const [one, other] = await group.stable({}, {});
    const members = [one!, other!].map(({ memberId }) => ({ memberId, groupInstanceId: null }));
    const answer = await world.send(LeaveGroup, version, { groupId: group.id, members });
    expect(answer.errorCode).toBe(0);
    expect(answer.members.map(({ memberId, errorCode }) => [memberId, errorCode])).toEqual([
      [one!.memberId, 0],
      [other!.memberId, 0],
    ]);
    expect(await group.state()).toBe('Empty 0');
  });

  it('makes the others join again', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    await leader!.leave();
    await follower!.heartbeatUntil(27);
    expect(await follower!.join()).toMatchObject({ errorCode: 0, generationId: 3, leader: follower!.memberId });
  });

  it('lets a rebalance end that waited for the one who leaves', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    await first!.leave();
    expect(await entering).toMatchObject({ errorCode: 0, generationId: 2, leader: second.memberId });
  });

  it.each([
    ['v1', 1, 25],
    ['v2', 2, 25],
  ])('%s of an unknown member answers 25 at the top', async (_, version, code) => {
    const group = await Group.create(world);
    await group.stable({});
    const answer = await world.send(LeaveGroup, version, { groupId: group.id, memberId: 'nobody' });
    expect(answer.errorCode).toBe(code);
    expect(await group.state()).toBe('Stable 1');
  });

  it('v5 of an unknown member answers 25 beside it', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    const members = ['nobody', member!.memberId].map((memberId) => ({ memberId, groupInstanceId: null }));
    const answer = await world.send(LeaveGroup, 5, { groupId: group.id, members });
    expect([answer.errorCode, answer.members.map(({ errorCode }) => errorCode)]).toEqual([0, [25, 0]]);
    expect(await group.state()).toBe('Empty 0');
  });

  it.each([
    ['an empty group id', '', 24],
    ['an unknown group', 'no-such-group', 25],
  ])('of %s is refused', async (_, groupId, code) => {
    const answer = await world.send(LeaveGroup, 2, { groupId, memberId: 'm' });
    expect(answer.errorCode).toBe(code);
  });

  it('takes an id that was given but never joined', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const pending = await group.newcomer();
    expect((await pending.join()).errorCode).toBe(79);
    expect((await pending.leave()).members[0]!.errorCode).toBe(0);
    // Apache Kafka has the others join again although nothing has changed for them.
    expect([0, 27]).toContain(await first!.heartbeat());
    expect((await pending.join()).errorCode).toBe(25);
  });

  it('ends a parked join with 25', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    const members = [{ memberId: second.memberId, groupInstanceId: null }];
    await world.send(LeaveGroup, 5, { groupId: group.id, members });
    expect((await entering).errorCode).toBe(25);
    expect((await first!.join()).generationId).toBe(2);
  });

  it('refuses nothing twice', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect((await member!.leave()).members[0]!.errorCode).toBe(0);
    expect((await member!.leave()).members[0]!.errorCode).toBe(25);
  });
});

describe('Groups: static members', () => {
  it.each([5, 7, 9])('v%i takes one without the step of the id', async (version) => {
    const group = await Group.create(world);
    const member = await group.newcomer({ instanceId: 'i1', version });
    const answer = await member.join();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: answer.memberId });
    expect(answer.memberId).toMatch(/^i1-[0-9a-f-]{36}$/);
    expect(answer.members[0]!.groupInstanceId).toBe('i1');
  });

  it('that comes again takes its place without a rebalance', async () => {
    const group = await Group.create(world);
    const [leader, old] = await group.stable({}, { instanceId: 'i1' });
    const again = await group.newcomer({ instanceId: 'i1' });
    const answer = await again.join();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 2, leader: leader!.memberId, members: [] });
    expect(answer.memberId).not.toBe(old!.memberId);
    expect(String((await again.sync()).assignment)).toBe('for 1');
    expect(await leader!.heartbeat()).toBe(0);
    expect(await group.state()).toBe('Stable 2');
  });

  it('that was replaced is fenced everywhere', async () => {
    const group = await Group.create(world);
    const [, old] = await group.stable({}, { instanceId: 'i1' });
    const again = await group.newcomer({ instanceId: 'i1' });
    await again.join();
    expect(await old!.heartbeat()).toBe(82);
    expect((await old!.sync()).errorCode).toBe(82);
    expect((await old!.join()).errorCode).toBe(82);
    const topic = await world.topic();
    expect(await old!.commit(topic.name, 1)).toBe(82);
    expect((await old!.leave()).members[0]!.errorCode).toBe(82);
    expect(await again.heartbeat()).toBe(0);
  });

  it('v9 that led is told to skip the assignment', async () => {
    const group = await Group.create(world);
    const [old] = await group.stable({ instanceId: 'i1' }, {});
    const again = await group.newcomer({ instanceId: 'i1' });
    const answer = await again.join();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 2, skipAssignment: true, leader: answer.memberId });
    expect(answer.members.length).toBe(2);
    expect(answer.memberId).not.toBe(old!.memberId);
    expect(await group.state()).toBe('Stable 2');
  });

  it('v8 that led is named a leader that it is not, so that it does not assign', async () => {
    const group = await Group.create(world);
    const [old] = await group.stable({ instanceId: 'i1' }, {});
    const again = await group.newcomer({ instanceId: 'i1', version: 8 });
    const answer = await again.join();
    expect(answer).toMatchObject({ errorCode: 0, generationId: 2, leader: old!.memberId, members: [] });
    expect(await group.state()).toBe('Stable 2');
  });

  it('that comes with another strategy starts a rebalance', async () => {
    const group = await Group.create(world);
    const [leader] = await group.stable({ protocols: ['a', 'b'] }, { instanceId: 'i1', protocols: ['a', 'b'] });
    const again = await group.newcomer({ instanceId: 'i1', protocols: ['b'] });
    const joining = again.join();
    await leader!.heartbeatUntil(27);
    expect(await leader!.join()).toMatchObject({ generationId: 3, protocolName: 'b' });
    expect((await joining).generationId).toBe(3);
  });

  it('answers the parked join of the one that it replaces with 82', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const one = await group.newcomer({ instanceId: 'i1' });
    const parked = one.join();
    await first!.heartbeatUntil(27);
    const other = await group.newcomer({ instanceId: 'i1' });
    const joining = other.join();
    expect((await parked).errorCode).toBe(82);
    await first!.join();
    expect(await joining).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(await group.state()).toBe('CompletingRebalance 2');
  });

  it('stays in the group through a short absence and a rebalance', async () => {
    const group = await Group.create(world);
    const [first, fixed] = await group.stable(
      { rebalanceTimeoutMs: 500 },
      { instanceId: 'i1', rebalanceTimeoutMs: 500 },
    );
    const rejoined = await first!.join(); // after the time-out: the other one does not come
    expect(rejoined.errorCode).toBe(0);
    expect(rejoined.members.map(({ groupInstanceId }) => groupInstanceId).sort(byText)).toEqual(
      ['i1', null].sort(byText),
    );
    expect(await fixed!.heartbeat()).toBe(22);
  });

  it.each([3, 5])('v%i is removed by its instance id', async (version) => {
    const group = await Group.create(world);
    const [, fixed] = await group.stable({}, { instanceId: 'i1' });
    const members = [{ memberId: '', groupInstanceId: 'i1' }];
    const answer = await world.send(LeaveGroup, version, { groupId: group.id, members });
    expect(answer.members[0]).toMatchObject({ groupInstanceId: 'i1', errorCode: 0 });
    expect(await fixed!.heartbeat()).toBe(25);
  });

  it('that nobody is cannot be removed', async () => {
    const group = await Group.create(world);
    await group.stable({ instanceId: 'i1' });
    const members = [{ memberId: '', groupInstanceId: 'i2' }];
    const answer = await world.send(LeaveGroup, 5, { groupId: group.id, members });
    expect(answer.members[0]!.errorCode).toBe(25);
    expect(await group.state()).toBe('Stable 1');
  });

  it('with a foreign member id cannot be removed', async () => {
    const group = await Group.create(world);
    await group.stable({ instanceId: 'i1' });
    const members = [{ memberId: 'foreign', groupInstanceId: 'i1' }];
    const answer = await world.send(LeaveGroup, 5, { groupId: group.id, members });
    expect(answer.members[0]!.errorCode).toBe(82);
    expect(await group.state()).toBe('Stable 1');
  });

  it('with an unknown instance id and a member id is refused', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect((await member!.join({ instanceId: 'i9' })).errorCode).toBe(25);
    expect(await group.state()).toBe('Stable 1');
  });
});

describe('Groups: requests without a group', () => {
  it('Heartbeat and SyncGroup of a group that ended answer 25', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.leave();
    expect(await member!.heartbeat()).toBe(25);
    expect((await member!.sync()).errorCode).toBe(25);
    expect((await member!.join()).errorCode).toBe(25);
  });

  it('each version of Heartbeat answers an unknown group', async () => {
    for (const version of [0, 1, 2, 3, 4]) {
      const answer = await world.send(Heartbeat, version, { groupId: world.name(), generationId: 1, memberId: 'm' });
      expect(answer.errorCode).toBe(25);
    }
  });

  it('each version of SyncGroup answers an unknown group', async () => {
    for (const version of [0, 1, 2, 3, 4, 5]) {
      const answer = await world.send(SyncGroup, version, {
        groupId: world.name(),
        generationId: 1,
        memberId: 'm',
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
      });
      expect([answer.errorCode, answer.assignment.length]).toEqual([25, 0]);
    }
  });
});
