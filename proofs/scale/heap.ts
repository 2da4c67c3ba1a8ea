import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Broker } from '../../src/broker/broker.js';
import { Fetch, Produce } from '../../src/protocol/messages/index.js';
import { ask, batchOf, createTopics, frameOf, refuseErrors } from './requests.js';

// Records of 1 KB through a broker, in and out: what V8 holds at rest afterwards does not grow with their number.

const PER_BATCH = 64;
const PARTITIONS = 4;
const WARM_UP_RECORDS = 64 * 200;

export interface HeapResult {
  readonly records: number;
  /** Of the heap at rest. */
  readonly grownBytes: number;
}

export async function recordsThrough(records: number): Promise<HeapResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  const broker = await Broker.start({ port: 0, dataDir });
  try {
    await createTopics(broker, ['t'], PARTITIONS, { 'segment.bytes': String(128 * 1024 * 1024) });
    await through(broker, WARM_UP_RECORDS, 0);
    const before = await heapAtRest();
    await through(broker, records, WARM_UP_RECORDS / PARTITIONS);
    return { records, grownBytes: (await heapAtRest()) - before };
  } finally {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Writes them and reads them back, a batch of each partition at a time. */
async function through(broker: Broker, records: number, from: number): Promise<void> {
  const frame = produceFrame();
  let offset = from;
  for (let done = 0; done < records; done += PER_BATCH * PARTITIONS, offset += PER_BATCH) {
    const answer = await broker.exchangeFrame(Buffer.from(frame));
    if (!answer) throw new Error('Produce: no answer');
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      fetchOffset: offset,
      partitionMaxBytes: 1 << 20,
    }));
    const request = { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics: [{ topic: 't', partitions }] };
    const { responses } = await ask(broker, Fetch, 11, request);
    refuseErrors('Fetch', responses[0]!.partitions);
    if (responses[0]!.partitions.some(({ records: bytes }) => !bytes || bytes.length < PER_BATCH * 1000)) {
      throw new Error(`at offset ${offset} less came back than was written`);
    }
  }
}

function produceFrame(): Buffer {
  const batch = batchOf(PER_BATCH, 1000);
  const partitionData = Array.from({ length: PARTITIONS }, (_, index) => ({ index, records: batch }));
  return frameOf(Produce, 9, { acks: -1, timeoutMs: 60_000, topicData: [{ name: 't', partitionData }] });
}

/** Bytes of the heap when all that is garbage is gone. */
async function heapAtRest(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i++) {
    await delay(1);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
