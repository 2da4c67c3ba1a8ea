import { describe, expect, it } from '@jest/globals';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();
/** Short enough to be waited for. */
const SESSION = 800;

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
