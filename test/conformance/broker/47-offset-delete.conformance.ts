import { describe, expect, it } from '@jest/globals';
import { OffsetDelete } from '../../../src/protocol/messages/index.js';
import { commitSimply, Group, subscription } from './harness/group.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('OffsetDelete', () => {
  const remove = (groupId: string, names: readonly string[], partitionIndex = 0) =>
    world.send(OffsetDelete, 0, {
      groupId,
      topics: names.map((name) => ({ name, partitions: [{ partitionIndex }] })),
    });

  it('forgets an offset and leaves the others', async () => {
    const topic = await world.topic({ partitions: 2 });
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 1);
    await commitSimply(world, group.id, topic.name, 2, { partitionIndex: 1 });
    const answer = await remove(group.id, [topic.name]);
    expect(answer).toMatchObject({ errorCode: 0, topics: [{ name: topic.name, partitions: [{ errorCode: 0 }] }] });
    expect([await group.committed(topic.name, 0), await group.committed(topic.name, 1)]).toEqual([-1, 2]);
  });

  it('of an offset that there is not is no error', async () => {
    const topic = await world.topic();
    const other = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, other.name, 1);
    const answer = await remove(group.id, [topic.name]);
    expect(answer).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }] }] });
  });

  it('of a group that there is not answers 69', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    expect(await remove(group.id, [topic.name])).toMatchObject({ errorCode: 69, topics: [] });
  });

  it('of a topic that there is not answers 3', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 1);
    const answer = await remove(group.id, [world.name()]);
    expect([answer.errorCode, answer.topics[0]!.partitions[0]!.errorCode]).toEqual([0, 3]);
    expect(await group.committed(topic.name)).toBe(1);
  });

  it('refuses a topic that a member is subscribed to', async () => {
    const [subscribed, other] = [await world.topic(), await world.topic()];
    const group = await Group.create(world);
    const [member] = await group.stable({ protocols: [{ name: 'range', metadata: subscription(subscribed.name) }] });
    await member!.commit(subscribed.name, 1);
    await member!.commit(other.name, 2);
    const answer = await remove(group.id, [subscribed.name, other.name]);
    const codes = Object.fromEntries(answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode]));
    expect([answer.errorCode, codes]).toEqual([0, { [subscribed.name]: 86, [other.name]: 0 }]);
    expect([await group.committed(subscribed.name), await group.committed(other.name)]).toEqual([1, -1]);
  });

  it('refuses a group with members of another kind', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    await commitSimply(world, group.id, topic.name, 1);
    await group.stable({ protocolType: 'connect' });
    expect((await remove(group.id, [topic.name])).errorCode).toBe(68);
    expect(await group.committed(topic.name)).toBe(1);
  });
});
