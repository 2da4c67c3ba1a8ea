import { describe, expect, it } from '@jest/globals';
import { Heartbeat, LeaveGroup, SyncGroup } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

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
