import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeResponsePayload } from '../../src/protocol/frame.js';
import {
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  Fetch,
  ListOffsets,
  Metadata,
} from '../../src/protocol/messages/index.js';
import { apacheKafka, type KafkaScript } from '../apache-kafka.js';
import { createTopic, type Side } from '../broker/arena.js';
import { ask, batchOf, checkProduced, frameOf, produceFrame, untilProduced } from '../broker/frames.js';
import { residentMegabytes } from '../broker/process-usage.js';
import { pump, RawConnection } from '../broker/raw-connection.js';
import { startBrokerProcess } from '../broker-process.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { allowance } from './allowance.js';
import { duel } from './broker-throughput.js';

// What the broker costs around its work: start, memory, many partitions, and coming back after a kill.

/** A broker of either kind that can be started on a folder, killed and started again. */
interface Starter {
  start(): Promise<RunningNode>;
  remove(): void;
}

interface RunningNode {
  readonly port: number;
  readonly pid: number;
  end(signal: NodeJS.Signals): Promise<void>;
}

function ourStarter(): Starter {
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-bench-'));
  return {
    async start() {
      const broker = await startBrokerProcess({}, dataDir);
      const port = Number(broker.bootstrapServers.split(':')[1]);
      return { port, pid: broker.pid, end: (signal) => broker.stop(signal) };
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

function peerStarter(kafka: KafkaScript): Starter {
  const dataDir = mkdtempSync(join(tmpdir(), 'kafka-bench-'));
  return {
    async start() {
      const port = await kafka.freePort();
      const node = await kafka.startKafka({ port, dataDir });
      return { port, pid: node.pid, end: (signal) => node.stop(signal) };
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** A row whose rounds start brokers of their own. */
function withStarters(
  row: Omit<Row, 'prepare' | 'peerName' | 'better'>,
  measure: (starter: Starter) => Promise<number | Measured>,
  prepare: (starter: Starter) => Promise<void> = () => Promise.resolve(),
): Row {
  return {
    ...row,
    better: 'lower',
    peerName: 'Apache Kafka 4.3.1',
    async prepare(): Promise<Contest | undefined> {
      const kafka = await apacheKafka();
      if (!kafka) return undefined;
      const [ours, peer] = [ourStarter(), peerStarter(kafka)];
      await prepare(ours);
      await prepare(peer);
      return {
        ours: () => measure(ours),
        peer: () => measure(peer),
        close: async () => {
          ours.remove();
          peer.remove();
        },
      };
    },
  };
}

async function answered(port: number): Promise<void> {
  for (;;) {
    const connection = await RawConnection.connect(port);
    const request = { clientSoftwareName: 'bench', clientSoftwareVersion: '1' };
    const { errorCode } = await ask(connection, ApiVersions, 3, request);
    connection.close();
    if (errorCode === 0) return;
  }
}

const start = withStarters(
  {
    name: 'broker start',
    unit: 'ms',
    goal: 1,
    settings: 'from exec to the first answer, on a folder that was formatted and stopped before',
  },
  async (starter) => {
    const started = performance.now();
    const node = await starter.start();
    await answered(node.port);
    const ms = performance.now() - started;
    await node.end('SIGTERM');
    const before = performance.now();
    execFileSync(process.execPath, ['-e', '0']);
    return { value: ms, beside: { 'node -e 0, ms': performance.now() - before } };
  },
);

/** Prints how long a start in a fresh process takes, its modules loaded. */
const START_INSIDE = `
  const { Broker } = require('./dist/cjs/broker/index.js');
  const from = performance.now();
  Broker.start({ port: 0, dataDir: process.argv[1] }).then((broker) => {
    console.log(performance.now() - from);
    return broker.stop();
  });`;

const startInside = (where: string, name: string, folderOf: () => string | undefined): Row =>
  allowance({
    name: `broker inside ${name}`,
    unit: 'ms',
    allowed: 30,
    settings: `the first Broker.start() of a fresh process that has loaded the package, until it resolves, ${where}`,
    measure: async () => {
      const folder = folderOf();
      const args = folder === undefined ? [] : [folder];
      const printed = execFileSync(process.execPath, ['-e', START_INSIDE, ...args], { encoding: 'utf8' });
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      return Number(printed);
    },
  });

const inMemory = startInside('in memory', 'memory', () => undefined);
const onDisk = startInside('on a new folder', 'disk', () => mkdtempSync(join(tmpdir(), 'nestdaw-bench-')));

const idleMemory = withStarters(
  { name: 'broker memory', unit: 'MB resident', goal: 1, settings: '2 s after the start, nothing asked' },
  async (starter) => {
    const node = await starter.start();
    await delay(2000);
    const megabytes = residentMegabytes(node.pid);
    await node.end('SIGTERM');
    return megabytes;
  },
);

const loadedMemory = withStarters(
  {
    name: 'broker memory loaded',
    unit: 'MB resident',
    goal: 1,
    settings: 'after 500 MB of 1 KB records in 64 KB batches over 12 partitions, acks=all',
  },
  async (starter) => {
    const node = await starter.start();
    const connection = await RawConnection.connect(node.port);
    const topic = `load-${process.hrtime.bigint()}`;
    await createTopic(connection, topic, 12);
    const partitions = Array.from({ length: 12 }, (_, i) => i);
    const frame = produceFrame(topic, partitions, batchOf({ records: 64, valueBytes: 1000 }));
    await untilProduced(connection, frame);
    await pump(connection, { count: 650, outstanding: 5, frame: () => frame });
    const megabytes = residentMegabytes(node.pid);
    await ask(connection, DeleteTopics, 5, { topicNames: [topic], timeoutMs: 30_000 });
    connection.close();
    await node.end('SIGTERM');
    return megabytes;
  },
);

const KILL_TOPIC = 'killed';
const KILL_PARTITIONS = 100;

/** 1 GB in 100 partitions, written once; every round kills and comes back. */
const afterKill = withStarters(
  {
    name: 'broker after kill',
    unit: 'ms',
    goal: 1,
    settings: `kill -9 with 1 GB in ${KILL_PARTITIONS} partitions, then from exec until every partition was read from`,
  },
  async (starter) => {
    const before = await starter.start();
    await before.end('SIGKILL');
    const started = performance.now();
    const node = await starter.start();
    const connection = await RawConnection.connect(node.port);
    await allReadable(connection);
    const ms = performance.now() - started;
    connection.close();
    await node.end('SIGKILL');
    return ms;
  },
  async (starter) => {
    const node = await starter.start();
    const connection = await RawConnection.connect(node.port);
    await createTopic(connection, KILL_TOPIC, KILL_PARTITIONS);
    const batch = batchOf({ records: 64, valueBytes: 1000 });
    for (let from = 0; from < KILL_PARTITIONS; from += 10) {
      const partitions = Array.from({ length: 10 }, (_, i) => from + i);
      const frame = produceFrame(KILL_TOPIC, partitions, batch);
      await untilProduced(connection, frame);
      await pump(connection, { count: 155, outstanding: 5, frame: () => frame, onAnswer: checkProduced });
    }
    connection.close();
    await node.end('SIGKILL');
  },
);

async function allReadable(connection: RawConnection): Promise<void> {
  for (;;) {
    const { topics } = await ask(connection, Metadata, 8, { topics: [{ name: KILL_TOPIC }] });
    if (topics[0]?.partitions.length === KILL_PARTITIONS) break;
    await delay(10);
  }
  for (let partition = 0; partition < KILL_PARTITIONS; ) {
    const partitions = [{ partition, fetchOffset: 9000, partitionMaxBytes: 1000 }];
    const request = { maxWaitMs: 0, minBytes: 0, isolationLevel: 0, topics: [{ topic: KILL_TOPIC, partitions }] };
    const answer = await connection.send(frameOf(Fetch, 11, request));
    // Too large to be handed over: then there are records in it.
    const result = answer && decodeResponsePayload(Fetch, 11, answer.subarray(4)).responses[0]!.partitions[0]!;
    if (!result || (result.errorCode === 0 && result.records!.length > 0)) partition++;
    else await delay(5);
  }
}

let names = 0;

async function createMany({ port }: Side, topics: number, partitions: number): Promise<number> {
  const connection = await RawConnection.connect(port);
  const list = Array.from({ length: topics }, () => ({
    name: `many-${++names}`,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const started = performance.now();
  const answer = await ask(connection, CreateTopics, 4, { topics: list, timeoutMs: 120_000, validateOnly: false });
  const bad = answer.topics.find(({ errorCode }) => errorCode !== 0);
  if (bad) throw new Error(`${bad.name}: ${bad.errorMessage}`);
  // The answer may come before the partitions do.
  const asked = { timestamp: -1, currentLeaderEpoch: -1 };
  const offsets = list.map(({ name }) => ({
    name,
    partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, ...asked })),
  }));
  for (;;) {
    const { topics: found } = await ask(connection, ListOffsets, 5, { replicaId: -1, topics: offsets });
    if (found.every((topic) => topic.partitions.every(({ errorCode }) => errorCode === 0))) break;
    await delay(5);
  }
  const ms = performance.now() - started;
  const topicNames = list.map(({ name }) => name);
  await ask(connection, DeleteTopics, 5, { topicNames, timeoutMs: 120_000 });
  connection.close();
  return ms;
}

const partitions = (topics: number): Row =>
  duel({
    name: `broker partitions ${topics * 10}`,
    unit: 'ms',
    better: 'lower',
    settings: `${topics} topics of 10 partitions in one CreateTopics request, until all of them answer`,
    measure: (side) => createMany(side, topics, 10),
  });

export const lifeRows: readonly Row[] = [
  start,
  inMemory,
  onDisk,
  idleMemory,
  loadedMemory,
  partitions(100),
  partitions(500),
  afterKill,
];
