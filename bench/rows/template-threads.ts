import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ContainerRegistry, KafkaModule, KafkaTemplate } from 'nestdaw';
import { BROKER_NAME, startBenchBroker } from '../bench-broker.js';
import { benchOptions } from '../options.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { CPU } from './send-rates.js';
import { ORDER_TOPIC, type SendOrder } from './send-work.js';
import { SendWorkerModule } from './send-worker.module.js';

// Four threads that send: by the application's producer, and each by its own.

const TOPIC = 'bench-sends';
const PARTITIONS = 12;
const THREADS = 4;
const { valueBytes } = benchOptions;

async function open(servers: string, perThread: boolean): Promise<INestApplicationContext> {
  @Module({
    imports: [
      KafkaModule.forRoot({
        threads: { module: new URL('./send-worker.module.js', import.meta.url) },
        properties: {
          'kafka.bootstrap-servers': servers,
          'kafka.consumer.auto-offset-reset': 'latest',
          'kafka.producer.per-thread': String(perThread),
          'bench.group': `bench-${randomUUID()}`,
          'bench.threads': String(THREADS),
        },
      }),
      SendWorkerModule,
    ],
  })
  class BenchModule {}
  const app = await NestFactory.create(BenchModule, { logger: false });
  return app.init();
}

async function run(app: INestApplicationContext, count: number, outstanding: number): Promise<Measured> {
  const container = app.get(ContainerRegistry).get('senders');
  const template = app.get<KafkaTemplate<SendOrder>>(KafkaTemplate);
  const finished = () => container.describe().consumers.reduce((sum, { counters }) => sum + counters.finished, 0);
  const wanted = finished() + THREADS;
  const order: SendOrder = { topic: TOPIC, count: count / THREADS, bytes: valueBytes, outstanding };
  const [start, before] = [performance.now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: THREADS }, () => template.send(ORDER_TOPIC, order)));
  while (finished() < wanted) await new Promise((resolve) => setTimeout(resolve, 2));
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { value: (count / ms) * 1_000, beside: { [CPU]: (user + system) / count } };
}

function row(name: string, goal: number, outstanding: number, count: number, how: string): Row {
  return {
    name,
    unit: 'sends/s',
    better: 'higher',
    peerName: 'a producer for each thread',
    goal,
    settings: `acks=all, ${valueBytes} B, ${PARTITIONS} partitions, ${BROKER_NAME}, ${THREADS} threads send ${count} records by the application's producer, ${how}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startBenchBroker([TOPIC, ORDER_TOPIC], PARTITIONS);
      if (!broker) return undefined;
      const shared = await open(broker.servers, false);
      const own = await open(broker.servers, true);
      return {
        ours: () => run(shared, count, outstanding),
        peer: () => run(own, count, outstanding),
        async close() {
          await shared.close();
          await own.close();
          await broker.stop();
        },
      };
    },
  };
}

export const templateThreadRows: readonly Row[] = [
  row('template threads', 0.5, 0, 200_000, 'as fast as ready() lets them'),
  row('template threads awaited', 0.5, 64, 80_000, '64 outstanding each'),
];
