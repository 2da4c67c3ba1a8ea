import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Consumer, type EachMessagePayload, type Kafka as KafkaClient } from 'kafkajs';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { deferred } from '../../src/common/lifecycle.js';

// Plain kafkajs 2.2.4, a client that knows nothing of us, does its daily work on the broker.

const { Kafka, logLevel, CompressionTypes, ConfigResourceTypes } = kafkajs;
const EMBEDDED = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' };

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function start(options: BrokerOptions = {}): Promise<{ broker: Broker; kafka: KafkaClient }> {
  const broker = await Broker.start({ port: 0, config: EMBEDDED, ...options });
  cleanUp.push(() => broker.stop());
  const kafka = new Kafka({
    clientId: 'shop',
    brokers: [broker.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 3 },
  });
  return { broker, kafka };
}

async function adminOf(kafka: KafkaClient) {
  const admin = kafka.admin();
  await admin.connect();
  cleanUp.push(() => admin.disconnect());
  return admin;
}

async function producerOf(kafka: KafkaClient, idempotent = false) {
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 5, allowAutoTopicCreation: true });
  await producer.connect();
  cleanUp.push(() => producer.disconnect());
  return producer;
}

/** Consumes until `count` messages have come, then leaves the group. */
async function consume(kafka: KafkaClient, groupId: string, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const values = await consumeWith(consumer, topic, count);
  await consumer.disconnect();
  return values;
}

async function consumeWith(consumer: Consumer, topic: string, count: number): Promise<string[]> {
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: string[] = [];
  const enough = deferred();
  await consumer.run({
    eachMessage: async ({ message }: EachMessagePayload) => {
      values.push(message.value!.toString());
      if (values.length >= count) enough.resolve();
    },
  });
  await enough.promise;
  await consumer.stop();
  return values;
}

describe('kafkajs on the broker', () => {
  it('administers topics', async () => {
    const { kafka } = await start();
    const admin = await adminOf(kafka);
    const topics = [{ topic: 'orders', numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '60000' }] }];
    expect(await admin.createTopics({ topics, waitForLeaders: true })).toBe(true);
    expect(await admin.createTopics({ topics })).toBe(false);
    expect(await admin.listTopics()).toEqual(['orders']);
    await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 5 }] });
    const { topics: described } = await admin.fetchTopicMetadata({ topics: ['orders'] });
    expect(described[0]!.partitions).toHaveLength(5);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 'orders', configNames: ['retention.ms'] }],
    });
    expect(resources[0]!.configEntries).toMatchObject([{ configName: 'retention.ms', configValue: '60000' }]);
    const { brokers, controller, clusterId } = await admin.describeCluster();
    expect([brokers.length, controller, clusterId.length]).toEqual([1, 1, 22]);
    await admin.deleteTopics({ topics: ['orders'] });
    expect(await admin.listTopics()).toEqual([]);
  });

  it('produces, consumes, commits and goes on where it stopped', async () => {
    const { kafka } = await start();
    const producer = await producerOf(kafka);
    const messages = ['a', 'b', 'c'].map((value) => ({ key: 'k', value, headers: { h: 'x' } }));
    const [sent] = await producer.send({ topic: 'orders', messages });
    expect(sent).toMatchObject({ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '0' });
    expect(await consume(kafka, 'billing', 'orders', 3)).toEqual(['a', 'b', 'c']);
    await producer.send({
      topic: 'orders',
      compression: CompressionTypes.GZIP,
      messages: [{ value: 'd' }, { value: 'e' }],
    });
    expect(await consume(kafka, 'billing', 'orders', 2)).toEqual(['d', 'e']);

    const admin = await adminOf(kafka);
    const [committed] = await admin.fetchOffsets({ groupId: 'billing', topics: ['orders'] });
    expect(committed!.partitions).toMatchObject([{ partition: 0, offset: '5' }]);
    expect(await admin.fetchTopicOffsets('orders')).toMatchObject([{ partition: 0, offset: '5', low: '0', high: '5' }]);
    expect((await admin.listGroups()).groups).toEqual([{ groupId: 'billing', protocolType: 'consumer' }]);
    await admin.deleteGroups(['billing']);
    expect((await admin.listGroups()).groups).toEqual([]);
  });

  it('shares partitions between the consumers of a group, with every message delivered', async () => {
    const { kafka } = await start();
    const admin = await adminOf(kafka);
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 4 }] });
    const producer = await producerOf(kafka, true);
    const seen = new Map<string, number>();
    const byConsumer = [0, 0];
    const all = deferred();
    const assigned = deferred();
    const assignments: number[] = [0, 0];
    for (const index of [0, 1]) {
      const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 50, heartbeatInterval: 50 });
      consumer.on('consumer.group_join', ({ payload }) => {
        assignments[index] = payload.memberAssignment.orders?.length ?? 0;
        if (assignments[0] === 2 && assignments[1] === 2) assigned.resolve();
      });
      await consumer.connect();
      cleanUp.push(() => consumer.disconnect());
      await consumer.subscribe({ topic: 'orders', fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => {
          const value = message.value!.toString();
          seen.set(value, (seen.get(value) ?? 0) + 1);
          byConsumer[index]!++;
          if (seen.size === 400) all.resolve();
        },
      });
    }
    await assigned.promise;
    const messages = Array.from({ length: 400 }, (_, i) => ({ key: String(i), value: String(i) }));
    await Promise.all(
      [0, 1, 2, 3].map((i) => producer.send({ topic: 'orders', messages: messages.slice(i * 100, i * 100 + 100) })),
    );
    await all.promise;
    expect(seen.size).toBe(400);
    expect(byConsumer[0]).toBeGreaterThan(0);
    expect(byConsumer[1]).toBeGreaterThan(0);
  });

  it('finds topics, records, groups and offsets again after a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-kafkajs-'));
    cleanUp.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = await start({ dataDir });
    const producer = await producerOf(first.kafka, true);
    await producer.send({ topic: 'orders', messages: [{ value: 'a' }, { value: 'b' }] });
    expect(await consume(first.kafka, 'billing', 'orders', 2)).toEqual(['a', 'b']);
    await first.broker.stop();

    const second = await start({ dataDir, port: first.broker.port });
    // The same producer goes on: its sequence numbers are known to the new run.
    await producer.send({ topic: 'orders', messages: [{ value: 'c' }] });
    expect(await consume(second.kafka, 'billing', 'orders', 1)).toEqual(['c']);
    expect(await consume(second.kafka, 'other', 'orders', 3)).toEqual(['a', 'b', 'c']);
  });

  it('is told what it does wrong', async () => {
    const { kafka } = await start({ config: { ...EMBEDDED, 'auto.create.topics.enable': 'false' } });
    const producer = await producerOf(kafka);
    await expect(producer.send({ topic: 'nowhere', messages: [{ value: 'a' }] })).rejects.toThrow(
      /does not host this topic/,
    );
    const admin = await adminOf(kafka);
    await expect(admin.createTopics({ topics: [{ topic: 'bad name' }] })).rejects.toThrow(/errors/i);
    await expect(admin.createTopics({ topics: [{ topic: 'many', replicationFactor: 3 }] })).rejects.toThrow(/errors/i);
    await admin.createTopics({
      topics: [{ topic: 'small', configEntries: [{ name: 'max.message.bytes', value: '100' }] }],
    });
    await expect(producer.send({ topic: 'small', messages: [{ value: 'x'.repeat(200) }] })).rejects.toThrow(
      /larger than the max/,
    );
  });
});
