import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type MicroserviceOptions, Payload as NestPayload, Transport } from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { KafkaListener, Payload } from 'nestdaw';
import { type BenchBroker, BROKER_NAME, type Servers, startBenchBroker } from '../bench-broker.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { Drain } from './drain.js';
import { drainThrough } from './listener-app.js';

// Listeners: how fast records of a filled topic reach a handler, and how much a pool of lanes helps slow handlers.

const TOPIC = 'bench-orders';
const PARTITIONS = 4;

const drain = new Drain();
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

@Injectable()
class QuickListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

@Injectable()
class SlowListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', order: 'key', workers: 64, ackMode: 'TIME' })
  async handle(@Payload() _order: unknown): Promise<void> {
    await wait(5);
    drain.hit(1);
  }
}

@Controller()
class NestController {
  @EventPattern(TOPIC)
  handle(@NestPayload() _order: unknown): void {
    drain.hit(1);
  }
}

/** A broker with the topic of the orders in it, filled; undefined, said aloud, where it cannot be had. */
export async function startOrders(count: number): Promise<BenchBroker | undefined> {
  const broker = await startBenchBroker([TOPIC], PARTITIONS);
  if (broker) await fillOrders(broker, count);
  return broker;
}

async function fillOrders(broker: Servers, count: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
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

async function runKafkajs(broker: Servers, count: number, handle: () => void | Promise<void>): Promise<Measured> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const done = drain.expect(count);
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    eachMessage: async ({ message }) => {
      JSON.parse(message.value!.toString());
      await handle();
    },
  });
  const measured = await done;
  await consumer.disconnect();
  return measured;
}

async function runNest(broker: Servers, count: number): Promise<Measured> {
  @Module({ controllers: [NestController] })
  class NestModule {}
  const done = drain.expect(count);
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
  const measured = await done;
  await app.close();
  return measured;
}

function row(
  name: string,
  peerName: string,
  count: number,
  settings: string,
  ours: (broker: Servers) => Promise<Measured>,
  peer: (broker: Servers) => Promise<Measured>,
): Row {
  return {
    name,
    unit: 'records/s',
    better: 'higher',
    peerName,
    goal: 1,
    settings: `${count} JSON records of about 100 B, ${PARTITIONS} partitions, ${BROKER_NAME}, ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startOrders(count);
      if (!broker) return undefined;
      return { ours: () => ours(broker), peer: () => peer(broker), close: () => broker.stop() };
    },
  };
}

const QUICK = 100_000;
const SLOW = 5_000;
const eachMessageQuick = (broker: Servers) => runKafkajs(broker, QUICK, () => drain.hit(1));

export const listenerRows: readonly Row[] = [
  row(
    'listener quick kafkajs',
    'kafkajs eachMessage',
    QUICK,
    'handler returns at once, payload parsed',
    (broker) => drainThrough(drain, QUICK, broker, [QuickListener]),
    eachMessageQuick,
  ),
  row(
    'listener quick nest',
    "Nest's Kafka transport",
    QUICK,
    'handler returns at once, payload parsed',
    (broker) => drainThrough(drain, QUICK, broker, [QuickListener]),
    (broker) => runNest(broker, QUICK),
  ),
  row(
    'listener slow kafkajs',
    'kafkajs eachMessage',
    SLOW,
    'handler awaits 5 ms; ours in key order with 64 workers, the peer one record a partition at once',
    (broker) => drainThrough(drain, SLOW, broker, [SlowListener]),
    (broker) =>
      runKafkajs(broker, SLOW, async () => {
        await wait(5);
        drain.hit(1);
      }),
  ),
];
