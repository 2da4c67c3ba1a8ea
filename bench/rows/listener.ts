import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type MicroserviceOptions, Payload as NestPayload, Transport } from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { KafkaListener, KafkaModule, Payload } from 'nestdaw';
import { type BrokerProcess, startBrokerProcess } from '../broker-process.js';
import { type Contest, type Row } from '../row.js';

// Listeners: how fast records of a filled topic reach a handler, and how much a pool of lanes helps slow handlers.

const TOPIC = 'bench-orders';
const PARTITIONS = 4;

/** Counts deliveries; resolves when all have come. */
class Finish {
  #left = 0;
  #first = 0;
  #resolve: (ms: number) => void = () => undefined;

  expect(count: number): Promise<number> {
    this.#left = count;
    this.#first = 0;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  hit(): void {
    if (this.#first === 0) this.#first = performance.now();
    if (--this.#left === 0) this.#resolve(performance.now() - this.#first);
  }
}

const finish = new Finish();
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

@Injectable()
class QuickListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Payload() _order: unknown): void {
    finish.hit();
  }
}

@Injectable()
class SlowListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', order: 'key', workers: 64, ackMode: 'TIME' })
  async handle(@Payload() _order: unknown): Promise<void> {
    await wait(5);
    finish.hit();
  }
}

@Controller()
class NestController {
  @EventPattern(TOPIC)
  handle(@NestPayload() _order: unknown): void {
    finish.hit();
  }
}

export async function fillOrders(broker: BrokerProcess, count: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let sent = 0; sent < count; sent += 1000) {
    const messages = Array.from({ length: Math.min(1000, count - sent) }, (_, i) => ({
      key: `customer-${(sent + i) % 997}`,
      value: JSON.stringify({
        id: sent + i,
        customer: `customer-${(sent + i) % 997}`,
        amount: 12.5,
        note: 'x'.repeat(30),
      }),
    }));
    await producer.send({ topic: TOPIC, messages });
  }
  await producer.disconnect();
}

async function runOurs(broker: BrokerProcess, listener: new () => object, count: number): Promise<number> {
  @Module({
    imports: [
      KafkaModule.forRoot({
        properties: {
          'kafka.bootstrap-servers': broker.bootstrapServers,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'bench.group': `bench-${randomUUID()}`,
        },
      }),
    ],
    providers: [listener],
  })
  class BenchModule {}
  const done = finish.expect(count);
  const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
  const ms = await done;
  await app.close();
  return (count / ms) * 1000;
}

async function runKafkajs(broker: BrokerProcess, count: number, handle: () => void | Promise<void>): Promise<number> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const done = finish.expect(count);
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    eachMessage: async ({ message }) => {
      JSON.parse(message.value!.toString());
      await handle();
    },
  });
  const ms = await done;
  await consumer.disconnect();
  return (count / ms) * 1000;
}

async function runNest(broker: BrokerProcess, count: number): Promise<number> {
  @Module({ controllers: [NestController] })
  class NestModule {}
  const done = finish.expect(count);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(NestModule, {
    logger: false,
    transport: Transport.KAFKA,
    options: {
      client: { brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING },
      consumer: { groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 },
      subscribe: { fromBeginning: true },
      run: { partitionsConsumedConcurrently: PARTITIONS },
    },
  });
  await app.listen();
  const ms = await done;
  await app.close();
  return (count / ms) * 1000;
}

function row(
  name: string,
  peerName: string,
  count: number,
  settings: string,
  ours: (broker: BrokerProcess) => Promise<number>,
  peer: (broker: BrokerProcess) => Promise<number>,
): Row {
  return {
    name,
    unit: 'records/s',
    better: 'higher',
    peerName,
    goal: 1,
    settings: `${count} JSON records of about 100 B, ${PARTITIONS} partitions, ${settings}`,
    async prepare(): Promise<Contest> {
      const broker = await startBrokerProcess();
      await fillOrders(broker, count);
      return { ours: () => ours(broker), peer: () => peer(broker), close: () => broker.stop() };
    },
  };
}

const QUICK = 100_000;
const SLOW = 5_000;
const eachMessageQuick = (broker: BrokerProcess) => runKafkajs(broker, QUICK, () => finish.hit());

export const listenerRows: readonly Row[] = [
  row(
    'listener quick kafkajs',
    'kafkajs eachMessage',
    QUICK,
    'handler returns at once, payload parsed',
    (broker) => runOurs(broker, QuickListener, QUICK),
    eachMessageQuick,
  ),
  row(
    'listener quick nest',
    "Nest's Kafka transport",
    QUICK,
    'handler returns at once, payload parsed',
    (broker) => runOurs(broker, QuickListener, QUICK),
    (broker) => runNest(broker, QUICK),
  ),
  row(
    'listener slow kafkajs',
    'kafkajs eachMessage',
    SLOW,
    'handler awaits 5 ms; ours in key order with 64 workers, the peer one record a partition at once',
    (broker) => runOurs(broker, SlowListener, SLOW),
    (broker) =>
      runKafkajs(broker, SLOW, async () => {
        await wait(5);
        finish.hit();
      }),
  ),
];
