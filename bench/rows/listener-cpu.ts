import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import kafkajs from 'kafkajs';
import { ContainerRegistry, KafkaModule } from 'nestdaw';
import { BROKER_NAME, type Servers, startBenchBroker } from '../bench-broker.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { runBare } from './cpu-bare.js';
import { CPU_TOPIC, compute, hashesFor } from './cpu-work.js';
import { CpuWorkerModule } from './cpu-worker.module.js';

// Handlers that compute: what threads gain, and what handing a record to one costs.

const PARTITIONS = 2;
const CPU_MS = 5;
const SLOW = 800;
const QUICK = 100_000;

interface Setup {
  readonly threads: number;
  readonly workers: number;
  readonly hashes: number;
  /** False: the handlers run in the event loop, as lanes. */
  readonly isThreaded?: boolean;
}

async function fill(broker: Servers, count: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let sent = 0; sent < count; sent += 1_000) {
    const messages = Array.from({ length: Math.min(1_000, count - sent) }, (_, i) => ({
      key: `customer-${(sent + i) % 997}`,
      value: JSON.stringify({ id: sent + i, note: 'x'.repeat(70) }),
    }));
    await producer.send({ topic: CPU_TOPIC, messages });
  }
  await producer.disconnect();
}

async function runOurs(broker: Servers, count: number, setup: Setup): Promise<Measured> {
  const { threads, workers, hashes, isThreaded = true } = setup;
  @Module({
    imports: [
      KafkaModule.forRoot({
        threads: { module: new URL('./cpu-worker.module.js', import.meta.url) },
        properties: {
          'kafka.bootstrap-servers': broker.bootstrapServers,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'kafka.listener.threads-enabled': String(isThreaded),
          'bench.group': `bench-${randomUUID()}`,
          'bench.threads': String(threads),
          'bench.workers': String(workers),
          'bench.hashes': String(hashes),
        },
      }),
      CpuWorkerModule,
    ],
  })
  class BenchModule {}
  const app = await NestFactory.create(BenchModule, { logger: false });
  const container = (await app.init()).get(ContainerRegistry).get('pooled');
  const finished = (): number =>
    container.describe().consumers.reduce((sum, { counters }) => sum + counters.finished, 0);
  // Seldom: where all processors compute, each look takes from the work itself.
  const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  while (finished() === 0) await tick();
  const [from, start, before] = [finished(), performance.now(), process.cpuUsage()];
  while (finished() < count) await tick();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  await app.close();
  const records = count - from;
  return { value: (records / ms) * 1_000, beside: { 'CPU µs/record': (user + system) / records } };
}

async function runKafkajs(broker: Servers, count: number, hashes: number): Promise<Measured> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: CPU_TOPIC, fromBeginning: true });
  let left = count;
  let start = 0;
  let before = process.cpuUsage();
  const ended = new Promise<number>((resolve) => {
    void consumer.run({
      partitionsConsumedConcurrently: PARTITIONS,
      eachMessage: ({ message }) => {
        if (start === 0) {
          start = performance.now();
          before = process.cpuUsage();
        }
        JSON.parse(message.value!.toString());
        compute(hashes);
        if (--left === 0) resolve(performance.now() - start);
        return Promise.resolve();
      },
    });
  });
  const ms = await ended;
  const { user, system } = process.cpuUsage(before);
  await consumer.disconnect();
  return { value: (count / ms) * 1_000, beside: { 'CPU µs/record': (user + system) / count } };
}

interface Sides {
  readonly ours: (broker: Servers, hashes: number) => Promise<Measured>;
  readonly peer: (broker: Servers, hashes: number) => Promise<Measured>;
}

function row(
  name: string,
  peerName: string,
  goal: number,
  count: number,
  settings: string,
  { ours, peer }: Sides,
): Row {
  return {
    name,
    unit: 'records/s',
    better: 'higher',
    peerName,
    goal,
    settings: `${count} JSON records of about 100 B, ${PARTITIONS} partitions, filled before, ${BROKER_NAME}, ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startBenchBroker([CPU_TOPIC], PARTITIONS);
      if (!broker) return undefined;
      await fill(broker, count);
      const hashes = hashesFor(CPU_MS);
      return {
        ours: () => ours(broker, hashes),
        peer: () => peer(broker, hashes),
        close: () => broker.stop(),
      };
    },
  };
}

/** What the machine itself gives to so many threads; with more workers than threads a record waits in each of these. */
function bareRow(threads: number, workers: number): Row {
  const settings = `${CPU_MS} ms of CPU a record, ${workers} worker(s); the peer computes the same with nothing around it`;
  return row(`listener cpu bare ${threads} of ${workers}`, `${threads} bare thread(s)`, 0.95, SLOW, settings, {
    ours: (broker, hashes) => runOurs(broker, SLOW, { threads, workers, hashes }),
    peer: (_broker, hashes) => runBare(threads, SLOW, hashes),
  });
}

/** Two workers for each thread, as the guide has it: while a record is computed the next one waits in the thread. */
const own = (threads: number) => (broker: Servers, hashes: number) =>
  runOurs(broker, SLOW, { threads, workers: threads * 2, hashes });

/** Beside it what so many bare threads do right then: no more than the machine gives can be had. */
const besideBare = (threads: number) => async (broker: Servers, hashes: number) => {
  const { value, beside } = await own(threads)(broker, hashes);
  const bare = await runBare(threads, SLOW, hashes);
  return { value, beside: { ...beside, 'as many bare threads, records/s': bare.value } };
};

export const listenerCpuRows: readonly Row[] = [
  row(
    'listener cpu threads',
    'one thread',
    1.8,
    SLOW,
    `${CPU_MS} ms of CPU a record, two workers for each thread; two threads against one`,
    {
      ours: besideBare(2),
      peer: besideBare(1),
    },
  ),
  ...[1, 2].flatMap((threads) => [bareRow(threads, threads), bareRow(threads, threads * 2)]),
  row('listener cpu kafkajs', 'kafkajs eachMessage', 1.8, SLOW, `${CPU_MS} ms of CPU a record; ours with two threads`, {
    ours: own(2),
    peer: (broker, hashes) => runKafkajs(broker, SLOW, hashes),
  }),
  row(
    'listener cpu hand-off',
    'lanes',
    0.1,
    QUICK,
    'a handler that returns at once, 64 workers; one thread against lanes',
    {
      ours: (broker) => runOurs(broker, QUICK, { threads: 1, workers: 64, hashes: 0 }),
      peer: (broker) => runOurs(broker, QUICK, { threads: 1, workers: 64, hashes: 0, isThreaded: false }),
    },
  ),
];
