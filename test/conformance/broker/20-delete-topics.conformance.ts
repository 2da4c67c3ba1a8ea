import { describe, expect, it } from '@jest/globals';
import { DeleteTopics } from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { batch } from './harness/batches.js';
import { eventually } from './harness/eventually.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();

describe('DeleteTopics', () => {
  const remove = (topics: { name?: string | null; topicId?: string }[]) =>
    world.send(DeleteTopics, 6, {
      topics: topics.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId })),
      timeoutMs: 10_000,
    });

  it.each([1, 2, 3, 4, 5])('v%i deletes by name', async (version) => {
    const topic = await world.topic();
    await topic.write(['a']);
    const answer = await world.send(DeleteTopics, version, { topicNames: [topic.name], timeoutMs: 10_000 });
    expect(answer.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([[topic.name, 0]]);
    await eventually(async () => expect(await world.exists(topic.name)).toBe(false));
    await eventually(async () => expect((await topic.fetch(0)).errorCode).toBe(3));
  });

  it('v6 deletes by name and tells the id', async () => {
    const topic = await world.topic();
    const { responses } = await remove([{ name: topic.name }]);
    expect(responses[0]).toMatchObject({ name: topic.name, topicId: topic.id, errorCode: 0 });
    await eventually(async () => expect(await world.exists(topic.name)).toBe(false));
  });

  it('v6 deletes by id and tells the name', async () => {
    const topic = await world.topic();
    const { responses } = await remove([{ topicId: topic.id }]);
    expect(responses[0]).toMatchObject({ name: topic.name, topicId: topic.id, errorCode: 0 });
    await eventually(async () => expect(await world.exists(topic.name)).toBe(false));
  });

  it('of an unknown name answers 3', async () => {
    const name = world.name();
    expect((await remove([{ name }])).responses[0]).toMatchObject({ name, errorCode: 3 });
  });

  it('of an unknown id answers 100', async () => {
    expect((await remove([{ topicId: UNKNOWN_ID }])).responses[0]).toMatchObject({
      topicId: UNKNOWN_ID,
      errorCode: 100,
    });
  });

  it('refuses name and id together and deletes nothing', async () => {
    const topic = await world.topic();
    expect((await remove([{ name: topic.name, topicId: topic.id }])).responses[0]!.errorCode).toBe(42);
    expect(await world.exists(topic.name)).toBe(true);
  });

  it('refuses neither name nor id', async () => {
    expect((await remove([{}])).responses[0]!.errorCode).toBe(42);
  });

  it('refuses a topic that comes twice and deletes the others', async () => {
    const [twice, once] = [await world.topic(), await world.topic()];
    const { responses } = await remove([{ name: twice.name }, { name: once.name }, { name: twice.name }]);
    const codes = responses.map(({ name, errorCode }) => [name, errorCode] as const);
    expect(codes.filter(([name]) => name === once.name)).toEqual([[once.name, 0]]);
    expect(codes.some(([name, code]) => name === twice.name && code === 42)).toBe(true);
    expect(await world.exists(twice.name)).toBe(true);
    await eventually(async () => expect(await world.exists(once.name)).toBe(false));
  });

  it('refuses a second deletion', async () => {
    const topic = await world.topic();
    const codes = [await remove([{ topicId: topic.id }]), await remove([{ topicId: topic.id }])].map(
      ({ responses }) => responses[0]!.errorCode,
    );
    expect(codes).toEqual([0, 100]);
  });

  it('makes room for a topic of the same name with another id', async () => {
    const topic = await world.topic({ partitions: 2, configs: { 'retention.ms': '1000000' } });
    await topic.write(['old']);
    await remove([{ name: topic.name }]);
    const again = await world.topic({ name: topic.name });
    expect(again.id).not.toBe(topic.id);
    await eventually(async () => expect(await again.ends()).toEqual([0, 0]));
    expect((await again.produce(batch(['x']), { partition: 1 })).errorCode).toBe(3);
  });
});
