import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  ApiVersions,
  DescribeLogDirs,
  DescribeQuorum,
  ElectLeaders,
  ListConfigResources,
  ListPartitionReassignments,
  UnregisterBroker,
  UpdateFeatures,
} from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';

// What tools of clusters ask of a node that is the whole cluster.

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start();
  await fixture.createTopic('orders', 2);
});
afterEach(() => fixture.stop());

const send: BrokerFixture['client']['send'] = (...args) => fixture.client.send(...args);

describe('ElectLeaders', () => {
  const elect = (version: number, topicPartitions: { topic: string; partitions: number[] }[] | null, type = 0) =>
    send(ElectLeaders, version, { electionType: version === 0 ? 0 : type, topicPartitions, timeoutMs: 1000 });

  it.each([0, 1, 2])('v%i tells of each partition that is named why nothing happened', async (version) => {
    const { errorCode, replicaElectionResults } = await elect(version, [
      { topic: 'orders', partitions: [0, 1, 7] },
      { topic: 'nowhere', partitions: [0] },
    ]);
    expect(errorCode).toBe(0);
    expect(replicaElectionResults.map(({ topic, partitionResult }) => [topic, partitionResult])).toMatchObject([
      ['orders', [{ errorCode: 84 }, { errorCode: 84 }, { partitionId: 7, errorCode: 3 }]],
      ['nowhere', [{ errorCode: 3, errorMessage: 'No such topic as nowhere' }]],
    ]);
  });

  it.each([0, 1])('of type %i for all partitions names none', async (type) => {
    const { errorCode, replicaElectionResults } = await elect(2, null, type);
    expect(errorCode).toBe(0);
    expect(replicaElectionResults).toMatchObject([{ topic: 'orders', partitionResult: [] }]);
  });

  it('refuses a type that there is not', async () => {
    const answer = await elect(2, [{ topic: 'orders', partitions: [0] }], 7);
    expect(answer).toMatchObject({ errorCode: 42, replicaElectionResults: [{ partitionResult: [{ errorCode: 42 }] }] });
  });
});

describe('reassignments', () => {
  const reassign = async (replicas: number[] | null, partitionIndex = 0, name = 'orders') => {
    const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
    const { errorCode, responses } = await send(AlterPartitionReassignments, 1, { timeoutMs: 1000, topics });
    expect(errorCode).toBe(0);
    return responses[0]!.partitions[0]!;
  };

  it.each<[string, number[] | null, number]>([
    ['to where the partition is', [1], 0],
    ['taken back, though none is under way', null, 85],
    ['to nowhere', [], 39],
    ['to a broker that there is not', [2], 39],
    ['to this broker and another', [1, 2], 39],
    ['to this broker twice', [1, 1], 39],
  ])('%s', async (_what, replicas, errorCode) => {
    expect(await reassign(replicas)).toMatchObject({ partitionIndex: 0, errorCode });
  });

  it('of what there is not answers 3', async () => {
    expect(await reassign([1], 5)).toMatchObject({ errorCode: 3, errorMessage: 'Unable to find partition orders:5.' });
    expect(await reassign([1], 0, 'nowhere')).toMatchObject({ errorCode: 3 });
    expect(await reassign(null, 5)).toMatchObject({ errorCode: 3 });
  });

  it('are never under way', async () => {
    for (const topics of [null, [{ name: 'orders', partitionIndexes: [0] }]]) {
      const answer = await send(ListPartitionReassignments, 0, { timeoutMs: 1000, topics });
      expect(answer).toMatchObject({ errorCode: 0, topics: [] });
    }
  });
});

describe('log directories', () => {
  const dirOf = async () => (await send(DescribeLogDirs, 5, { topics: null })).results[0]!.logDir;
  const move = async (path: string) => {
    const topics = [{ name: 'orders', partitions: [0, 9] }];
    const { results } = await send(AlterReplicaLogDirs, 2, { dirs: [{ path, topics }] });
    return results[0]!.partitions.map(({ errorCode }) => errorCode);
  };

  it('take a partition that is there already, and know no other directory', async () => {
    expect(await move(await dirOf())).toEqual([0, 3]);
    expect(await move('/elsewhere')).toEqual([57, 57]);
    expect(await move('relative')).toEqual([57, 57]);
  });

  it.each([1, 2, 3, 4, 5])('v%i tell the size of what is asked for', async (version) => {
    await fixture.appendValues('orders', ['x'.repeat(100)]);
    const topics = [
      { topic: 'orders', partitions: [0, 9] },
      { topic: 'nowhere', partitions: [0] },
    ];
    const { errorCode, results } = await send(DescribeLogDirs, version, { topics });
    expect([errorCode, results.length]).toEqual([0, 1]);
    expect(results[0]!.topics).toHaveLength(1);
    const [partition, ...others] = results[0]!.topics[0]!.partitions;
    expect(others).toEqual([]);
    expect(partition).toMatchObject({ partitionIndex: 0, offsetLag: 0, isFutureKey: false });
    expect(partition!.partitionSize).toBeGreaterThan(100);
    expect(results[0]!.totalBytes > 0).toBe(version >= 4);
  });

  it('tell of no topic when none is asked for', async () => {
    expect((await send(DescribeLogDirs, 4, { topics: [] })).results).toMatchObject([{ errorCode: 0, topics: [] }]);
  });
});

describe('DescribeQuorum', () => {
  const ask = (topicName: string, version = 2, partitionIndex = 0) =>
    send(DescribeQuorum, version, { topics: [{ topicName, partitions: [{ partitionIndex }] }] });

  it.each([0, 1, 2])('v%i shows this node as the only voter', async (version) => {
    const before = (await ask('__cluster_metadata', version)).topics[0]!.partitions[0]!;
    expect(before).toMatchObject({ errorCode: 0, leaderId: 1, observers: [] });
    expect(before.leaderEpoch).toBeGreaterThanOrEqual(1);
    expect(before.currentVoters).toMatchObject([{ replicaId: 1, logEndOffset: before.highWatermark }]);
    await fixture.createTopic(`more-${version}`);
    const after = (await ask('__cluster_metadata', version)).topics[0]!.partitions[0]!;
    expect(after.highWatermark).toBeGreaterThan(before.highWatermark);
  });

  it('of any other log answers 3', async () => {
    expect((await ask('orders')).topics[0]!.partitions).toMatchObject([{ errorCode: 3, currentVoters: [] }]);
    expect((await ask('__cluster_metadata', 2, 1)).topics[0]!.partitions).toMatchObject([{ errorCode: 3 }]);
    const partitions = [{ partitionIndex: 0 }];
    const both = ['__cluster_metadata', 'orders'].map((topicName) => ({ topicName, partitions }));
    const { topics } = await send(DescribeQuorum, 2, { topics: both });
    expect(topics.map(({ partitions: [partition] }) => partition!.errorCode)).toEqual([3, 3]);
  });
});

describe('UpdateFeatures', () => {
  const update = (
    maxVersionLevel: number,
    more: { feature?: string; upgradeType?: number; validateOnly?: boolean },
  ) => {
    const { feature = 'metadata.version', upgradeType = 1, validateOnly = false } = more;
    const featureUpdates = [{ feature, maxVersionLevel, upgradeType }];
    return send(UpdateFeatures, 1, { timeoutMs: 1000, featureUpdates, validateOnly });
  };
  const level = async () => {
    const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
    const { finalizedFeatures } = await send(ApiVersions, 4, request);
    return finalizedFeatures.find(({ name }) => name === 'metadata.version')!.maxVersionLevel;
  };

  it('raises a level, for good', async () => {
    const before = await level();
    expect(await update(before + 1, {})).toMatchObject({ errorCode: 0, results: [{ errorCode: 0 }] });
    expect(await level()).toBe(before + 1);
  });

  it('changes nothing when it is only to look, or when the level is the one in force', async () => {
    const before = await level();
    expect(await update(before + 1, { validateOnly: true })).toMatchObject({ errorCode: 0 });
    expect(await update(before, {})).toMatchObject({ errorCode: 0 });
    expect(await level()).toBe(before);
  });

  it.each<[string, number, { feature?: string; upgradeType?: number }]>([
    ['a feature that nobody knows', 1, { feature: 'time.travel' }],
    ['a level above all', 99, {}],
    ['a level below 0', -1, {}],
    ['the end of metadata.version', 0, { upgradeType: 3 }],
    ['a step back that is not named one', 7, {}],
    ['a safe step back', 7, { upgradeType: 2 }],
    ['an unsafe step back', 7, { upgradeType: 3 }],
    ['a type of change that there is not', 30, { upgradeType: 9 }],
  ])('refuses %s', async (_what, to, more) => {
    const before = await level();
    expect(await update(to, more)).toMatchObject({ errorCode: 95, results: [] });
    expect(await level()).toBe(before);
  });

  it('does all of a request or nothing, and takes version 0 of the API', async () => {
    const before = await level();
    const featureUpdates = [
      { feature: 'metadata.version', maxVersionLevel: before + 1 },
      { feature: 'time.travel', maxVersionLevel: 1 },
    ];
    expect(await send(UpdateFeatures, 2, { timeoutMs: 1, featureUpdates })).toMatchObject({ errorCode: 95 });
    expect(await level()).toBe(before);
    const older = await send(UpdateFeatures, 0, { timeoutMs: 1, featureUpdates: featureUpdates.slice(0, 1) });
    expect(older).toMatchObject({ errorCode: 0, results: [{ feature: 'metadata.version', errorCode: 0 }] });
  });
});

describe('UnregisterBroker', () => {
  it('knows no other broker, and does not unregister itself', async () => {
    expect(await send(UnregisterBroker, 0, { brokerId: 77 })).toMatchObject({
      errorCode: 102,
      errorMessage: 'Broker ID 77 is not currently registered',
    });
    expect(await send(UnregisterBroker, 0, { brokerId: 1 })).toMatchObject({ errorCode: 42 });
  });
});

describe('ListConfigResources', () => {
  const list = async (resourceTypes: number[], version = 1) => {
    const { errorCode, configResources } = await send(ListConfigResources, version, { resourceTypes });
    return [errorCode, configResources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`)];
  };

  it('lists topics and the broker, and by type', async () => {
    expect(await list([])).toEqual([0, ['8 1', '4 1', '2 orders']]);
    expect(await list([2])).toEqual([0, ['2 orders']]);
    expect(await list([8, 4])).toEqual([0, ['8 1', '4 1']]);
    expect(await list([16, 32])).toEqual([0, []]);
  });

  it('refuses a type that there is not with 35', async () => {
    expect(await list([2, 99])).toEqual([35, []]);
  });

  it('v0 lists subscriptions to metrics, of which there are none', async () => {
    expect(await list([], 0)).toEqual([0, []]);
  });
});
