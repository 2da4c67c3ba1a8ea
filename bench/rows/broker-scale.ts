import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiVersions } from '../../src/protocol/messages/index.js';
import { createTopic, type Side } from '../broker/arena.js';
import { ask, batchOf, checkProduced, fetchFrame, produceFrame } from '../broker/frames.js';
import { residentMegabytes } from '../broker/process-usage.js';
import { pump, RawConnection } from '../broker/raw-connection.js';
import { startBrokerProcess } from '../broker-process.js';
import { type Row } from '../row.js';
import { allowance } from './allowance.js';

// What many partitions and connections cost: the same load on 12 partitions and spread over thousands, and memory for
// each of them that does nothing.

const MANY = 5000;
const FEW = 12;
/** Partitions named by one request. */
const SPREAD = 12;
const OUTSTANDING = 5;
const IDLE_CONNECTIONS = 2000;
const BATCH = { records: 64, valueBytes: 1000 };
const KILOBYTES = 1024;

interface Lone {
  readonly side: Side;
  readonly connection: RawConnection;
  stop(): Promise<void>;
}

/** A broker of ours for one row alone. */
async function startAlone(folder?: string): Promise<Lone> {
  const broker = await startBrokerProcess({}, folder);
  const port = Number(broker.bootstrapServers.split(':')[1]);
  const connection = await RawConnection.connect(port);
  const side = { name: 'ours', port, pid: broker.pid, stop: () => broker.stop() };
  return {
    side,
    connection,
    stop: () => {
      connection.close();
      return broker.stop();
    },
  };
}

/** The partitions that request `i` names, when load goes over so many of them in turn. */
function targets(i: number, partitions: number): number[] {
  return Array.from({ length: SPREAD }, (_, n) => (i * SPREAD + n) % partitions);
}

/** Sends each of these Produce requests once. */
async function pumpAll(connection: RawConnection, frames: readonly Buffer[]): Promise<void> {
  const frame = (i: number): Buffer => frames[i]!;
  await pump(connection, { count: frames.length, outstanding: OUTSTANDING, frame, onAnswer: checkProduced });
}

function spreadFrames(partitions: number, frameOfTargets: (targets: number[]) => Buffer): Buffer[] {
  const frames = Math.ceil(partitions / SPREAD);
  return Array.from({ length: frames }, (_, i) => frameOfTargets(targets(i, partitions)));
}

/** Rates on many partitions, with the same broker's on a few as the peer. */
function flat(name: string, settings: string, measure: (lone: Lone, partitions: number) => Promise<number>): Row {
  return {
    name: `broker flat ${name}`,
    unit: 'MB/s',
    better: 'higher',
    peerName: `ours on ${FEW} partitions`,
    goal: 0.8,
    settings: `${settings}, over ${MANY} partitions in turn`,
    async prepare() {
      const lone = await startAlone();
      const batch = batchOf(BATCH);
      for (const partitions of [FEW, MANY]) {
        await createTopic(lone.connection, topicOf(partitions), partitions);
        // Every partition has its files, and something to read.
        const frames = spreadFrames(partitions, (places) => produceFrame(topicOf(partitions), places, batch));
        await pumpAll(lone.connection, frames);
      }
      return { ours: () => measure(lone, MANY), peer: () => measure(lone, FEW), close: () => lone.stop() };
    },
  };
}

const topicOf = (partitions: number): string => `flat-${partitions}`;

const flatProduce = flat('produce', '64 KB batches of 1 KB records for 12 partitions a request', (lone, partitions) => {
  const batch = batchOf(BATCH);
  const frames = spreadFrames(partitions, (places) => produceFrame(topicOf(partitions), places, batch));
  return rateOf(lone, frames, 420, SPREAD * BATCH.records * BATCH.valueBytes);
});

const flatFetch = flat('fetch', 'one batch of 64 KB of 12 partitions a request', (lone, partitions) => {
  const bytes = batchOf(BATCH).length;
  const frames = spreadFrames(partitions, (places) => fetchFrame(topicOf(partitions), places, 0, bytes));
  return rateOf(lone, frames, 1250, SPREAD * bytes);
});

async function rateOf({ connection }: Lone, frames: readonly Buffer[], count: number, bytes: number): Promise<number> {
  const ms = await pump(connection, { count, outstanding: OUTSTANDING, frame: (i) => frames[i % frames.length]! });
  return (count * bytes) / 1e6 / (ms / 1000);
}

async function settledMegabytes(pid: number): Promise<number> {
  await delay(1500);
  return residentMegabytes(pid);
}

const perPartition = partitionMemory('partition', 'empty', () => Promise.resolve());

const perUsedPartition = partitionMemory('used partition', 'idle', async ({ connection }, topic) => {
  const frames = spreadFrames(MANY, (places) => produceFrame(topic, places, batchOf({ records: 1, valueBytes: 100 })));
  await pumpAll(connection, frames);
});

/** What one more partition takes after a start, each filled like this before. */
function partitionMemory(name: string, state: string, fill: (lone: Lone, topic: string) => Promise<void>): Row {
  const settings = `resident memory after a start on ${2 * MANY} ${state} partitions above that on ${MANY}, for each`;
  const measure = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestdaw-bench-'));
    try {
      const [few, many] = [await withMore(folder, 'one', fill), await withMore(folder, 'other', fill)];
      return ((many - few) * KILOBYTES) / MANY;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return allowance({ name: `broker memory each ${name}`, unit: 'KB', allowed: 4, settings, measure });
}

/** Adds a topic and starts the broker anew: its memory then. */
async function withMore(
  folder: string,
  topic: string,
  fill: (lone: Lone, topic: string) => Promise<void>,
): Promise<number> {
  const first = await startAlone(folder);
  await createTopic(first.connection, topic, MANY);
  await fill(first, topic);
  await first.stop();
  const again = await startAlone(folder);
  const megabytes = await settledMegabytes(again.side.pid);
  await again.stop();
  return megabytes;
}

const perConnection = allowance({
  name: 'broker memory each connection',
  unit: 'KB',
  allowed: 20,
  settings: `resident memory for each of ${IDLE_CONNECTIONS} connections that have asked for ApiVersions and wait`,
  measure: async () => {
    const lone = await startAlone();
    const before = await settledMegabytes(lone.side.pid);
    const connections: RawConnection[] = [];
    for (let i = 0; i < IDLE_CONNECTIONS; i++) {
      const connection = await RawConnection.connect(lone.side.port, 4096);
      await ask(connection, ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' });
      connections.push(connection);
    }
    const after = await settledMegabytes(lone.side.pid);
    for (const connection of connections) connection.close();
    await lone.stop();
    return ((after - before) * KILOBYTES) / IDLE_CONNECTIONS;
  },
});

export const scaleRows: readonly Row[] = [flatProduce, flatFetch, perPartition, perUsedPartition, perConnection];
