import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import kafkajs from 'kafkajs';
import { KafkaModule, KafkaTemplate } from 'nestdaw';
import { BROKER_NAME, startBenchBroker } from '../bench-broker.js';
import { cpuSeconds } from '../broker/process-usage.js';
import { benchOptions } from '../options.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { SpringTemplate, springClassPath } from '../spring.js';
import { CPU, keyOf, rate, sendUnawaited } from './send-rates.js';

// Templates: single sends, awaited by so many callers as request handlers make them, and all of a source; beside
// kafkajs and beside Spring's template. One broker, 12 partitions, acks=all; --bytes and --kafka say which values,
// which broker.

const TOPIC = 'bench-sends';
const PARTITIONS = 12;
const VALUE_BYTES = benchOptions.valueBytes;
const VALUE = 'x'.repeat(VALUE_BYTES);
const MEGABYTE = 1024 * 1024;
const SETTINGS = `acks=all, ${VALUE_BYTES} B, ${PARTITIONS} partitions, ${BROKER_NAME}`;

interface Bench {
  readonly template: KafkaTemplate<string>;
  readonly producer: kafkajs.Producer;
  readonly servers: string;
  close(): Promise<void>;
}

async function open(): Promise<Bench | undefined> {
  const broker = await startBenchBroker([TOPIC], PARTITIONS);
  if (!broker) return undefined;
  const { servers } = broker;

  @Module({ imports: [KafkaModule.forRoot({ properties: { 'kafka.bootstrap-servers': servers } })] })
  class BenchModule {}
  const app: INestApplicationContext = await NestFactory.createApplicationContext(BenchModule, { logger: false });
  const template = app.get<KafkaTemplate<string>>(KafkaTemplate);
  const kafka = new kafkajs.Kafka({ brokers: [servers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return {
    template,
    producer,
    servers,
    async close() {
      await producer.disconnect();
      await app.close();
      await broker.stop();
    },
  };
}

/** kafkajs's way to many records: batches of 500, four calls at once. */
async function batches(producer: kafkajs.Producer, count: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (next < count) {
        const from = next;
        next += 500;
        const messages = Array.from({ length: 500 }, (_, i) => ({ key: keyOf(from + i), value: VALUE }));
        await producer.sendBatch({ topicMessages: [{ topic: TOPIC, messages }] });
      }
    }),
  );
  return (count / (performance.now() - started)) * 1000;
}

async function all(template: KafkaTemplate<string>, count: number): Promise<number> {
  function* values() {
    for (let i = 0; i < count; i++) yield VALUE;
  }
  let i = 0;
  const started = performance.now();
  await template.sendAll(TOPIC, values(), () => ({ key: keyOf(i++) }));
  return (count / (performance.now() - started)) * 1000;
}

/** The loop that waits for none, and what it took. */
async function unawaited(template: KafkaTemplate<string>, count: number): Promise<Measured> {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await sendUnawaited(template, TOPIC, VALUE, count);
  const value = (count / (performance.now() - started)) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { value, beside: { [CPU]: (user + system) / count } };
}

interface Duel {
  readonly name: string;
  readonly peerName: string;
  readonly goal: number;
  readonly settings: string;
  readonly ours: (bench: Bench) => Promise<number | Measured>;
  readonly peer: (bench: Bench) => Promise<number | Measured>;
}

function row({ name, peerName, goal, settings, ours, peer }: Duel): Row {
  return {
    name: `template ${name}`,
    unit: 'sends/s',
    better: 'higher',
    peerName,
    goal,
    settings: `${SETTINGS}, ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const bench = await open();
      if (!bench) return undefined;
      return { ours: () => ours(bench), peer: () => peer(bench), close: () => bench.close() };
    },
  };
}

function single(outstanding: number, goal: number, oursCount: number, peerCount: number): Row {
  return row({
    name: `send ${outstanding}`,
    peerName: 'kafkajs send',
    goal,
    settings: `single sends, ${outstanding} outstanding, linger 0`,
    ours: ({ template }) => rate((i) => template.send(TOPIC, keyOf(i), VALUE), outstanding, oursCount),
    peer: ({ producer }) =>
      rate((i) => producer.send({ topic: TOPIC, messages: [{ key: keyOf(i), value: VALUE }] }), outstanding, peerCount),
  });
}

const sendAgainstBatches = row({
  name: 'send 1000 against batches',
  peerName: 'kafkajs sendBatch 500 x 4',
  goal: 1.3,
  settings: 'ours: single sends, 1,000 outstanding',
  ours: ({ template }) => rate((i) => template.send(TOPIC, keyOf(i), VALUE), 1_000, 150_000),
  peer: ({ producer }) => batches(producer, 60_000),
});

const sendAll = row({
  name: 'sendAll',
  peerName: 'kafkajs sendBatch 500 x 4',
  goal: 3,
  settings: 'ours: sendAll of a generator',
  ours: ({ template }) => all(template, 400_000),
  peer: ({ producer }) => batches(producer, 60_000),
});

/** Memory of a million sends with back-pressure; the peer's figure is the limit. */
const memory: Row = {
  name: 'template memory',
  unit: 'MB',
  better: 'lower',
  peerName: 'the limit, buffer.memory + 64 MB',
  goal: 1,
  settings: `${SETTINGS}, 1,000,000 sends with ready() before each, growth of the process's memory at its highest`,
  async prepare() {
    const bench = await open();
    if (!bench) return undefined;
    const { template } = bench;
    const limit = template.metrics()['buffer-total-bytes']! / MEGABYTE + 64;
    return {
      async ours() {
        global.gc?.();
        const before = process.memoryUsage().rss;
        let highest = 0;
        for (let i = 0; i < 1_000_000; i++) {
          if (!template.isReady) await template.ready();
          template.sendOneway(TOPIC, keyOf(i), VALUE);
          if (i % 5_000 === 0) highest = Math.max(highest, process.memoryUsage().rss - before);
        }
        await template.flush();
        return Math.max(1, highest / MEGABYTE);
      },
      peer: () => Promise.resolve(limit),
      close: () => bench.close(),
    };
  },
};

/** Reading the configuration in a process that has just started; the peer's figure is the limit. */
const configuration: Row = {
  name: 'template configuration',
  unit: 'ms',
  better: 'lower',
  peerName: 'the limit',
  goal: 1,
  settings:
    'first call in a fresh process: all sources read, the whole table bound, every name judged, a file of 50 lines',
  prepare: () =>
    Promise.resolve({
      ours: () => Promise.resolve(configurationMs()),
      peer: () => Promise.resolve(15),
      close: () => Promise.resolve(),
    }),
};

function configurationMs(): Measured {
  const program = `
    import { loadConfiguration } from '${pathToFileURL('dist/esm/runtime/config/load-configuration.js').href}';
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    loadConfiguration({ cwd: 'samples/hello' });
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ value: performance.now() - started, beside: { 'CPU ms': (user + system) / 1000 } }));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(printed) as Measured;
}

/** Beside Spring's template: a virtual machine that has just started for each round, or one for all. */
function beside(kind: 'cold' | 'warm', goal: number): Row {
  const count = 200_000;
  return {
    name: `spring template ${kind}`,
    unit: 'sends/s',
    better: 'higher',
    peerName: `KafkaTemplate of Spring, ${kind}`,
    goal,
    settings: `${SETTINGS}, ${count} sends without waiting for each, linger 0 and Kafka's 5 ms`,
    async prepare() {
      const classPath = await springClassPath();
      if (classPath === undefined) return undefined;
      const bench = await open();
      if (!bench) return undefined;
      const start = () => new SpringTemplate(classPath, bench.servers, TOPIC, VALUE_BYTES);
      const kept = kind === 'warm' ? start() : undefined;
      for (let i = 0; kept && i < 4; i++) await kept.send(count);
      return {
        ours: () => unawaited(bench.template, count),
        async peer() {
          const spring = kept ?? start();
          await spring.ready();
          const cpu = cpuSeconds(spring.pid);
          const ms = await spring.send(count);
          const beside = { [CPU]: ((cpuSeconds(spring.pid) - cpu) * 1e6) / count };
          if (!kept) await spring.close();
          return { value: (count / ms) * 1000, beside };
        },
        async close() {
          await kept?.close();
          await bench.close();
        },
      };
    },
  };
}

export const templateRows: readonly Row[] = [
  single(1_000, 20, 150_000, 8_000),
  sendAgainstBatches,
  single(64, 5, 80_000, 8_000),
  single(1, 1, 10_000, 10_000),
  sendAll,
  memory,
  configuration,
  beside('cold', 1),
  beside('warm', 0.5),
];
