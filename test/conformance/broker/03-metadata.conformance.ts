import { describe, expect, it } from '@jest/globals';
import { Metadata } from '../../../src/protocol/messages/index.js';
import { MIN_I32 } from '../../../src/protocol/schema.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();
const ask = (name: string, allowAutoTopicCreation = false, version = 12) =>
  world.send(Metadata, version, { topics: [{ name }], allowAutoTopicCreation });

describe('Metadata', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('v%i describes node and topic', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const answer = await ask(topic.name, false, version);
    expect(answer.brokers.map(({ host, port }) => [host, port])).toEqual([[world.host, world.port]]);
    const { nodeId } = answer.brokers[0]!;
    if (version >= 1) expect([answer.controllerId, answer.brokers[0]!.rack]).toEqual([nodeId, null]);
    if (version >= 2) expect(answer.clusterId).toMatch(/^[\w-]{22}$/);
    const [found] = answer.topics;
    expect(found).toMatchObject({ errorCode: 0, name: topic.name });
    if (version >= 1) expect(found!.isInternal).toBe(false);
    if (version >= 10) expect(found!.topicId).toBe(topic.id);
    expect(found!.partitions.map(({ partitionIndex }) => partitionIndex).sort(byText)).toEqual([0, 1]);
    for (const partition of found!.partitions) {
      expect(partition).toMatchObject({ errorCode: 0, leaderId: nodeId, replicaNodes: [nodeId], isrNodes: [nodeId] });
      if (version >= 5) expect(partition.offlineReplicas).toEqual([]);
      if (version >= 7) expect(partition.leaderEpoch).toBe(0);
    }
  });

  it('v0 takes an empty list for all topics', async () => {
    const topic = await world.topic();
    const answer = await world.send(Metadata, 0, { topics: [] });
    expect(answer.topics.map(({ name }) => name)).toContain(topic.name);
  });

  it.each([1, 9, 12])('v%i takes an empty list for none', async (version) => {
    await world.topic();
    expect((await world.send(Metadata, version, { topics: [] })).topics).toEqual([]);
  });

  it.each([1, 6, 12])('v%i takes null for all, and none of them has an error', async (version) => {
    const topic = await world.topic();
    await eventually(async () => {
      const answer = await world.send(Metadata, version, { topics: null });
      expect(answer.topics.map(({ name }) => name)).toContain(topic.name);
      // Other files may just be deleting theirs.
      const mine = answer.topics.filter(({ name }) => name === topic.name);
      expect(mine.map(({ errorCode }) => errorCode)).toEqual([0]);
    });
  });

  it('answers a topic that does not exist with 3 where it may not create it', async () => {
    const name = world.name();
    for (let i = 0; i < 2; i++) {
      expect((await ask(name)).topics[0]).toMatchObject({ errorCode: 3, name, topicId: ZERO_UUID, partitions: [] });
    }
  });

  it.each([3, 4, 12])('v%i creates it where it may', async (version) => {
    const name = world.name();
    // Apache Kafka answers that it does not know it (3, or 5 before it has a leader) and creates it meanwhile.
    const first = await ask(name, true, version);
    expect([0, 3, 5]).toContain(first.topics[0]!.errorCode);
    await eventually(async () => expect((await ask(name, true, version)).topics[0]!.errorCode).toBe(0));
    const { topics } = await ask(name, false);
    expect(topics[0]!.partitions.length).toBe(1);
  });

  it.each([
    ['', 17],
    ['.', 17],
    ['..', 17],
    ['a b', 17],
    ['a/b', 17],
    ['žluť', 17],
    ['x'.repeat(250), 17],
  ])('refuses the name "%s" and creates nothing', async (name, code) => {
    expect((await ask(name, true)).topics[0]!.errorCode).toBe(code);
    const all = await world.send(Metadata, 12, { topics: null });
    expect(all.topics.map((topic) => topic.name)).not.toContain(name);
  });

  it('answers what it can beside what it cannot', async () => {
    const topic = await world.topic();
    const absent = world.name();
    const topics = [{ name: absent }, { name: topic.name }, { name: 'a b' }];
    const answer = await world.send(Metadata, 9, { topics, allowAutoTopicCreation: false });
    expect(answer.topics.map(({ name, errorCode }) => [name, errorCode]).sort(byText)).toEqual(
      [
        [absent, 3],
        [topic.name, 0],
        ['a b', 17],
      ].sort(byText),
    );
  });

  it('answers a topic that is asked for twice once', async () => {
    const topic = await world.topic();
    const { topics } = await world.send(Metadata, 9, { topics: [{ name: topic.name }, { name: topic.name }] });
    expect(topics.map(({ name }) => name)).toEqual([topic.name]);
  });

  it.each([12, 13])('v%i finds by id', async (version) => {
    const topic = await world.topic({ partitions: 3 });
    const answer = await world.send(Metadata, version, { topics: [{ topicId: topic.id, name: null }] });
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, name: topic.name, topicId: topic.id });
    expect(answer.topics[0]!.partitions.length).toBe(3);
  });

  it('answers an unknown id with 100, and creates nothing', async () => {
    const answer = await world.send(Metadata, 12, {
      topics: [{ topicId: UNKNOWN_ID, name: null }],
      allowAutoTopicCreation: true,
    });
    expect(answer.topics[0]).toMatchObject({ errorCode: 100, name: null, topicId: UNKNOWN_ID, partitions: [] });
  });

  it.each([10, 11])('v%i, which has ids but cannot look up by them, answers 42', async (version) => {
    const topic = await world.topic();
    const topics = [{ topicId: topic.id, name: null }];
    const answer = await world.send(Metadata, version, { topics });
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([42]);
  });

  it('gives operations only to those who ask', async () => {
    const topic = await world.topic();
    const topics = [{ name: topic.name }];
    const without = await world.send(Metadata, 9, { topics });
    expect([without.topics[0]!.topicAuthorizedOperations, without.clusterAuthorizedOperations]).toEqual([
      MIN_I32,
      MIN_I32,
    ]);
    const asked = { topics, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true };
    const answer = await world.send(Metadata, 9, asked);
    expect(answer.topics[0]!.topicAuthorizedOperations).toBe(0xdf8);
    expect(answer.clusterAuthorizedOperations).toBe(0x1fa0);
  });

  it('says of an internal topic that it is one', async () => {
    await world.group();
    const answer = await ask('__consumer_offsets');
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, isInternal: true });
    expect(answer.topics[0]!.partitions.length).toBe(50);
  });

  it('shows the same cluster on every connection', async () => {
    const other = await world.connect();
    const [mine, theirs] = await Promise.all([
      world.send(Metadata, 9, { topics: [] }),
      other.send(Metadata, 9, { topics: [] }),
    ]);
    expect([theirs.clusterId, theirs.controllerId]).toEqual([mine.clusterId, mine.controllerId]);
  });

  it('creates a topic that many ask for at once only once', async () => {
    const name = world.name();
    const clients = await Promise.all([0, 1, 2].map(() => world.connect()));
    const request = { topics: [{ name }], allowAutoTopicCreation: true };
    await Promise.all(clients.map((client) => client.send(Metadata, 12, request)));
    await eventually(async () => expect((await ask(name)).topics[0]!.errorCode).toBe(0));
    const ids = await Promise.all(clients.map((client) => client.send(Metadata, 12, request)));
    expect(new Set(ids.map(({ topics }) => topics[0]!.topicId)).size).toBe(1);
  });
});
