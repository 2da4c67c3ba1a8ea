import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/broker.js';
import { Program } from '../../test/support/program.js';
import { BrokerProcess } from '../broker-process.js';
import { batchOf, createTopics, writeBatch } from './requests.js';

// A backlog that an application on default settings finds at its start: what it holds in memory is bounded, however
// much waits. Broker and application are processes of their own.

const PARTITIONS = 4;
const PER_BATCH = 256;
const VALUE_BYTES = 1024;
/** It must not stand still for longer. */
const PATIENCE_MS = 900_000;

export interface BacklogResult {
  readonly records: number;
  readonly bytes: number;
  /** Memory of the application (RSS): before its first record, at most in the first tenth, at most in the rest. */
  readonly startBytes: number;
  readonly firstBytes: number;
  readonly restBytes: number;
  readonly seconds: number;
}

/** Throws when the application ends before it has handled everything. */
export async function readBacklog(bytes: number, progress: (text: string) => void): Promise<BacklogResult> {
  const folder = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  try {
    const batch = batchOf(PER_BATCH, VALUE_BYTES);
    const times = Math.ceil(bytes / batch.length / PARTITIONS);
    progress('the backlog is written');
    await fill(folder, batch, times);
    progress('the backlog is read');
    const records = times * PER_BATCH * PARTITIONS;
    return { records, bytes: times * batch.length * PARTITIONS, ...(await read(folder, records)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(dataDir: string, batch: Buffer, times: number): Promise<void> {
  const broker = await Broker.start({ port: 0, dataDir });
  try {
    await createTopics(broker, ['t'], PARTITIONS);
    await writeBatch(broker, 't', PARTITIONS, batch, times);
  } finally {
    await broker.stop();
  }
}

async function read(folder: string, records: number) {
  const broker = new BrokerProcess(folder);
  const { port } = await broker.untilReady();
  const application = new Program({
    name: 'the application',
    args: [join(process.cwd(), 'dist/tools/proofs/scale/backlog-reader.js')],
    options: {
      env: { ...process.env, KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}`, BACKLOG_RECORDS: String(records) },
    },
  }).start();
  const late = setTimeout(() => void application.kill('SIGKILL'), PATIENCE_MS);
  try {
    const [, text] = await application.says(/READ (\{.*\})/);
    return JSON.parse(text!) as Omit<BacklogResult, 'records' | 'bytes'>;
  } finally {
    clearTimeout(late);
    await application.kill('SIGKILL');
    await broker.kill('SIGTERM');
  }
}
