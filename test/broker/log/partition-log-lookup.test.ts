import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { sealCrc } from '../../../src/protocol/record-batch.js';
import { nextOffset } from '../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../support/manual-clock.js';
import { appendAll, batchOf, marker, NOW, openLog, producerBatch, splitBatches } from './log-fixture.js';

const client = { origin: 'client', now: NOW } as const;
const coordinator = { origin: 'coordinator', now: NOW } as const;
const uncommitted = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_uncommitted' } as const;
const committed = { ...uncommitted, isolation: 'read_committed' } as const;

/** In a batch's header. */
const BASE_TIMESTAMP_AT = 27;

const newLog = (config: Record<string, string> = {}, clock = new ManualClock(NOW)): PartitionLog =>
  openLog(new MemoryFileSystem({ clock }), { config, clock });

describe('PartitionLog look-ups', () => {
  it('finds the first record at or after a time, as a scan of all records does (property)', () => {
    const time = fc.integer({ min: NOW - 50, max: NOW + 50 });
    const batches = fc.array(fc.array(time, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(batches, fc.nat(5), fc.constantFrom('none', 'gzip' as const), (times, start, compression) => {
        const log = newLog({ 'segment.bytes': '600', 'index.interval.bytes': '150', 'cleanup.policy': 'compact' });
        appendAll(
          log,
          times.map((timestamps) =>
            batchOf({ timestamps, count: timestamps.length, compression: compression as 'none' }),
          ),
        );
        log.deleteRecordsBefore(Math.min(start, log.logEndOffset));
        const all = times.flat().map((timestamp, offset) => ({ timestamp, offset }));
        const readable = all.filter(({ offset }) => offset >= log.logStartOffset);
        for (let t = NOW - 51; t <= NOW + 51; t += 3) {
          const found = readable.find(({ timestamp }) => timestamp >= t) ?? { offset: -1, timestamp: -1 };
          expect(log.offsetForTimestamp(t)).toMatchObject({ errorCode: 0, ...found });
        }
        const newest = Math.max(...readable.map(({ timestamp }) => timestamp), -1);
        const first = readable.find(({ timestamp }) => timestamp === newest);
        expect(log.offsetForTimestamp(-3)).toMatchObject(first ?? { offset: -1, timestamp: -1 });
      }),
      { numRuns: 40 },
    );
  });

  it('knows the special times', () => {
    const log = newLog();
    expect(log.offsetForTimestamp(-3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    appendAll(log, [producerBatch({ sequence: 0, transactional: true }), batchOf()]);
    expect(log.offsetForTimestamp(-1)).toEqual({ errorCode: 0, offset: 2, timestamp: -1, leaderEpoch: 0 });
    expect(log.offsetForTimestamp(-1, 'read_committed').offset).toBe(0);
    expect(log.offsetForTimestamp(NOW, 'read_committed').offset).toBe(-1);
    for (const earliest of [-2, -4]) expect(log.offsetForTimestamp(earliest).offset).toBe(0);
    expect(log.offsetForTimestamp(-9).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });

  it('takes no record to be later than its batch says: what is compressed is stored unseen', () => {
    const log = newLog();
    const batch = batchOf({ count: 2, timestamps: [NOW - 10, NOW], compression: 'gzip' });
    batch.writeBigInt64BE(2n ** 53n - 2n, BASE_TIMESTAMP_AT);
    sealCrc(batch);
    appendAll(log, [batch]);
    expect(log.offsetForTimestamp(NOW)).toMatchObject({ errorCode: 0, offset: 0, timestamp: NOW });
    log.deleteRecordsBefore(1);
    for (const time of [NOW, -3]) {
      expect(log.offsetForTimestamp(time)).toMatchObject({ errorCode: 0, offset: 1, timestamp: NOW });
    }
  });

  it('takes every record of a LogAppendTime batch to have the time of the append', () => {
    const log = newLog({ 'message.timestamp.type': 'LogAppendTime' });
    for (const now of [NOW, NOW + 10]) log.append(batchOf({ count: 3, timestamp: 1 }), { origin: 'client', now });
    expect(log.offsetForTimestamp(NOW + 1)).toMatchObject({ offset: 3, timestamp: NOW + 10 });
  });

  it('lets the first offset stand for a batch that its producer packed badly', () => {
    const log = newLog();
    const bad = batchOf({ count: 3, timestamp: NOW + 10, compression: 'gzip' });
    bad.fill(0xff, 63); // gzip by its first bytes only
    sealCrc(bad);
    appendAll(log, [batchOf({ count: 2 }), bad, batchOf({ timestamp: NOW + 20 })]);
    expect(log.offsetForTimestamp(NOW + 11)).toMatchObject({ errorCode: 0, offset: 2, timestamp: NOW + 12 });
    expect(log.offsetForTimestamp(NOW + 13)).toMatchObject({ errorCode: 0, offset: 5, timestamp: NOW + 20 });
  });

  it('tells where leader epochs end', () => {
    const log = newLog();
    expect(log.offsetForLeaderEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 0 });
    appendAll(log, [batchOf({ count: 4 })]);
    log.setLeaderEpoch(3);
    expect(log.offsetForLeaderEpoch(2)).toEqual({ leaderEpoch: 0, endOffset: 4 });
    appendAll(log, [batchOf({ count: 2 })]);
    log.setLeaderEpoch(5);
    appendAll(log, [batchOf()]);
    expect(log.offsetForLeaderEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 4 });
    expect(log.offsetForLeaderEpoch(4)).toEqual({ leaderEpoch: 3, endOffset: 6 });
    expect(log.offsetForLeaderEpoch(5)).toEqual({ leaderEpoch: 5, endOffset: 7 });
    for (const unknown of [-1, 6])
      expect(log.offsetForLeaderEpoch(unknown)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    expect(log.offsetForTimestamp(-2).leaderEpoch).toBe(0);
  });
});

describe('PartitionLog producers and transactions', () => {
  it('answers a retry with the first answer and writes nothing', () => {
    const log = newLog();
    for (let sequence = 0; sequence < 10; sequence += 2) log.append(producerBatch({ sequence, count: 2 }), client);
    const size = log.sizeBytes;
    for (let sequence = 0; sequence < 10; sequence += 2) {
      const retry = log.append(producerBatch({ sequence, count: 2 }), client);
      expect(retry).toMatchObject({ errorCode: 0, baseOffset: sequence, duplicate: true });
    }
    expect(log.sizeBytes).toBe(size);
    expect(log.append(producerBatch({ sequence: 11 }), client).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(log.logEndOffset).toBe(10);
  });

  it('keeps read_committed below open transactions and lists the aborted ones by first offset', () => {
    const log = newLog({ 'segment.bytes': '350' });
    const append = (batch: Buffer, by: typeof client | typeof coordinator = client) =>
      expect(log.append(batch, by).errorCode).toBe(0);
    append(producerBatch({ id: 1n, sequence: 0, transactional: true })); // 0
    append(producerBatch({ id: 2n, sequence: 0, transactional: true })); // 1
    append(batchOf()); // 2
    expect(log.lastStableOffset).toBe(0);
    expect(log.read(0, committed).records).toHaveLength(0);
    append(marker('abort', 2n), coordinator); // 3
    expect(log.lastStableOffset).toBe(0);
    append(marker('abort', 1n), coordinator); // 4
    expect(log.lastStableOffset).toBe(5);
    append(producerBatch({ id: 2n, sequence: 1, transactional: true })); // 5
    append(marker('commit', 2n), coordinator); // 6
    append(producerBatch({ id: 1n, sequence: 1, transactional: true })); // 7, open
    const { abortedTransactions, lastStableOffset, records } = log.read(0, committed);
    expect(lastStableOffset).toBe(7);
    const end = nextOffset(splitBatches(records).at(-1)!);
    expect(end).toBeLessThanOrEqual(7);
    expect(abortedTransactions).toEqual(
      [
        { producerId: 1n, firstOffset: 0 },
        { producerId: 2n, firstOffset: 1 },
      ].filter((txn) => txn.firstOffset < end),
    );
    const { abortedTransactions: ofFirst } = log.read(0, { ...committed, maxBytes: 1 });
    expect(ofFirst).toEqual([{ producerId: 1n, firstOffset: 0 }]);
    expect(log.read(4, committed).abortedTransactions).toEqual([{ producerId: 1n, firstOffset: 0 }]);
    expect(log.read(5, committed).abortedTransactions).toEqual([]);
    expect(log.read(0, uncommitted).abortedTransactions).toBeNull();
    expect(log.readableBytes(7, 'read_committed')).toBe(0);
  });

  it('refuses markers of an older coordinator or epoch', () => {
    const log = newLog();
    log.append(producerBatch({ sequence: 0, epoch: 2, transactional: true }), client);
    expect(log.append(marker('abort', 7n, 1), coordinator).errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(log.append(marker('commit', 7n, 2, 5), coordinator).errorCode).toBe(0);
    expect(log.append(marker('commit', 7n, 2, 4), coordinator).errorCode).toBe(
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    );
    expect([...log.producers()]).toMatchObject([
      { producerId: 7n, epoch: 2, coordinatorEpoch: 5, currentTxnFirstOffset: -1 },
    ]);
  });
});
