import 'reflect-metadata';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientKafka,
  MessagePattern,
  type MicroserviceOptions,
  Payload as NestPayload,
  Transport,
} from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { KafkaListener, KafkaModule, provideReplyingKafkaTemplate, ReplyingKafkaTemplate, SendTo } from 'nestdaw';
import { firstValueFrom } from 'rxjs';
import { BROKER_NAME, startBenchBroker } from '../bench-broker.js';
import { benchOptions } from '../options.js';
import { type Measured, type Row } from '../row.js';

// Requests and replies, many at once: from one application to itself and back, over two topics.

/** Of each round: both sides get the same time to become warm, however many requests they make of it. */
const SECONDS = 4;
const OUTSTANDING = 64;
const BYTES = benchOptions.valueBytes;
const VALUE = { text: 'x'.repeat(BYTES - JSON.stringify({ text: '' }).length) };

/** Asks for SECONDS, OUTSTANDING at once; requests per second, and how long one took. */
async function exchange(ask: (i: number) => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  let next = 0;
  const started = performance.now();
  const end = started + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: OUTSTANDING }, async () => {
      for (let asked = performance.now(); asked < end; asked = performance.now()) {
        await ask(next++);
        times.push(performance.now() - asked);
      }
    }),
  );
  const value = (times.length / (performance.now() - started)) * 1000;
  times.sort((a, b) => a - b);
  return { value, beside: { 'p50 ms': times[times.length >> 1]!, 'p99 ms': times[Math.floor(times.length * 0.99)]! } };
}

const reply: Row = {
  name: 'template reply',
  unit: 'requests/s',
  better: 'higher',
  peerName: "Nest's ClientKafka.send",
  goal: 5,
  settings: `acks=all, ${BYTES} B of JSON each way, ${OUTSTANDING} requests outstanding for ${SECONDS} s, 4 partitions, ${BROKER_NAME}, ours with as many workers in key order`,
  async prepare() {
    const topics = ['requests', 'answers', 'nest.requests', 'nest.requests.reply'];
    const broker = await startBenchBroker(topics, 4);
    if (!broker) return undefined;
    const brokers = [broker.servers];

    @Injectable()
    class Echo {
      @KafkaListener({ topics: 'requests', groupId: 'echo', workers: OUTSTANDING, order: 'key' })
      @SendTo()
      echo(value: unknown) {
        return value;
      }
    }
    @Module({
      imports: [KafkaModule.forRoot({ properties: { 'kafka.bootstrap-servers': broker.servers } })],
      providers: [Echo, provideReplyingKafkaTemplate({ replyTopic: 'answers' })],
    })
    class OurModule {}
    const ours = await NestFactory.createApplicationContext(OurModule, { logger: false });
    const template = ours.get(ReplyingKafkaTemplate);
    await template.ready();

    @Controller()
    class NestEcho {
      @MessagePattern('nest.requests')
      echo(@NestPayload() value: unknown) {
        return value;
      }
    }
    @Module({ controllers: [NestEcho] })
    class NestModule {}
    const client = { brokers, logLevel: kafkajs.logLevel.NOTHING };
    const options: MicroserviceOptions = {
      transport: Transport.KAFKA,
      options: { client, consumer: { groupId: 'nest' } },
    };
    const theirs = await NestFactory.createMicroservice<MicroserviceOptions>(NestModule, { ...options, logger: false });
    await theirs.listen();
    const asking = new ClientKafka({ client, consumer: { groupId: 'nest-asks' } });
    asking.subscribeToResponseOf('nest.requests');
    await asking.connect();
    return {
      ours: () => exchange((i) => template.request('requests', VALUE, { key: `key-${i}`, timeoutMs: 60_000 })),
      peer: () => exchange((i) => firstValueFrom(asking.send('nest.requests', { key: `key-${i}`, value: VALUE }))),
      async close() {
        await asking.close();
        await theirs.close();
        await ours.close();
        await broker.stop();
      },
    };
  },
};

export const replyRows: readonly Row[] = [reply];
