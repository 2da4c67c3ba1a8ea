import { describe, expect, it } from '@jest/globals';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();
/** Short enough to be waited for. */
const SESSION = 800;

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
    const [member] = await group.stable({ sessionTimeoutMs: 1000 });
    const other = await group.newcomer();
    await other.join();
    const entering = other.join();
    const until = performance.now() + 1600;
    await member!.heartbeatUntil(27);
    while (performance.now() < until) {
      expect(await member!.heartbeat()).toBe(27);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
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
