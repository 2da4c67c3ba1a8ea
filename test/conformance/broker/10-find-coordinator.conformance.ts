import { describe, expect, it } from '@jest/globals';
import { FindCoordinator } from '../../../src/protocol/messages/index.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('FindCoordinator', () => {
  it.each([0, 1, 2, 3])('v%i names the node for one group', async (version) => {
    const key = await world.group();
    const answer = await world.send(FindCoordinator, version, { key, keyType: 0 });
    expect(answer).toMatchObject({ errorCode: 0, host: world.host, port: world.port });
    expect(answer.nodeId).toBeGreaterThanOrEqual(0);
  });

  it.each([4, 5])('v%i names it for several', async (version) => {
    const keys = [await world.group(), await world.group()];
    const { coordinators } = await world.send(FindCoordinator, version, { keyType: 0, coordinatorKeys: keys });
    const found = coordinators.map(({ key, errorCode, host, port }) => [key, errorCode, host, port]);
    expect(found).toEqual(keys.map((key) => [key, 0, world.host, world.port]));
  });

  it('takes an empty group id', async () => {
    await world.group();
    const answer = await world.send(FindCoordinator, 2, { key: '', keyType: 0 });
    expect(answer).toMatchObject({ errorCode: 0, port: world.port });
  });

  it.each([
    [2, 9],
    [5, 9],
    [3, -1],
  ])('v%i refuses keys of type %i', async (version, keyType) => {
    const asked = { key: 'k', keyType, coordinatorKeys: ['k'] };
    const answer = await world.send(FindCoordinator, version, asked);
    const one = version < 4 ? answer : answer.coordinators[0]!;
    expect(one).toMatchObject({ errorCode: 42, nodeId: -1, host: '', port: -1 });
  });

  it('v4 answers no keys with nothing', async () => {
    expect((await world.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [] })).coordinators).toEqual([]);
  });
});
