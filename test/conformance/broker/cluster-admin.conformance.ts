import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  DescribeLogDirs,
  DescribeQuorum,
  ElectLeaders,
  ListConfigResources,
  ListPartitionReassignments,
  Metadata,
  UnregisterBroker,
} from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

// What tools of clusters ask of a node that is the whole cluster.

const world = conformance();
const timeoutMs = 10_000;
/** Names nothing of the world's. */
const NOWHERE = 'there-is-no-such-topic';
const NO_NODE = 4711;

let topic: string;
beforeEach(async () => {
  topic = (await world.topic({ partitions: 2 })).name;
});

describe('ElectLeaders', () => {
  const elect = (version: number, topicPartitions: { topic: string; partitions: number[] }[], electionType = 0) =>
    world.send(ElectLeaders, version, { electionType, topicPartitions, timeoutMs });

  it.each([0, 1, 2])('v%i finds nothing to do where the preferred replica leads', async (version) => {
    const { errorCode, replicaElectionResults } = await elect(version, [{ topic, partitions: [0, 1] }]);
    expect(errorCode).toBe(0);
    expect(replicaElectionResults).toMatchObject([{ topic, partitionResult: [{ errorCode: 84 }, { errorCode: 84 }] }]);
  });

  it('answers each partition for itself', async () => {
    const { errorCode, replicaElectionResults } = await elect(2, [
      { topic, partitions: [0, 9] },
      { topic: NOWHERE, partitions: [0] },
    ]);
    expect(errorCode).toBe(0);
    const codes = replicaElectionResults.flatMap((result) =>
      result.partitionResult.map(({ partitionId, errorCode: code }) => `${result.topic}-${partitionId}: ${code}`),
    );
    expect(codes.sort(byText)).toEqual([`${topic}-0: 84`, `${topic}-9: 3`, `${NOWHERE}-0: 3`].sort(byText));
  });

  it('of the unclean kind finds a leader that is there', async () => {
    const { replicaElectionResults } = await elect(2, [{ topic, partitions: [0] }], 1);
    expect(replicaElectionResults).toMatchObject([{ topic, partitionResult: [{ errorCode: 84 }] }]);
  });
});

describe('AlterPartitionReassignments', () => {
  const reassign = async (replicas: number[] | null, name = topic, partitionIndex = 0) => {
    const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
    const { errorCode, responses } = await world.send(AlterPartitionReassignments, 1, { timeoutMs, topics });
    return [errorCode, responses[0]!.name, responses[0]!.partitions[0]!.errorCode];
  };

  it('to where the partition is does nothing', async () => {
    expect(await reassign([await world.nodeId()])).toEqual([0, topic, 0]);
    const { topics } = await world.send(ListPartitionReassignments, 0, { timeoutMs, topics: null });
    expect(topics.filter(({ name }) => name === topic)).toEqual([]);
  });

  it.each<[string, number[] | null, number]>([
    ['that is not under way cannot be taken back', null, 85],
    ['to no replicas is refused', [], 39],
    ['to a broker that there is not is refused', [NO_NODE], 39],
    ['to a broker twice is refused', [1, 1], 39],
  ])('%s', async (_, replicas, code) => {
    const nodeId = await world.nodeId();
    const actual = replicas?.map((id) => (id === 1 ? nodeId : id)) ?? null;
    expect(await reassign(actual)).toEqual([0, topic, code]);
  });

  it('of what there is not answers 3', async () => {
    expect(await reassign([1], NOWHERE)).toEqual([0, NOWHERE, 3]);
    expect(await reassign([1], topic, 9)).toEqual([0, topic, 3]);
    expect(await reassign(null, topic, 9)).toEqual([0, topic, 3]);
  });
});

describe('ListPartitionReassignments', () => {
  const list = async (topics: { name: string; partitionIndexes: number[] }[] | null) => {
    const answer = await world.send(ListPartitionReassignments, 0, { timeoutMs, topics });
    return [answer.errorCode, answer.topics.filter(({ name }) => name === topic || name === NOWHERE)];
  };

  it('lists none, of all and of those named', async () => {
    expect(await list(null)).toEqual([0, []]);
    expect(await list([{ name: topic, partitionIndexes: [0, 1] }])).toEqual([0, []]);
  });

  it('does not mind what there is not', async () => {
    expect(await list([{ name: NOWHERE, partitionIndexes: [0] }])).toEqual([0, []]);
    expect(await list([{ name: topic, partitionIndexes: [77] }])).toEqual([0, []]);
  });

  it('lists none while one is asked for that changes nothing', async () => {
    const [node, other] = [await world.nodeId(), await world.connect()];
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, replicas: [node] }] }];
    const [altered, listed] = await Promise.all([
      other.send(AlterPartitionReassignments, 1, { timeoutMs, topics }),
      list(null),
    ]);
    expect(altered.responses[0]!.partitions[0]!.errorCode).toBe(0);
    expect(listed).toEqual([0, []]);
  });

  it('lists none for two who ask at once', async () => {
    const other = await world.connect();
    const asked = { timeoutMs, topics: [{ name: topic, partitionIndexes: [0] }] };
    const both = await Promise.all([list(null), other.send(ListPartitionReassignments, 0, asked)]);
    expect(both).toMatchObject([[0, []], { errorCode: 0, topics: [] }]);
  });
});

describe('log directories', () => {
  const described = (topics: { topic: string; partitions: number[] }[] | null, version = 4) =>
    world.send(DescribeLogDirs, version, { topics });
  const move = async (version: number, path: string, name: string, partitions: number[]) => {
    const { results } = await world.send(AlterReplicaLogDirs, version, {
      dirs: [{ path, topics: [{ name, partitions }] }],
    });
    // Kafka answers in the order of a hash map, which changes with the topic's name.
    return results.map(({ topicName, partitions: moved }) => {
      const inOrder = [...moved].sort((a, b) => a.partitionIndex - b.partitionIndex);
      return [topicName, inOrder.map(({ errorCode }) => errorCode)];
    });
  };

  it.each([1, 2])('v%i take a partition that is there already', async (version) => {
    const [{ logDir } = { logDir: '' }] = (await described(null)).results;
    expect(await move(version, logDir, topic, [0, 1])).toEqual([[topic, [0, 0]]]);
  });

  it('that there are not are refused', async () => {
    expect(await move(2, '/there/is/no/such/folder', topic, [0, 1])).toEqual([[topic, [57, 57]]]);
    expect(await move(2, 'relative', topic, [0])).toEqual([[topic, [57]]]);
  });

  it('take no partition that there is not', async () => {
    const [{ logDir } = { logDir: '' }] = (await described(null)).results;
    const moved = await move(2, logDir, topic, [0, 9]);
    expect(moved).toEqual([[topic, [0, 3]]]);
  });

  it('say nothing of partitions that there are not', async () => {
    const { errorCode, results } = await described([
      { topic, partitions: [0, 9] },
      { topic: NOWHERE, partitions: [0] },
    ]);
    const found = results.flatMap(({ topics }) =>
      topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => [name, partitionIndex])),
    );
    expect([errorCode, found]).toEqual([0, [[topic, 0]]]);
  });

  it.each(['at once', 'at once again'])('are described to two who ask %s', async () => {
    const other = await world.connect();
    const asked = { topics: [{ topic, partitions: [1] }] };
    const [mine, theirs] = await Promise.all([described(asked.topics), other.send(DescribeLogDirs, 4, asked)]);
    expect(mine.results[0]!.topics).toEqual(theirs.results[0]!.topics);
    expect(mine.results[0]!.topics).toMatchObject([{ name: topic, partitions: [{ partitionIndex: 1, offsetLag: 0 }] }]);
  });
});

describe('DescribeQuorum', () => {
  const ask = (topicName: string, version = 2, partitionIndex = 0) =>
    world.send(DescribeQuorum, version, { topics: [{ topicName, partitions: [{ partitionIndex }] }] });

  it.each([0, 1, 2])('v%i shows one voter, which leads', async (version) => {
    const nodeId = await world.nodeId();
    const { errorCode, topics } = await ask('__cluster_metadata', version);
    expect(errorCode).toBe(0);
    const [partition] = topics[0]!.partitions;
    expect(partition).toMatchObject({ partitionIndex: 0, errorCode: 0, leaderId: nodeId });
    expect(partition!.currentVoters.map(({ replicaId }) => replicaId)).toEqual([nodeId]);
    expect(partition!.currentVoters[0]!.logEndOffset).toBeGreaterThanOrEqual(partition!.highWatermark);
  });

  it('shows how the log of the metadata grows', async () => {
    const highWatermark = async () => (await ask('__cluster_metadata')).topics[0]!.partitions[0]!.highWatermark;
    const before = await highWatermark();
    await world.topic();
    await eventually(async () => {
      if ((await highWatermark()) <= before) throw new Error(`it ends at ${before} still`);
    });
    expect(await highWatermark()).toBeGreaterThan(before);
  });

  it.each([
    ['of another topic', 'orders', 0],
    ['of another partition', '__cluster_metadata', 1],
  ])('refuses to tell %s', async (_, name, partition) => {
    const { errorCode, topics } = await ask(name, 2, partition);
    expect(errorCode).toBe(0);
    expect(topics).toMatchObject([{ topicName: name, partitions: [{ partitionIndex: partition, errorCode: 3 }] }]);
  });
});

describe('UnregisterBroker', () => {
  it.each([77, NO_NODE])('does not know broker %i', async (brokerId) => {
    const answer = await world.send(UnregisterBroker, 0, { brokerId });
    expect(answer.errorCode).toBe(102);
    const { brokers } = await world.send(Metadata, 9, { topics: [] });
    expect(brokers).toHaveLength(1);
  });

  it('gives the same answer to two who ask at once', async () => {
    const clients = await Promise.all([world.connect(), world.connect()]);
    const answers = await Promise.all(clients.map((client) => client.send(UnregisterBroker, 0, { brokerId: NO_NODE })));
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([102, 102]);
  });
});

describe('ListConfigResources', () => {
  const list = async (resourceTypes: number[], version = 1) => {
    const { errorCode, configResources } = await world.send(ListConfigResources, version, { resourceTypes });
    return { errorCode, resources: configResources.map(({ resourceType: type, resourceName: name }) => [type, name]) };
  };

  it('lists topics and the broker', async () => {
    const nodeId = String(await world.nodeId());
    const { errorCode, resources } = await list([]);
    expect(errorCode).toBe(0);
    expect(resources).toContainEqual([2, topic]);
    expect(resources).toContainEqual([4, nodeId]);
    expect(resources).toContainEqual([8, nodeId]);
  });

  it('lists only the types that are asked for', async () => {
    const { errorCode, resources } = await list([2]);
    expect(errorCode).toBe(0);
    expect(resources).toContainEqual([2, topic]);
    expect(resources.filter(([type]) => type !== 2)).toEqual([]);
  });

  it.each([99, 0, 64])('refuses type %i', async (type) => {
    expect(await list([2, type])).toEqual({ errorCode: 35, resources: [] });
  });

  it('v0 lists subscriptions to metrics', async () => {
    const { errorCode, resources } = await list([], 0);
    expect(errorCode).toBe(0);
    expect(resources.filter(([, name]) => name === topic)).toEqual([]);
  });
});
