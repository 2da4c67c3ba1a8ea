import { expect } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { segmentPath } from '../../../src/broker/log/segment/segment-files.js';
import { verifyCrc } from '../../../src/protocol/record-batch.js';
import { isControl } from '../../../src/protocol/record-batch-header.js';
import { batchOf, DIRECTORY, marker, NOW, openLog, producerBatch, readAll } from './log-fixture.js';

// A story that a log is told, and what must be left of it after a crash.

export const config = { 'segment.bytes': '700', 'index.interval.bytes': '100' };
export const LOG = segmentPath(DIRECTORY, 0, 'log');

/** A story of 40 appends: plain ones, two idempotent producers, transactions that commit and abort. */
export function* story(): Generator<Buffer> {
  let sequence = 0;
  for (let i = 0; i < 10; i++) {
    yield batchOf({ count: 1 + (i % 3), timestamp: NOW + ((i * 7) % 5) * 100 });
    yield producerBatch({ id: 1n, sequence: i * 2, count: 2 });
    yield producerBatch({ id: 2n, sequence, transactional: true });
    sequence++;
    yield marker(i % 2 === 0 ? 'abort' : 'commit', 2n);
  }
}

export const append = (log: PartitionLog, batch: Buffer): number =>
  log.append(batch, { origin: isControl(batch) ? 'coordinator' : 'client', now: NOW }).errorCode;

export const read = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_committed' } as const;

/** What is known of producers and aborted transactions, in a form that can be compared. */
export function derivedState(log: PartitionLog) {
  const producers = [...log.producers()]
    .map(({ producerId, epoch, batches, currentTxnFirstOffset, coordinatorEpoch }) => ({
      producerId,
      epoch,
      last: batches.at(-1),
      currentTxnFirstOffset,
      coordinatorEpoch,
    }))
    .sort((a, b) => Number(a.producerId - b.producerId));
  const aborted = log.segments.flatMap(({ transactionIndex }) =>
    Array.from({ length: transactionIndex.entries.count }, (_, i) => transactionIndex.entryAt(i)),
  );
  return { producers, aborted, end: log.logEndOffset, stable: log.lastStableOffset };
}

/** The state that a log has which was given these batches and never stopped. */
export function stateOf(batches: readonly Buffer[]) {
  const log = openLog(new MemoryFileSystem(), { config });
  for (const batch of batches) {
    const copy = Buffer.from(batch);
    copy.fill(0, 0, 8);
    expect(append(log, copy)).toBe(0);
  }
  return derivedState(log);
}

export function expectSound(log: PartitionLog, acknowledged: number): void {
  const batches = readAll(log);
  expect(batches.length).toBeGreaterThanOrEqual(acknowledged);
  expect(batches.every((batch) => verifyCrc(batch))).toBe(true);
  const all = [...story()];
  expect(batches.map((batch) => batch.subarray(12).toString('hex'))).toEqual(
    // Leader epoch and offset were patched on the way in.
    all.slice(0, batches.length).map((batch) => Buffer.concat([Buffer.alloc(4), batch.subarray(16)]).toString('hex')),
  );
  expect(derivedState(log)).toEqual(stateOf(batches));
  for (let offset = log.logStartOffset; offset < log.lastStableOffset; offset++) {
    expect(log.read(offset, read).records.length).toBeGreaterThan(0);
  }
}

/** Appends until the story ends or the file system dies; returns how many appends were acknowledged. */
export function tell(log: PartitionLog): number {
  let acknowledged = 0;
  for (const batch of story()) {
    if (append(log, batch) !== 0) break;
    acknowledged++;
  }
  return acknowledged;
}
