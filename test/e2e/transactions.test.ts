import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Consumer, type Kafka as KafkaClient, type Producer, type Transaction } from 'kafkajs';
import { deferred } from '../../src/common/lifecycle.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';

// Plain kafkajs 2.2.4 with transactions, on our broker or on the Apache Kafka that KAFKA_BOOTSTRAP_SERVERS names: what
// an application sees must be the same.

const { Kafka, logLevel } = kafkajs;
const cleanUp: Array<() => unknown> = [];
let broker: ClientBroker;
let kafka: KafkaClient;
let names = 0;
const name = (prefix: string) => `${prefix}-${process.pid}-${process.hrtime.bigint()}-${++names}`;

beforeEach(async () => {
  broker = await startClientBroker();
  cleanUp.push(() => broker.stop());
  kafka = new Kafka({
    clientId: 'shop',
    brokers: [broker.address],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 8 },
  });
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function transactional(transactionalId = name('tx')): Promise<Producer> {
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp.push(() => producer.disconnect());
  return producer;
}

async function plain(): Promise<Producer> {
  const producer = kafka.producer();
  await producer.connect();
  cleanUp.push(() => producer.disconnect());
  return producer;
}

const messages = (...values: string[]) => values.map((value) => ({ value }));

/** Reads a topic from its beginning until `until` came `times` times, by a group of its own. */
async function readUntil(
  topic: string,
  until: string,
  options: { uncommitted?: boolean; groupId?: string; times?: number } = {},
) {
  const { uncommitted = false, groupId = name('readers'), times = 1 } = options;
  const consumer = kafka.consumer({ groupId, readUncommitted: uncommitted, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const values: string[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          values.push(message.value!.toString());
          if (values.filter((value) => value === until).length === times) resolve();
        },
      })
      .catch(reject);
  });
  await leave(consumer);
  return values;
}

async function leave(consumer: Consumer): Promise<void> {
  await consumer.stop();
  await consumer.disconnect();
}

async function offsetOf(groupId: string, topic: string): Promise<string> {
  const admin = kafka.admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return found!.partitions[0]!.offset;
}

describe('kafkajs with transactions', () => {
  it('shows what was committed and hides what was aborted', async () => {
    const topic = await createTopic(broker.address, 1);
    const producer = await transactional();
    const first = await producer.transaction();
    await first.send({ topic, messages: messages('a', 'b') });
    await first.commit();
    const second = await producer.transaction();
    await second.send({ topic, messages: messages('lost') });
    await second.abort();
    const third = await producer.transaction();
    await third.send({ topic, messages: messages('c') });
    await third.commit();
    await (await plain()).send({ topic, messages: messages('end') });
    expect(await readUntil(topic, 'end')).toEqual(['a', 'b', 'c', 'end']);
    expect(await readUntil(topic, 'end', { uncommitted: true })).toEqual(['a', 'b', 'lost', 'c', 'end']);
  });

  it('is whole or nothing over several topics and partitions', async () => {
    const topics = [await createTopic(broker.address, 2), await createTopic(broker.address, 2)];
    const producer = await transactional();
    const run = async (value: string, end: (transaction: Transaction) => Promise<void>) => {
      const transaction = await producer.transaction();
      for (const topic of topics) {
        await transaction.send({ topic, messages: [0, 1].map((partition) => ({ value, partition })) });
      }
      await end(transaction);
    };
    await run('kept', (transaction) => transaction.commit());
    await run('lost', (transaction) => transaction.abort());
    await run('end', (transaction) => transaction.commit());
    for (const topic of topics) {
      const values = await readUntil(topic, 'end', { times: 2 });
      expect(values.sort()).toEqual(['end', 'end', 'kept', 'kept']);
    }
  });

  it('consumes, transforms and produces: the offsets are part of the transaction', async () => {
    const [from, to] = [await createTopic(broker.address, 1), await createTopic(broker.address, 1)];
    const groupId = name('transformers');
    await (await plain()).send({ topic: from, messages: messages('1', '2', '3', '4') });
    const producer = await transactional();
    const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 200 });
    await consumer.connect();
    await consumer.subscribe({ topics: [from], fromBeginning: true });
    const all = deferred();
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const value = Number(message.value);
        const offset = String(Number(message.offset) + 1);
        const transaction = await producer.transaction();
        await transaction.send({ topic: to, messages: messages(String(value * 10)) });
        const topics = [{ topic: from, partitions: [{ partition, offset }] }];
        await transaction.sendOffsets({ consumerGroupId: groupId, topics });
        // One of them fails: its output and its offset go together.
        if (value === 4) await transaction.abort();
        else await transaction.commit();
        if (value === 4) all.resolve();
      },
    });
    await all.promise;
    await leave(consumer);
    expect(await offsetOf(groupId, from)).toBe('3');
    await (await plain()).send({ topic: to, messages: messages('end') });
    expect(await readUntil(to, 'end')).toEqual(['10', '20', '30', 'end']);
  });

  it('fences the producer that was replaced', async () => {
    const topic = await createTopic(broker.address, 1);
    const transactionalId = name('tx');
    const old = await transactional(transactionalId);
    const first = await old.transaction();
    await first.send({ topic, messages: messages('zombie') });
    const next = await transactional(transactionalId);
    const second = await next.transaction();
    await second.send({ topic, messages: messages('heir') });
    await expect(first.commit()).rejects.toThrow(/epoch|fenced|transaction/i);
    await second.commit();
    await (await plain()).send({ topic, messages: messages('end') });
    expect(await readUntil(topic, 'end')).toEqual(['heir', 'end']);
  });
});
