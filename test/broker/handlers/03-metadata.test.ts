import { afterEach, describe, expect, it } from '@jest/globals';
import { DescribeCluster, DescribeTopicPartitions, Metadata } from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';
import { SocketClient } from '../../support/raw-client.js';

let fixture: BrokerFixture;
afterEach(() => fixture.stop());

describe('Metadata', () => {
  it('creates a topic that is asked for, and answers as if it had been there', async () => {
    fixture = await BrokerFixture.start({ config: { 'num.partitions': '3' } });
    const { topics } = await fixture.client.send(Metadata, 4, { topics: [{ name: 'orders' }] });
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'orders', isInternal: false });
    expect(topics[0]!.partitions).toHaveLength(3);
    expect(await fixture.appendValues('orders', ['a'])).toMatchObject({ errorCode: 0 });
  });

  it('creates nothing when the client, the broker or the name forbids it', async () => {
    fixture = await BrokerFixture.start();
    const ask = async (name: string, allowAutoTopicCreation: boolean) => {
      const answer = await fixture.client.send(Metadata, 6, { topics: [{ name }], allowAutoTopicCreation });
      return answer.topics[0]!.errorCode;
    };
    expect(await ask('orders', false)).toBe(3);
    expect(await ask('bad name', true)).toBe(17);
    const config = { name: 'auto.create.topics.enable', value: 'false' };
    const closed = await BrokerFixture.start({ config: { [config.name]: config.value } });
    const { topics } = await closed.client.send(Metadata, 6, { topics: [{ name: 'orders' }] });
    expect(topics[0]!.errorCode).toBe(3);
    await closed.stop();
    expect((await fixture.client.send(Metadata, 6, { topics: null })).topics).toEqual([]);
  });

  it('tells all topics from none', async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('a');
    await fixture.createTopic('b');
    const names = async (version: number, topics: [] | null) =>
      (await fixture.client.send(Metadata, version, { topics })).topics.map(({ name }) => name);
    expect(await names(0, [])).toEqual(['a', 'b']);
    expect(await names(1, [])).toEqual([]);
    expect(await names(1, null)).toEqual(['a', 'b']);
  });

  it('looks up by id from version 12 on, and refuses ids before', async () => {
    fixture = await BrokerFixture.start();
    const topicId = await fixture.createTopic('orders');
    const ask = async (version: number, id: string) =>
      (await fixture.client.send(Metadata, version, { topics: [{ name: null, topicId: id }] })).topics[0];
    expect(await ask(12, topicId)).toMatchObject({ errorCode: 0, name: 'orders', topicId });
    expect(await ask(12, 'AAAAAAAAAAAAAAAAAAAABQ')).toMatchObject({ errorCode: 100, name: null });
    expect(await ask(10, topicId)).toMatchObject({ errorCode: 42 });
  });

  it('says who may do what only when asked', async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('orders');
    const quiet = await fixture.client.send(Metadata, 8, { topics: null });
    expect([quiet.clusterAuthorizedOperations, quiet.topics[0]!.topicAuthorizedOperations]).toEqual([
      -(2 ** 31),
      -(2 ** 31),
    ]);
    const asked = await fixture.client.send(Metadata, 8, {
      topics: null,
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    });
    expect([asked.clusterAuthorizedOperations, asked.topics[0]!.topicAuthorizedOperations]).toEqual([0x1fa0, 0xdf8]);
  });

  it('advertises what the listener is configured to', async () => {
    fixture = await BrokerFixture.start({ config: { 'advertised.listeners': 'PLAINTEXT://kafka.shop:19092' } });
    const client = await SocketClient.connect(fixture.broker.port);
    const { brokers } = await client.send(Metadata, 1, { topics: [] });
    expect(brokers).toEqual([{ nodeId: 1, host: 'kafka.shop', port: 19092, rack: null }]);
    client.close();
  });
});

describe('DescribeCluster', () => {
  it('describes the one node, and no controllers', async () => {
    fixture = await BrokerFixture.start({ config: { 'node.id': '4' } });
    expect(await fixture.client.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: true })).toMatchObject({
      errorCode: 0,
      clusterId: fixture.broker.clusterId,
      controllerId: 4,
      brokers: [{ brokerId: 4, host: '127.0.0.1', port: fixture.broker.port }],
      clusterAuthorizedOperations: 0x1fa0,
    });
    const ask = async (endpointType: number) =>
      (await fixture.client.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType }))
        .errorCode;
    expect([await ask(2), await ask(3)]).toEqual([114, 115]);
  });
});

describe('DescribeTopicPartitions', () => {
  it('goes through topics in pages', async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('b', 3);
    await fixture.createTopic('a', 2);
    const page = async (cursor: { topicName: string; partitionIndex: number } | null) => {
      const answer = await fixture.client.send(DescribeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 3,
        cursor,
      });
      return {
        topics: answer.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionIndex)]),
        next: answer.nextCursor,
      };
    };
    const first = await page(null);
    expect(first).toEqual({
      topics: [
        ['a', [0, 1]],
        ['b', [0]],
      ],
      next: { topicName: 'b', partitionIndex: 1 },
    });
    expect(await page(first.next)).toEqual({ topics: [['b', [1, 2]]], next: null });
  });

  it('answers for what does not exist', async () => {
    fixture = await BrokerFixture.start();
    const topics = [{ name: 'nowhere' }, { name: 'bad name' }];
    const answer = await fixture.client.send(DescribeTopicPartitions, 0, { topics, cursor: null });
    expect(answer.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['bad name', 17],
      ['nowhere', 3],
    ]);
    const cursor = { topicName: 'elsewhere', partitionIndex: 0 };
    const wrong = await fixture.client.send(DescribeTopicPartitions, 0, { topics, cursor });
    expect(wrong.topics.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
  });
});
