import { describe, expect, it } from '@jest/globals';
import { DeleteGroups, DescribeGroups, ListGroups } from '../../../src/protocol/messages/index.js';
import { MIN_I32 } from '../../../src/protocol/schema.js';
import { byText } from './harness/by-text.js';
import { Group, subscription } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DescribeGroups', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('v%i describes a stable group', async (version) => {
    const group = await Group.create(world);
    const topics = [{ name: 'range', metadata: subscription('a') }];
    const [first, second] = await group.stable(
      { clientId: 'one', protocols: topics },
      { clientId: 'two', instanceId: 'i' },
    );
    const found = await group.describe(version);
    expect(found).toMatchObject({
      errorCode: 0,
      groupId: group.id,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      authorizedOperations: MIN_I32,
    });
    const members = Object.fromEntries(found.members.map((member) => [member.memberId, member]));
    expect(Object.keys(members).sort(byText)).toEqual([first!.memberId, second!.memberId].sort(byText));
    expect(members[first!.memberId]).toMatchObject({ clientId: 'one', memberMetadata: subscription('a') });
    expect(String(members[first!.memberId]!.memberAssignment)).toBe('for 0');
    expect(String(members[second!.memberId]!.memberAssignment)).toBe('for 1');
    expect(members[first!.memberId]!.clientHost).toBe('/127.0.0.1');
    if (version >= 4) {
      expect([members[first!.memberId]!.groupInstanceId, members[second!.memberId]!.groupInstanceId]).toEqual([
        null,
        'i',
      ]);
    }
  });

  it('shows neither strategy nor metadata while the leader assigns', async () => {
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.enter();
    const found = await group.describe();
    expect(found).toMatchObject({ groupState: 'CompletingRebalance', protocolType: 'consumer', protocolData: '' });
    expect(
      found.members.map(({ memberMetadata, memberAssignment }) => [memberMetadata.length, memberAssignment.length]),
    ).toEqual([[0, 0]]);
  });

  it('shows a group that waits for its members', async () => {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    expect(await group.describe()).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' });
    await first!.join();
    await entering;
  });

  it('shows a group whose members are gone as Empty, of its kind', async () => {
    const group = await Group.create(world);
    const [member] = await group.stable({});
    await member!.leave();
    expect(await group.describe()).toMatchObject({
      errorCode: 0,
      groupState: 'Empty',
      protocolType: 'consumer',
      members: [],
    });
  });

  it('shows a group that only has offsets as Empty, of no kind', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    expect(await member.commit(topic.name, 1)).toBe(0);
    expect(await group.describe()).toMatchObject({ groupState: 'Empty', protocolType: '', members: [] });
  });

  it.each([
    [0, 0],
    [5, 0],
    [6, 69],
  ])('v%i of a group that there is not says Dead with error %i', async (version, code) => {
    const group = await Group.create(world);
    const found = await group.describe(version);
    expect(found).toMatchObject({
      errorCode: code,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    });
    if (version >= 6) expect(typeof found.errorMessage).toBe('string');
  });

  it('answers several groups, each with its own', async () => {
    const [stable, absent] = [await Group.create(world), await Group.create(world)];
    await stable.stable({});
    const ids = [absent.id, stable.id];
    const answer = await world.send(DescribeGroups, 5, { groups: ids, includeAuthorizedOperations: false });
    const found = Object.fromEntries(answer.groups.map(({ groupId, groupState }) => [groupId, groupState]));
    expect(found).toEqual({ [absent.id]: 'Dead', [stable.id]: 'Stable' });
  });

  it('gives operations to those who ask', async () => {
    const group = await Group.create(world);
    await group.stable({});
    const answer = await world.send(DescribeGroups, 5, { groups: [group.id], includeAuthorizedOperations: true });
    expect(answer.groups[0]!.authorizedOperations).toBe(0xd48);
  });
});

describe('ListGroups', () => {
  const find = async (id: string, version = 5, filter = {}) => {
    const { errorCode, groups } = await world.send(ListGroups, version, filter);
    expect(errorCode).toBe(0);
    return groups.find(({ groupId }) => groupId === id);
  };

  it.each([0, 1, 2, 3, 4, 5])('v%i lists a group', async (version) => {
    const group = await Group.create(world);
    await group.stable({});
    const found = await find(group.id, version);
    expect(found).toMatchObject({ groupId: group.id, protocolType: 'consumer' });
    if (version >= 4) expect(found!.groupState).toBe('Stable');
    if (version >= 5) expect(found!.groupType).toBe('classic');
  });

  it('does not list what there is not', async () => {
    const group = await Group.create(world);
    expect(await find(group.id)).toBeUndefined();
  });

  it.each([
    ['the state', { statesFilter: ['Stable'] }, true],
    ['the state in other letters', { statesFilter: ['sTABLE'] }, true],
    ['one of several states', { statesFilter: ['Empty', 'Stable'] }, true],
    ['another state', { statesFilter: ['Empty'] }, false],
    ['a state that there is not', { statesFilter: ['Sleeping'] }, false],
    ['the type', { typesFilter: ['classic'] }, true],
    ['the type in other letters', { typesFilter: ['Classic'] }, true],
    ['another type', { typesFilter: ['share'] }, false],
    ['state and type', { statesFilter: ['Stable'], typesFilter: ['classic'] }, true],
    ['state and another type', { statesFilter: ['Stable'], typesFilter: ['share'] }, false],
  ])('filters by %s', async (_, filter, listed) => {
    const group = await Group.create(world);
    await group.stable({});
    expect((await find(group.id, 5, filter)) !== undefined).toBe(listed);
  });

  it('lists a group that only has offsets, of no kind', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.commit(topic.name, 1);
    expect(await find(group.id)).toMatchObject({ protocolType: '', groupState: 'Empty', groupType: 'classic' });
  });
});

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
