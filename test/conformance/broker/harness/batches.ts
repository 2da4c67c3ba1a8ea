import { type OutgoingRecord } from '../../../../src/common/record.js';
import { encodeRecords, recordsOf, sealCrc } from '../../../../src/protocol/record-batch.js';
import { type BatchOptions } from '../../../../src/protocol/record-batch-builder.js';
import { batchSize, isWholeBatch } from '../../../../src/protocol/record-batch-header.js';

// Record batches as clients build them, and as no client should.

export interface CaseBatch extends BatchOptions {
  /** Of records that have none of their own. Default: now. */
  readonly timestamp?: number;
}

/** A batch of these values (or whole records). */
export function batch(records: readonly (string | Partial<OutgoingRecord>)[], options: CaseBatch = {}): Buffer {
  const whole = records.map((record) =>
    typeof record === 'string' ? { key: null, value: Buffer.from(record) } : { key: null, value: null, ...record },
  );
  return encodeRecords(whole, { timestamp: Date.now(), ...options });
}

/** A batch of an idempotent producer with `count` records. */
export function sequenced(
  producerId: bigint,
  producerEpoch: number,
  baseSequence: number,
  count = 1,
  options: CaseBatch = {},
): Buffer {
  const values = Array.from({ length: count }, (_, i) => `s${baseSequence + i}`);
  return batch(values, { producerId, producerEpoch, baseSequence, ...options });
}

/** The batch after `change`, its checksum right again unless told otherwise. */
export function damaged(good: Buffer, change: (bytes: Buffer) => void, seal = true): Buffer {
  const bytes = Buffer.from(good);
  change(bytes);
  if (seal) sealCrc(bytes);
  return bytes;
}

/** The whole batches that a fetch returned. */
export function batchesIn(bytes: Buffer | null): Buffer[] {
  const found: Buffer[] = [];
  if (!bytes) return found;
  for (let at = 0; isWholeBatch(bytes, at); at += batchSize(bytes, at)) {
    found.push(bytes.subarray(at, at + batchSize(bytes, at)));
  }
  return found;
}

/** Every record in what a fetch returned. */
export function recordsIn(bytes: Buffer | null) {
  return batchesIn(bytes).flatMap((one) => [...recordsOf(one)]);
}
