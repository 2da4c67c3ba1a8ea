import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import kafkajs from 'kafkajs';
import { KafkaModule, KafkaTemplate } from 'nestdaw';
import { startBrokerProcess } from '../broker-process.js';
import { type Row } from '../row.js';

// Templates: awaited single sends, many at once, as request handlers make them.

const TOPIC = 'bench-sends';
const COUNT = 20_000;
const OUTSTANDING = 256;

/** Calls `send` COUNT times, OUTSTANDING at once; returns sends per second. */
async function rate(send: (i: number) => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: OUTSTANDING }, async () => {
      while (next < COUNT) await send(next++);
    }),
  );
  return (COUNT / (performance.now() - started)) * 1000;
}

const send: Row = {
  name: 'template send',
  unit: 'sends/s',
  better: 'higher',
  peerName: 'kafkajs producer.send',
  goal: 1,
  settings: `acks=all, one record of 100 B a call, ${OUTSTANDING} calls outstanding, ${COUNT} calls, 4 partitions, linger 0`,
  async prepare() {
    const broker = await startBrokerProcess({ 'num.partitions': '4' });
    const value = 'x'.repeat(100);

    @Module({ imports: [KafkaModule.forRoot({ properties: { 'kafka.bootstrap-servers': broker.bootstrapServers } })] })
    class BenchModule {}
    const app: INestApplicationContext = await NestFactory.createApplicationContext(BenchModule, { logger: false });
    const template = app.get<KafkaTemplate<string>>(KafkaTemplate);
    const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    return {
      ours: () => rate((i) => template.send(TOPIC, `key-${i % 1000}`, value)),
      peer: () => rate((i) => producer.send({ topic: TOPIC, messages: [{ key: `key-${i % 1000}`, value }] })),
      async close() {
        await producer.disconnect();
        await app.close();
        await broker.stop();
      },
    };
  },
};

export const templateRows: readonly Row[] = [send];
