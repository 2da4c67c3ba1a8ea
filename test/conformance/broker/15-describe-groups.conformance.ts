import { describe, expect, it } from '@jest/globals';
import { DescribeGroups } from '../../../src/protocol/messages/index.js';
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
    const { group, first, entering } = await Group.awaitingItsFirst(world);
    expect(await group.describe()).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' });
    await first.join();
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
