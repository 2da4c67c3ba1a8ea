import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import kafkajs from 'kafkajs';
import { KafkaListener, KafkaModule, type KafkaRecord, KafkaTemplate, Record, Transactional } from 'nestdaw';
import { BROKER_NAME, startBenchBroker } from '../bench-broker.js';
import { type Measured, type Row } from '../row.js';
import { springContest } from '../spring-contest.js';

// Consume, transform, produce: a batch listener copies a topic into another one, in transactions of a given size.

const PARTITIONS = 4;
const VALUE = Buffer.alloc(100, 'x');
let groups = 0;

function copying(perTransaction: number, count: number): Row {
  return {
    name: `transaction copy ${perTransaction}`,
    unit: 'records/s',
    better: 'higher',
    peerName: 'spring-kafka, warm JVM',
    goal: 1,
    settings: `consume-transform-produce, ${perTransaction} records a transaction, ${count} records of 100 B, ${PARTITIONS} partitions, one consumer with a batch listener each, read_committed, linger.ms=0, ${BROKER_NAME}`,
    async prepare() {
      const broker = await startBenchBroker(['input', 'output'], PARTITIONS);
      if (!broker) return undefined;
      const { bootstrapServers } = broker;
      await fill(bootstrapServers, count);
      return springContest({
        broker,
        program: ['TransactionCopy', [bootstrapServers, 'input', 'output', String(count), String(perTransaction)]],
        question: () => `spring-${++groups}`,
        warmUp: 4,
        ours: () => copyOnce(bootstrapServers, perTransaction, count),
      });
    },
  };
}

/** Records per second and CPU of each, from the first batch to the end of the last one, as the peer measures it. */
async function copyOnce(bootstrapServers: string, perTransaction: number, count: number): Promise<Measured> {
  let seen = 0;
  let first = 0;
  let last = 0;
  let cpu = process.cpuUsage();
  let end!: () => void;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  @Injectable()
  class Copier {
    constructor(readonly template: KafkaTemplate) {}

    @KafkaListener({ topics: 'input', groupId: `ours-${++groups}`, batch: true })
    @Transactional('kafka')
    async copy(@Record() records: KafkaRecord[]): Promise<void> {
      if (seen === 0) {
        first = performance.now();
        cpu = process.cpuUsage();
      }
      for (const { key, value } of records) void this.template.send('output', key, value);
      seen += records.length;
      last = performance.now();
      if (seen < count) return;
      cpu = process.cpuUsage(cpu);
      end();
    }
  }
  const properties = {
    'kafka.bootstrap-servers': bootstrapServers,
    'kafka.producer.transaction-id-prefix': `ours-${process.pid}-`,
    'kafka.producer.properties.linger.ms': '0',
    'kafka.consumer.auto-offset-reset': 'earliest',
    'kafka.consumer.isolation-level': 'read_committed',
    'kafka.consumer.max-poll-records': String(perTransaction),
  };
  @Module({ imports: [KafkaModule.forRoot({ properties })], providers: [Copier] })
  class CopyModule {}
  const app = await NestFactory.createApplicationContext(CopyModule, { logger: false });
  await done;
  await app.close();
  return { value: (count / (last - first)) * 1000, beside: { 'CPU µs/record': (cpu.user + cpu.system) / count } };
}

async function fill(bootstrapServers: string, count: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  for (let from = 0; from < count; from += 1_000) {
    const messages = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => ({
      key: `key-${from + index}`,
      value: VALUE,
    }));
    await producer.send({ topic: 'input', messages });
  }
  await producer.disconnect();
}

export const transactionRows: readonly Row[] = [copying(100, 40_000), copying(1_000, 200_000)];
