import { describe, expect, it } from '@jest/globals';
import { DeleteGroups, ListGroups } from '../../../src/protocol/messages/index.js';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

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

  it('lists a group that is being deleted, or does not, and never again', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await (await group.newcomer()).commit(topic.name, 1);
    const other = await world.connect();
    const [, deleted] = await Promise.all([find(group.id), other.send(DeleteGroups, 2, { groupsNames: [group.id] })]);
    expect(deleted.results).toMatchObject([{ groupId: group.id, errorCode: 0 }]);
    expect(await find(group.id)).toBeUndefined();
  });

  it('tells two who ask at once the same', async () => {
    const group = await Group.create(world);
    await group.stable({});
    const other = await world.connect();
    const [mine, theirs] = await Promise.all([find(group.id), other.send(ListGroups, 5, { statesFilter: ['Stable'] })]);
    expect(theirs.groups.find(({ groupId }) => groupId === group.id)).toEqual(mine);
  });

  it('lists a group that only has offsets, of no kind', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.commit(topic.name, 1);
    expect(await find(group.id)).toMatchObject({ protocolType: '', groupState: 'Empty', groupType: 'classic' });
  });
});
