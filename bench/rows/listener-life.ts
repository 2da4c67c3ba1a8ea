import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Controller, type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { ContainerRegistry, KafkaListener, type KafkaRecord, Record } from 'nestdaw';
import { BROKER_NAME, type Servers } from '../bench-broker.js';
import { type Contest, type Row } from '../row.js';
import { Drain } from './drain.js';
import { openListeners } from './listener-app.js';
import { startRaw } from './listener-raw.js';

// What a listener does to the process around it, and how long it takes to begin and to share: event-loop delay under
// full load, start to the first record, rebalances of groups of several sizes.

const TOPIC = 'bench-raw';
const LOAD = 300_000;
/** Of the topic that groups share. */
const PARTITIONS = 64;
const HEARTBEAT_MS = 500;
/** So that the others are somewhere between two heartbeats when one more joins. */
const SETTLE_MS = 750;
const drain = new Drain();

@Injectable()
class QuickListener {
  @KafkaListener({ id: 'quick', topics: TOPIC, groupId: '${bench.group}', concurrency: '${bench.members}' })
  handle(@Record() _record: KafkaRecord): void {
    drain.hit(1);
  }
}

@Controller()
class NestController {
  @EventPattern(TOPIC)
  handle(_payload: unknown): void {
    drain.hit(1);
  }
}

const openOurs = (broker: Servers, group: string, members = 1): Promise<INestApplicationContext> =>
  openListeners(broker, [QuickListener], {
    'kafka.consumer.heartbeat-interval': `${HEARTBEAT_MS}ms`,
    'bench.group': group,
    'bench.members': String(members),
  });

function kafkajsConsumer(broker: Servers, groupId: string): kafkajs.Consumer {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  return kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: HEARTBEAT_MS });
}

/** p99 of what timers come late while a full topic is read, ms. */
async function loopDelay(read: () => Promise<void>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await read();
  delays.disable();
  return delays.percentile(99) / 1e6;
}

async function drainOurs(broker: Servers): Promise<void> {
  const done = drain.expect(LOAD);
  const app = await openOurs(broker, randomUUID());
  await done;
  await app.close();
}

async function drainKafkajs(broker: Servers): Promise<void> {
  const consumer = kafkajsConsumer(broker, randomUUID());
  const done = drain.expect(LOAD);
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    eachMessage: () => {
      drain.hit(1);
      return Promise.resolve();
    },
  });
  await done;
  await consumer.disconnect();
}

/** From the call that makes the application to its handler's first record, ms. */
async function firstOfOurs(broker: Servers): Promise<number> {
  const started = performance.now();
  const done = drain.expect(1);
  const app = await openOurs(broker, randomUUID());
  await done;
  const ms = performance.now() - started;
  await app.close();
  return ms;
}

async function firstOfNest(broker: Servers): Promise<number> {
  @Module({ controllers: [NestController] })
  class NestModule {}
  const started = performance.now();
  const done = drain.expect(1);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(NestModule, {
    logger: false,
    transport: Transport.KAFKA,
    options: {
      client: { brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING },
      consumer: { groupId: randomUUID(), maxWaitTimeInMs: 100 },
      subscribe: { fromBeginning: true },
    },
  });
  await app.listen();
  await done;
  const ms = performance.now() - started;
  await app.close();
  return ms;
}

/** From the start of one more member to its partitions, ms, in a group of so many. */
async function rebalanceOfOurs(broker: Servers, members: number): Promise<number> {
  const group = randomUUID();
  const app = await openOurs(broker, group, members - 1);
  const registry = app.get(ContainerRegistry);
  await owned(() => registry.get('quick').assignment().length);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const started = performance.now();
  const last = await openOurs(broker, group);
  const joined = last.get(ContainerRegistry);
  await owned(() => (joined.get('quick').assignment().length > 0 ? PARTITIONS : 0));
  const ms = performance.now() - started;
  await last.close();
  await app.close();
  return ms;
}

async function owned(count: () => number): Promise<void> {
  while (count() < PARTITIONS) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function rebalanceOfKafkajs(broker: Servers, members: number): Promise<number> {
  const group = randomUUID();
  const open = async () => {
    const consumer = kafkajsConsumer(broker, group);
    let partitions = 0;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      partitions = (payload.memberAssignment[TOPIC] ?? []).length;
    });
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    return { consumer, partitions: () => partitions };
  };
  const first = await Promise.all(Array.from({ length: members - 1 }, open));
  await owned(() => first.reduce((sum, { partitions }) => sum + partitions(), 0));
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const started = performance.now();
  const last = await open();
  await owned(() => (last.partitions() > 0 ? PARTITIONS : 0));
  const ms = performance.now() - started;
  await Promise.all([last, ...first].map(({ consumer }) => consumer.disconnect()));
  return ms;
}

interface Sides {
  readonly ours: (broker: Servers) => Promise<number>;
  readonly peer: (broker: Servers) => Promise<number>;
}

function lifeRow(name: string, unit: string, peerName: string, settings: string, records: number, sides: Sides): Row {
  return {
    name: `listener ${name}`,
    unit,
    better: 'lower',
    peerName,
    goal: 1,
    settings: `${settings}, ${BROKER_NAME}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startRaw(records, 100, records === 0 ? PARTITIONS : undefined);
      if (!broker) return undefined;
      return { ours: () => sides.ours(broker), peer: () => sides.peer(broker), close: () => broker.stop() };
    },
  };
}

export const listenerLifeRows: readonly Row[] = [
  lifeRow(
    'loop delay',
    'ms, p99 of the event loop',
    'kafkajs eachMessage',
    `${LOAD} records of 100 B are read as fast as can be, the handler returns at once`,
    LOAD,
    { ours: (broker) => loopDelay(() => drainOurs(broker)), peer: (broker) => loopDelay(() => drainKafkajs(broker)) },
  ),
  lifeRow(
    'first record',
    'ms',
    "Nest's Kafka transport",
    'from the call that makes the application to the first record in its handler; a new group, the topic filled before',
    1_000,
    { ours: firstOfOurs, peer: firstOfNest },
  ),
  ...[2, 10, 50].map((members) =>
    lifeRow(
      `rebalance ${members}`,
      'ms',
      'kafkajs',
      `from the start of the last of ${members} members to its partitions; one topic of ${PARTITIONS} partitions, idle; heartbeats every ${HEARTBEAT_MS} ms, all members in one process`,
      0,
      {
        ours: (broker) => rebalanceOfOurs(broker, members),
        peer: (broker) => rebalanceOfKafkajs(broker, members),
      },
    ),
  ),
];
