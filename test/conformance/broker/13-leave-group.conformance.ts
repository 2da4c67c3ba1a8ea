import { describe, expect, it } from '@jest/globals';
import { LeaveGroup } from '../../../src/protocol/messages/index.js';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

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
    const { first, second, entering } = await Group.awaitingItsFirst(world);
    await first.leave();
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
    const { group, first, second, entering } = await Group.awaitingItsFirst(world);
    const members = [{ memberId: second.memberId, groupInstanceId: null }];
    await world.send(LeaveGroup, 5, { groupId: group.id, members });
    expect((await entering).errorCode).toBe(25);
    expect((await first.join()).generationId).toBe(2);
  });

  it('refuses nothing twice', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect((await member!.leave()).members[0]!.errorCode).toBe(0);
    expect((await member!.leave()).members[0]!.errorCode).toBe(25);
  });
});
