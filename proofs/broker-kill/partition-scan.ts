import { Fetch, ListOffsets } from '../../src/protocol/messages/index.js';
import { recordsOf, verifyCrc } from '../../src/protocol/record-batch.js';
import { baseOffset, batchSize, isWholeBatch, nextOffset, producerId } from '../../src/protocol/record-batch-header.js';
import { type RawClient } from '../../test/support/raw-client.js';
import { identityOf, type PartitionLedger } from './ledger.js';

// Reads a partition from its beginning to its end and keeps what later look-ups are compared with.

export interface ScannedBatch {
  readonly base: number;
  readonly next: number;
  readonly writer: number;
  readonly first: number;
  readonly count: number;
  readonly producerId: bigint;
  /** Of the records, in order. */
  readonly timestamps: readonly number[];
  readonly bytes: Buffer;
}

const FETCH_BYTES = 4 * 1024 * 1024;
export const LATEST = -1;

export async function fetchFrom(client: RawClient, { topic, partition }: PartitionLedger, offset: number, max: number) {
  const answer = await client.send(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: 0,
    forgottenTopicsData: [],
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: max }] }],
  });
  const { errorCode, records } = answer.responses[0]!.partitions[0]!;
  return { errorCode, records: records ?? Buffer.alloc(0) };
}

export async function offsetAt(client: RawClient, { topic, partition }: PartitionLedger, timestamp: number) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
  const answer = await client.send(ListOffsets, 5, { replicaId: -1, topics });
  return answer.topics[0]!.partitions[0]!;
}

/** Every batch of the partition; what is wrong with their bytes or offsets goes to `problems`. */
export async function scanPartition(
  client: RawClient,
  ledger: PartitionLedger,
  problems: string[],
): Promise<ScannedBatch[]> {
  const { offset: end } = await offsetAt(client, ledger, LATEST);
  const batches: ScannedBatch[] = [];
  for (let offset = 0; offset < end; ) {
    const { errorCode, records } = await fetchFrom(client, ledger, offset, FETCH_BYTES);
    if (errorCode !== 0 || records.length === 0) {
      problems.push(`${ledger.name}: error ${errorCode}, ${records.length} bytes at ${offset}, the end is ${end}`);
      return batches;
    }
    for (let at = 0; at < records.length; at += batchSize(records, at)) {
      const batch = readBatch(records, at);
      if (typeof batch === 'string' || batch.base !== offset) {
        problems.push(`${ledger.name} at ${offset}: ${typeof batch === 'string' ? batch : `batch of ${batch.base}`}`);
        return batches;
      }
      batches.push(batch);
      offset = batch.next;
    }
  }
  return batches;
}

function readBatch(records: Buffer, at: number): ScannedBatch | string {
  if (!isWholeBatch(records, at)) return 'a torn batch was served';
  if (!verifyCrc(records, at)) return 'a batch whose checksum is wrong was served';
  const timestamps: number[] = [];
  let writer = -1;
  let first = -1;
  for (const record of recordsOf(records, at)) {
    const identity = identityOf(record);
    if (!identity) return 'a record that nobody sent was served';
    if (timestamps.length === 0) ({ writer, number: first } = identity);
    if (identity.writer !== writer || identity.number !== first + timestamps.length) return 'records got mixed up';
    timestamps.push(record.timestamp);
  }
  return {
    base: baseOffset(records, at),
    next: nextOffset(records, at),
    writer,
    first,
    count: timestamps.length,
    producerId: producerId(records, at),
    timestamps,
    bytes: records.subarray(at, at + batchSize(records, at)),
  };
}
