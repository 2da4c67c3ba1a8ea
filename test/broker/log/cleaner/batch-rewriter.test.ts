import { describe, expect, it } from '@jest/globals';
import { BatchRewriter, type LastOfProducer } from '../../../../src/broker/log/cleaner/batch-rewriter.js';
import { CleanedTransactions } from '../../../../src/broker/log/cleaner/cleaned-transactions.js';
import { OffsetMap } from '../../../../src/broker/log/cleaner/offset-map.js';
import { OutputRun } from '../../../../src/broker/log/cleaner/output-run.js';
import { StorageCounters } from '../../../../src/broker/log/directory/storage-counters.js';
import { recordsOf, sealCrc, verifyCrc } from '../../../../src/protocol/record-batch.js';
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseSequence,
  baseTimestamp,
  compressionOf,
  deleteHorizon,
  isControl,
  isLogAppendTime,
  lastOffset,
  maxTimestamp,
  recordCount,
  setAttributes,
  setBaseOffset,
  setMaxTimestamp,
} from '../../../../src/protocol/record-batch-header.js';
import { marker, NOW } from '../log-fixture.js';
import { keyed } from './cleaner-fixture.js';

const RETENTION = 1000;

interface Shape {
  /** Offset of each key. */
  readonly latest?: Readonly<Record<string, number>>;
  readonly upTo?: number;
  readonly now?: number;
  readonly endOffset?: number;
  readonly producers?: ReadonlyMap<bigint, LastOfProducer>;
  readonly transactions?: CleanedTransactions;
}

/** What a cleaning leaves of the batch; undefined for nothing. */
function cleaned(batch: Buffer, shape: Shape = {}): { readonly batch: Buffer | undefined; readonly isSame: boolean } {
  const { latest = {}, upTo = 1000, now = NOW, endOffset = -1, producers = new Map() } = shape;
  const map = new OffsetMap(1e6, 3);
  for (const [key, offset] of Object.entries(latest)) map.put(Buffer.from(key), 0, key.length, offset);
  map.latestOffset = upTo;
  const transactions = shape.transactions ?? new CleanedTransactions();
  const counters = new StorageCounters();
  const rules = { map, transactions, producers, endOffset, now, deleteRetentionMs: RETENTION, counters };
  const rewriter = new BatchRewriter(rules);
  const out = new OutputRun(16);
  out.add(Buffer.from('before'), 0, 6);
  const isSame = rewriter.rewrite(Buffer.concat([Buffer.from('xyz'), batch]), 3, batch.length, out);
  const rest = Buffer.from(out.content.subarray(6));
  expect(rest.length === 0 || verifyCrc(rest)).toBe(true);
  return { batch: rest.length === 0 ? undefined : rest, isSame };
}

function at(offset: number, batch: Buffer): Buffer {
  setBaseOffset(batch, 0, offset);
  return batch;
}

const times = (batch: Buffer) => [...recordsOf(batch)].map(({ timestamp }) => timestamp);
const keys = (batch: Buffer) => [...recordsOf(batch)].map(({ key, offsetDelta }) => [key?.toString(), offsetDelta]);

describe('BatchRewriter', () => {
  it('keeps a batch byte for byte when all of it stays', () => {
    const batch = at(
      10,
      keyed(
        [
          ['a', '1'],
          ['b', '2'],
        ],
        { compression: 'gzip' },
      ),
    );
    expect(cleaned(batch, { latest: { a: 10, b: 11 } })).toEqual({ batch, isSame: true });
    expect(cleaned(batch, { latest: { a: 99 }, upTo: 9 })).toEqual({ batch, isSame: true });
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'drops what is outdated and keeps offsets and codec: %s',
    (compression) => {
      const batch = at(
        10,
        keyed(
          [
            ['a', '1'],
            ['b', '2'],
            ['a', '3'],
            ['c', '4'],
          ],
          { compression },
        ),
      );
      const { batch: rest, isSame } = cleaned(batch, { latest: { a: 12, b: 20, c: 40 } });
      expect(isSame).toBe(false);
      expect([baseOffset(rest!), lastOffset(rest!), recordCount(rest!)]).toEqual([10, 13, 1]);
      expect(keys(rest!)).toEqual([['a', 2]]);
      expect(compressionOf(rest!)).toBe(compressionOf(batch));
    },
  );

  it('drops records without a key, and whole batches', () => {
    expect(
      keys(
        cleaned(
          at(
            5,
            keyed([
              [null, '1'],
              ['a', '2'],
            ]),
          ),
          { latest: { a: 6 } },
        ).batch!,
      ),
    ).toEqual([['a', 1]]);
    expect(cleaned(at(5, keyed([['a', '1']])), { latest: { a: 6 } })).toEqual({ batch: undefined, isSame: false });
  });

  it('keeps each record’s time when the first one goes, and the largest time is that of what stays', () => {
    const batch = keyed(
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ],
      { timestamp: NOW },
    );
    const moved = at(5, Buffer.from(batch));
    const { batch: rest } = cleaned(moved, { latest: { a: 50 } });
    expect([times(rest!), baseTimestamp(rest!), maxTimestamp(rest!)]).toEqual([[NOW, NOW], NOW, NOW]);
  });

  it('keeps the header of the last batch of a producer, and of the batch at the end', () => {
    const batch = at(
      5,
      keyed(
        [
          ['a', '1'],
          ['a', '2'],
        ],
        { producerId: 7n, producerEpoch: 1, baseSequence: 30, compression: 'gzip' },
      ),
    );
    const latest = { a: 50 };
    const own = cleaned(batch, { latest, producers: new Map([[7n, { lastDataOffset: 6, epoch: 1 }]]) }).batch!;
    expect(own).toHaveLength(BATCH_HEADER_BYTES);
    expect([baseOffset(own), lastOffset(own), baseSequence(own), recordCount(own), attributes(own)]).toEqual([
      5, 6, 30, 0, 0,
    ]);
    expect(
      cleaned(batch, { latest, producers: new Map([[7n, { lastDataOffset: 9, epoch: 1 }]]) }).batch,
    ).toBeUndefined();
    expect(cleaned(batch, { latest, endOffset: 7 }).batch).toEqual(own);
    // What is empty already stays as it is, or goes.
    expect(cleaned(own, { endOffset: 7 })).toEqual({ batch: own, isSame: true });
    expect(cleaned(own)).toEqual({ batch: undefined, isSame: false });
  });

  describe('tombstones', () => {
    const batch = at(
      5,
      keyed(
        [
          ['a', null],
          ['b', '2'],
        ],
        { timestamp: NOW - 50 },
      ),
    );
    const latest = { a: 5, b: 6 };

    it('get a horizon from the first cleaning, and their times stay', () => {
      const first = cleaned(batch, { latest }).batch!;
      expect([deleteHorizon(first), times(first), maxTimestamp(first)]).toEqual([
        NOW + RETENTION,
        [NOW - 50, NOW - 50],
        NOW - 50,
      ]);
      expect(keys(first)).toEqual(keys(batch));
      const later = cleaned(first, { latest, now: NOW + RETENTION - 1 });
      expect(later).toEqual({ batch: first, isSame: true });
    });

    it('go when the horizon is reached', () => {
      const first = cleaned(batch, { latest }).batch!;
      const second = cleaned(first, { latest, now: NOW + RETENTION }).batch!;
      expect([keys(second), deleteHorizon(second), times(second)]).toEqual([[['b', 1]], NOW + RETENTION, [NOW - 50]]);
    });

    it('stay without a horizon where the times are too far apart to be written anew', () => {
      const ancient = at(5, keyed([['a', null]], { timestamp: -(2 ** 51) }));
      expect(deleteHorizon(cleaned(ancient, { latest }).batch!)).toBe(-1);
      expect(times(cleaned(ancient, { latest }).batch!)).toEqual([-(2 ** 51)]);
    });

    it('keep the time of the broker where that counts', () => {
      const stamped = Buffer.from(batch);
      setAttributes(stamped, 0, attributes(stamped) | 8);
      setMaxTimestamp(stamped, 0, NOW - 7);
      sealCrc(stamped);
      const first = cleaned(stamped, { latest }).batch!;
      expect([isLogAppendTime(first), times(first)]).toEqual([true, [NOW - 7, NOW - 7]]);
    });
  });

  describe('transactions', () => {
    const data = (id: bigint) =>
      keyed([['a', '1']], { producerId: id, producerEpoch: 0, baseSequence: 0, transactional: true });
    const txn = { producerId: 2n, firstOffset: 5, lastOffset: 8, lastStableOffset: 9 };

    it('lose what was aborted, whatever the keys', () => {
      const transactions = new CleanedTransactions();
      transactions.expect([txn, txn]);
      expect(cleaned(at(5, data(2n)), { transactions }).batch).toBeUndefined();
      expect(cleaned(at(6, data(1n)), { transactions }).isSame).toBe(true);
    });

    it('keep a marker as long as data lay before it, then for the time of tombstones', () => {
      const kept: unknown[] = [];
      const transactions = new CleanedTransactions((one) => kept.push(one));
      transactions.expect([txn]);
      cleaned(at(5, data(2n)), { transactions });
      const abort = at(8, marker('abort', 2n));
      expect(cleaned(abort, { transactions })).toEqual({ batch: abort, isSame: true });
      expect(kept).toEqual([txn]);
      // The next cleaning finds no data any more.
      const second = cleaned(abort, {}).batch!;
      expect([isControl(second), recordCount(second), deleteHorizon(second)]).toEqual([true, 1, NOW + RETENTION]);
      expect(cleaned(second, { now: NOW + RETENTION - 1 }).isSame).toBe(true);
      expect(cleaned(second, { now: NOW + RETENTION }).batch).toBeUndefined();
      const producers = new Map([[2n, { lastDataOffset: -1, epoch: 0 }]]);
      const empty = cleaned(second, { now: NOW + RETENTION, producers }).batch!;
      expect([isControl(empty), recordCount(empty), empty.length]).toEqual([true, 0, BATCH_HEADER_BYTES]);
      expect(cleaned(empty, { now: NOW + RETENTION, producers }).isSame).toBe(true);
    });

    it('keep the marker of a commit whose data is there', () => {
      const transactions = new CleanedTransactions();
      cleaned(at(5, data(1n)), { transactions });
      expect(cleaned(at(6, marker('commit', 1n)), { transactions }).isSame).toBe(true);
    });
  });
});
