import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/broker.js';
import { Fetch } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { ask, createTopics, refuseErrors, writeBatch } from './requests.js';

// Compressed records to a topic without rules that need a look into them, and back: nothing is unpacked on the way.

const PARTITIONS = 4;
const PER_BATCH = 256;
/** Half of a value does not pack: the batch stays large. */
const VALUE_BYTES = 2048;

export interface PackedResult {
  /** Bytes of the batches as they came and lie in the files. */
  readonly packedBytes: number;
  readonly decompressedBytes: number;
  readonly examinedRecords: number;
}

/** Writes at least so many packed bytes and reads them back; throws when other bytes come. */
export async function packedThrough(bytes: number): Promise<PackedResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  const broker = await Broker.start({ port: 0, dataDir });
  try {
    await createTopics(broker, ['t'], PARTITIONS);
    const batch = zstdBatch();
    const before = broker.metrics().storage;
    const batches = Math.ceil(bytes / batch.length / PARTITIONS);
    await writeBatch(broker, 't', PARTITIONS, batch, batches);
    await readBack(broker, batch, batches);
    const after = broker.metrics().storage;
    return {
      packedBytes: after.appendedBytes - before.appendedBytes,
      decompressedBytes: after.decompressedBytes - before.decompressedBytes,
      examinedRecords: after.examinedRecords - before.examinedRecords,
    };
  } finally {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function zstdBatch(): Buffer {
  const records = Array.from({ length: PER_BATCH }, () => {
    const value = Buffer.alloc(VALUE_BYTES, 'v');
    randomBytes(VALUE_BYTES / 2).copy(value);
    return { key: null, value };
  });
  return encodeRecords(records, { timestamp: Date.now(), compression: 'zstd' });
}

async function readBack(broker: Broker, batch: Buffer, batches: number): Promise<void> {
  // What a broker changes in a batch lies before its checksum.
  const same = batch.subarray(17);
  for (let i = 0; i < batches; i++) {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      fetchOffset: i * PER_BATCH,
      partitionMaxBytes: batch.length,
    }));
    const request = { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics: [{ topic: 't', partitions }] };
    const { responses } = await ask(broker, Fetch, 11, request);
    refuseErrors('Fetch', responses[0]!.partitions);
    for (const { records } of responses[0]!.partitions) {
      if (!records?.subarray(17).equals(same)) throw new Error(`batch ${i} came back with other bytes`);
    }
  }
}
