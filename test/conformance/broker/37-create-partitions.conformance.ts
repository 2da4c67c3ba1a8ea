import { describe, expect, it } from '@jest/globals';
import { CreatePartitions } from '../../../src/protocol/messages/index.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('CreatePartitions', () => {
  const grow = (
    topics: { name: string; count: number; assignments?: { brokerIds: number[] }[] | null }[],
    validateOnly = false,
    version = 3,
  ) =>
    world.send(CreatePartitions, version, {
      topics: topics.map((topic) => ({ assignments: null, ...topic })),
      timeoutMs: 10_000,
      validateOnly,
    });

  it.each([0, 1, 2, 3])('v%i adds partitions and keeps what is there', async (version) => {
    const topic = await world.topic();
    await topic.write(['kept']);
    const { results } = await grow([{ name: topic.name, count: 3 }], false, version);
    expect(results).toMatchObject([{ name: topic.name, errorCode: 0, errorMessage: null }]);
    await world.untilServed(topic.name, 3);
    expect(await topic.values(0)).toEqual(['kept']);
    expect(await topic.ends(2)).toEqual([0, 0]);
  });

  it.each([2, 1, 0, -1])('refuses a count of %i for a topic of two', async (count) => {
    const topic = await world.topic({ partitions: 2 });
    expect((await grow([{ name: topic.name, count }])).results[0]!.errorCode).toBe(37);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(0);
  });

  it('of an unknown topic answers 3', async () => {
    const name = world.name();
    expect((await grow([{ name, count: 3 }])).results).toMatchObject([{ name, errorCode: 3 }]);
    expect(await world.exists(name)).toBe(false);
  });

  it('refuses a topic that comes twice', async () => {
    const topic = await world.topic();
    const { results } = await grow([
      { name: topic.name, count: 2 },
      { name: topic.name, count: 3 },
    ]);
    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([[topic.name, 42]]);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });

  it('with validateOnly changes nothing', async () => {
    const topic = await world.topic();
    expect((await grow([{ name: topic.name, count: 2 }], true)).results[0]!.errorCode).toBe(0);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });

  it('takes an assignment of what is added', async () => {
    const id = await world.nodeId();
    const topic = await world.topic();
    const assignments = [{ brokerIds: [id] }, { brokerIds: [id] }];
    expect((await grow([{ name: topic.name, count: 3, assignments }])).results[0]!.errorCode).toBe(0);
    await world.untilServed(topic.name, 3);
  });

  it.each([
    ['too short', 3, [[0]]],
    ['too long', 2, [[0], [0]]],
    ['to a broker that there is not', 2, [[777]]],
    ['without replicas', 2, [[]]],
  ])('refuses an assignment that is %s', async (_, count, at) => {
    const id = await world.nodeId();
    const topic = await world.topic();
    const assignments = (at as number[][]).map((ids) => ({ brokerIds: ids.map((given) => given || id) }));
    expect((await grow([{ name: topic.name, count, assignments }])).results[0]!.errorCode).toBe(39);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });
});
