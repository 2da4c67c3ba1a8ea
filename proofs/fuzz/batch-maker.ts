import { type Random } from '../../src/common/random.js';
import { type OutgoingRecord } from '../../src/common/record.js';
import { type CompressionType } from '../../src/protocol/compression.js';
import { encodeRecords, sealCrc } from '../../src/protocol/record-batch.js';
import { isWholeBatch } from '../../src/protocol/record-batch-header.js';
import { mutate } from './mutation.js';

// Record batches as producers send them, sound ones and damaged ones; many of those carry a right checksum, so that
// the damage is met behind that check.

const CODECS: readonly CompressionType[] = ['none', 'none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];

let made: Buffer[] | undefined;

/** A batch from a stock of sound ones; every other one is damaged. */
export function makeBatch(random: Random): Buffer {
  made ??= Array.from({ length: 200 }, (_, i) => soundBatch(random, i));
  const batch = Buffer.from(made[Math.floor(random.next() * made.length)]!);
  const dice = random.next();
  if (dice < 0.4) return batch;
  const damaged = mutate(random, batch, batch);
  if (dice < 0.8 && isWholeBatch(damaged, 0)) sealCrc(damaged);
  return damaged;
}

function soundBatch(random: Random, i: number): Buffer {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const bytes = (limit: number): Buffer | null => (random.next() < 0.2 ? null : random.bytes(below(limit)));
  const records = Array.from(
    { length: 1 + below(8) },
    (): OutgoingRecord => ({
      key: bytes(10),
      value: bytes(random.next() < 0.1 ? 2000 : 60),
      headers: random.next() < 0.2 ? [{ key: 'h', value: bytes(5) }] : [],
      timestamp: 1_700_000_000_000 + below(2000) - 1000,
    }),
  );
  const producer =
    random.next() < 0.4 ? { producerId: BigInt(below(4)), producerEpoch: below(2), baseSequence: below(4) } : {};
  return encodeRecords(records, { timestamp: 1_700_000_000_000, compression: CODECS[i % CODECS.length]!, ...producer });
}
