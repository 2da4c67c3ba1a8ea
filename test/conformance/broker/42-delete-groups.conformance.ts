import { describe, expect, it } from '@jest/globals';
import { DeleteGroups } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DeleteGroups', () => {
  const remove = async (ids: readonly string[], version = 2) => {
    const { results } = await world.send(DeleteGroups, version, { groupsNames: [...ids] });
    return results.map(({ groupId, errorCode }) => [groupId, errorCode]);
  };

  it.each([0, 1, 2])('v%i removes a group and its offsets', async (version) => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.commit(topic.name, 1);
    expect(await remove([group.id], version)).toEqual([[group.id, 0]]);
    expect(await group.committed(topic.name)).toBe(-1);
    expect(await group.state()).toBe('Dead 0');
  });

  it('removes a group whose members have left', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.leave();
    expect(await remove([group.id])).toEqual([[group.id, 0]]);
    expect(await group.state()).toBe('Dead 0');
  });

  it('refuses a group with members', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    expect(await remove([group.id])).toEqual([[group.id, 68]]);
    expect(await member!.heartbeat()).toBe(0);
  });

  it('of a group that there is not answers 69', async () => {
    const group = await Group.create(world);
    expect(await remove([group.id])).toEqual([[group.id, 69]]);
  });

  it('answers several, each with its own', async () => {
    const topic = await world.topic();
    const [busy, idle, absent] = [await Group.create(world), await Group.create(world), await Group.create(world)];
    await busy.stable({});
    await (await idle.newcomer()).commit(topic.name, 1);
    const found = await remove([busy.id, idle.id, absent.id]);
    expect(found.sort(byText)).toEqual(
      [
        [busy.id, 68],
        [idle.id, 0],
        [absent.id, 69],
      ].sort(byText),
    );
  });

  it('makes room for a group of the same name that begins anew', async () => {
    const group = await Group.create(world);
    const [one, other] = await group.stable({}, {});
    expect(one!.generationId).toBe(2);
    await other!.leave();
    await one!.leave();
    expect(await remove([group.id])).toEqual([[group.id, 0]]);
    const [fresh] = await group.stable({});
    expect(fresh!.generationId).toBe(1);
  });

  it('lets a member that joins meanwhile either keep the group or find a new one', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.commit(topic.name, 1);
    const joining = member.enter().catch(() => {
      // The group went with the id that it had given.
      member.memberId = '';
      return member.enter();
    });
    const [removed] = await Promise.all([remove([group.id]), joining]);
    expect([0, 68]).toContain(removed[0]![1]);
    expect(await group.state()).toBe('CompletingRebalance 1');
    expect(await group.committed(topic.name)).toBe(removed[0]![1] === 0 ? -1 : 1);
  });
});
