import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateTopics, DeleteTopics, Metadata } from '../../src/protocol/messages/index.js';
import { apacheKafka } from '../apache-kafka.js';
import { startBrokerProcess } from '../broker-process.js';
import { ask } from './frames.js';
import { cpuSeconds } from './process-usage.js';
import { RawConnection } from './raw-connection.js';

// Our broker and Apache Kafka side by side, each a process of its own on a folder of its own, for all rows of a run.

export interface Side {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Arena {
  readonly ours: Side;
  readonly peer: Side;
}

let arena: Promise<Arena | undefined> | undefined;

/** Undefined, said aloud, where Java or Maven is missing. */
export function theArena(): Promise<Arena | undefined> {
  arena ??= open();
  return arena;
}

export async function closeArena(): Promise<void> {
  const sides = await arena;
  arena = undefined;
  if (sides) await Promise.all([sides.ours.stop(), sides.peer.stop()]);
}

async function open(): Promise<Arena | undefined> {
  const kafka = await apacheKafka();
  if (!kafka) return undefined;
  const [ours, peer] = await Promise.all([startOurs(), startPeer(kafka)]);
  // A row that fails must not leave them behind.
  process.once('exit', () => {
    for (const { pid } of arena === undefined ? [] : [ours, peer]) process.kill(pid, 'SIGKILL');
  });
  return { ours, peer };
}

async function startOurs(): Promise<Side> {
  const broker = await startBrokerProcess();
  const port = Number(broker.bootstrapServers.split(':')[1]);
  return { name: 'ours', port, pid: broker.pid, stop: () => broker.stop() };
}

async function startPeer(kafka: NonNullable<Awaited<ReturnType<typeof apacheKafka>>>): Promise<Side> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kafka-bench-'));
  const port = await kafka.freePort();
  const node = await kafka.startKafka({ port, dataDir });
  await untilReady(port);
  return {
    name: 'Apache Kafka',
    port,
    pid: node.pid,
    async stop() {
      await node.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A node that listens may not know itself yet. */
async function untilReady(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const connection = await RawConnection.connect(port);
    const { brokers } = await ask(connection, Metadata, 8, { topics: [] });
    connection.close();
    if (brokers.length > 0) return;
    await delay(100);
  }
  throw new Error(`port ${port}: no broker is known after 30 s`);
}

let topics = 0;

/** Runs `work` with a fresh topic whose partitions all have a leader, and deletes it afterwards. */
export async function withTopic<T>(
  { port }: Side,
  partitions: number,
  config: Readonly<Record<string, string>>,
  work: (topic: string, connection: RawConnection) => Promise<T>,
): Promise<T> {
  const connection = await RawConnection.connect(port);
  const name = `bench-${++topics}`;
  try {
    await createTopic(connection, name, partitions, { 'file.delete.delay.ms': '0', ...config });
    return await work(name, connection);
  } finally {
    await ask(connection, DeleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 });
    connection.close();
  }
}

export async function createTopic(
  connection: RawConnection,
  name: string,
  numPartitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs };
  const { topics: created } = await ask(connection, CreateTopics, 5, { topics: [topic], validateOnly: false });
  if (created[0]!.errorCode !== 0) throw new Error(`${name}: ${created[0]!.errorMessage}`);
  await untilLed(connection, name, numPartitions);
}

export async function untilLed(connection: RawConnection, name: string, numPartitions: number): Promise<void> {
  for (;;) {
    const { topics: found } = await ask(connection, Metadata, 8, { topics: [{ name }], allowAutoTopicCreation: false });
    const partitions = found[0]?.partitions ?? [];
    if (partitions.length === numPartitions && partitions.every(({ leaderId }) => leaderId >= 0)) return;
    await delay(5);
  }
}

/** CPU seconds that a side takes for some work, per unit of it. */
export async function withCpu(side: Side, work: () => Promise<number>): Promise<{ result: number; cpu: number }> {
  const before = cpuSeconds(side.pid);
  const result = await work();
  return { result, cpu: cpuSeconds(side.pid) - before };
}
