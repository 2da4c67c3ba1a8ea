import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryFileSystem } from '../../../src/broker/log/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { recordsOf, verifyCrc } from '../../../src/protocol/record-batch.js';
import { baseOffset, leaderEpoch, maxTimestamp, nextOffset } from '../../../src/protocol/record-batch-header.js';
import { flush, ManualClock } from '../../support/manual-clock.js';
import {
  appendAll,
  batchOf,
  DIRECTORY,
  marker,
  NOW,
  openLog,
  producerBatch,
  rangeOf,
  readAll,
  splitBatches,
} from './log-fixture.js';

const client = { origin: 'client', now: NOW } as const;
const coordinator = { origin: 'coordinator', now: NOW } as const;
const uncommitted = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_uncommitted' } as const;
const committed = { ...uncommitted, isolation: 'read_committed' } as const;

const newLog = (config: Record<string, string> = {}, clock = new ManualClock(NOW)): PartitionLog =>
  openLog(new MemoryFileSystem({ clock }), { config, clock });

describe('PartitionLog append and read', () => {
  it('gives offsets in order and patches base offset and leader epoch without touching the checksum', () => {
    const log = newLog();
    log.setLeaderEpoch(4);
    expect(log.append(batchOf({ count: 3 }), client)).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
      lastOffset: 2,
      logAppendTime: -1,
    });
    expect(log.append(batchOf({ count: 2 }), client)).toMatchObject({ errorCode: 0, baseOffset: 3, lastOffset: 4 });
    const batches = readAll(log);
    expect(batches.map(rangeOf)).toEqual([
      [0, 3],
      [3, 5],
    ]);
    expect(batches.map((batch) => leaderEpoch(batch))).toEqual([4, 4]);
    expect(batches.every((batch) => verifyCrc(batch))).toBe(true);
    expect([log.logEndOffset, log.highWatermark, log.lastStableOffset]).toEqual([5, 5, 5]);
  });

  it('stamps its own time under LogAppendTime and says so', () => {
    const log = newLog({ 'message.timestamp.type': 'LogAppendTime' });
    expect(log.append(batchOf({ timestamp: 5 }), client).logAppendTime).toBe(NOW);
    const [batch] = readAll(log);
    expect(maxTimestamp(batch!)).toBe(NOW);
    expect([...recordsOf(batch!)].map((record) => record.timestamp)).toEqual([NOW]);
    expect(verifyCrc(batch!)).toBe(true);
  });

  it('answers out of range below the start and above the end, and nothing at the end', () => {
    const log = newLog();
    appendAll(log, [batchOf({ count: 5 })]);
    for (const offset of [-1, 6]) {
      const result = log.read(offset, uncommitted);
      expect(result).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, highWatermark: -1, logStartOffset: -1 });
    }
    expect(log.read(5, uncommitted)).toMatchObject({ errorCode: 0, highWatermark: 5, records: Buffer.alloc(0) });
  });

  it('returns a batch that is larger than the limit only when one batch must come', () => {
    const log = newLog();
    appendAll(log, [batchOf({ valueBytes: 5000 }), batchOf({ valueBytes: 10 })]);
    expect(log.read(0, { ...uncommitted, maxBytes: 100, minOneBatch: false }).records).toHaveLength(0);
    for (const maxBytes of [0, 1, 61, 100]) {
      const { records } = log.read(0, { ...uncommitted, maxBytes });
      expect(splitBatches(records).map(rangeOf)).toEqual([[0, 1]]);
    }
  });

  it('begins every fetch with the batch that contains the offset, over segments and limits (property)', () => {
    const plan = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 6 }), valueBytes: fc.integer({ min: 0, max: 400 }) }),
      {
        minLength: 1,
        maxLength: 25,
      },
    );
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 3000 }), fc.boolean(), (shapes, maxBytes, minOneBatch) => {
        const log = newLog({ 'segment.bytes': '4000', 'index.interval.bytes': '300' });
        const expected = shapes.map((shape) => batchOf(shape));
        appendAll(log, expected);
        for (let offset = 0; offset < log.logEndOffset; offset++) {
          const first = expected.findIndex((batch) => nextOffset(batch) > offset);
          const { records } = log.read(offset, { ...uncommitted, maxBytes, minOneBatch });
          const got = splitBatches(records);
          expect(minOneBatch ? got.length > 0 : records.length <= maxBytes).toBe(true);
          expect(Buffer.concat(expected.slice(first, first + got.length)).equals(records)).toBe(true);
          // No room may be left unused that a whole further batch of the segment would have fitted into.
          const next = expected[first + got.length];
          const isSameSegment = next && log.segments.every((segment) => segment.baseOffset !== baseOffset(next));
          const wasted = got.length > 0 && isSameSegment && records.length + next.length <= maxBytes;
          expect(wasted).not.toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('counts what a parked fetch could read', () => {
    const log = newLog({ 'segment.bytes': '300' });
    const batches = [batchOf({ count: 2 }), batchOf({ count: 1 })];
    appendAll(log, batches);
    const all = batches[0]!.length + batches[1]!.length;
    expect([0, 1, 2, 3].map((offset) => log.readableBytes(offset, 'read_uncommitted'))).toEqual([
      all,
      all,
      batches[1]!.length,
      0,
    ]);
    appendAll(log, [batchOf({ valueBytes: 100 })]);
    expect(log.readableBytes(0, 'read_uncommitted')).toBe(Number.POSITIVE_INFINITY);
  });

  it('tells listeners of appends, of a risen start and of its end', () => {
    const log = newLog();
    const changes: string[] = [];
    const undo = log.subscribe((_, change) => changes.push(change));
    appendAll(log, [batchOf()]);
    log.deleteRecordsBefore(-1);
    log.abandon();
    undo();
    expect(changes).toEqual(['append', 'start', 'closed']);
    expect(log.append(batchOf(), client).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(log.read(0, uncommitted).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe('PartitionLog segments and retention', () => {
  it('rolls by size at the next offset and keeps files under their 20-digit names', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: { 'segment.bytes': '400' } });
    appendAll(
      log,
      Array.from({ length: 6 }, () => batchOf({ count: 2, valueBytes: 30 })),
    );
    const bases = log.segments.map((segment) => segment.baseOffset);
    expect(bases.length).toBeGreaterThan(1);
    for (const base of bases) expect(fs.exists(`${DIRECTORY}/${String(base).padStart(20, '0')}.log`)).toBe(true);
    for (const segment of log.segments) expect(segment.size).toBeLessThanOrEqual(400);
    for (const base of bases.slice(1)) {
      expect(fs.exists(`${DIRECTORY}/${String(base).padStart(20, '0')}.snapshot`)).toBe(true);
    }
    expect(readAll(log).map(rangeOf)).toEqual([0, 2, 4, 6, 8, 10].map((base) => [base, base + 2]));
  });

  it('deletes by time, oldest first, stopping at the first segment that is young enough', async () => {
    const clock = new ManualClock(NOW);
    const log = newLog({ 'segment.bytes': '100', 'retention.ms': '1000', 'file.delete.delay.ms': '50' }, clock);
    appendAll(
      log,
      [0, 100, 5000, 200].map((age) => batchOf({ timestamp: NOW + age })),
    );
    expect(log.retain(NOW + 1050)).toBe(1);
    expect(log.logStartOffset).toBe(1);
    expect(log.retain(NOW + 2000)).toBe(1);
    // The third carries a later time; it keeps the older one behind it.
    expect(log.retain(NOW + 3000)).toBe(0);
    expect(log.retain(NOW + 9000)).toBe(2);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([4, 4, 0]);
    appendAll(log, [batchOf()]);
    expect(readAll(log).map(rangeOf)).toEqual([[4, 5]]);
    await clock.advance(50);
  });

  it('deletes by size and keeps at least retention.bytes', () => {
    const log = newLog({ 'segment.bytes': '100', 'retention.bytes': '250', 'retention.ms': '-1' });
    appendAll(
      log,
      Array.from({ length: 6 }, () => batchOf()),
    );
    log.retain(NOW);
    const size = batchOf().length;
    expect(log.sizeBytes).toBeGreaterThanOrEqual(250);
    expect(log.sizeBytes).toBeLessThan(250 + size);
  });

  it('removes the files of a deleted segment after the delay', async () => {
    const clock = new ManualClock(NOW);
    const fs = new MemoryFileSystem({ clock });
    const config = { 'segment.bytes': '100', 'retention.ms': '0', 'file.delete.delay.ms': '1000' };
    const log = openLog(fs, { config, clock });
    appendAll(log, [batchOf(), batchOf()]);
    log.retain(NOW + 10);
    const deleted = () => fs.list(DIRECTORY).filter((name) => name.endsWith('.deleted'));
    expect(deleted()).toContain('00000000000000000000.log.deleted');
    await clock.advance(1000);
    expect(deleted()).toEqual([]);
  });

  it('raises its start by DeleteRecords, within a segment too, and drops segments wholly before it', () => {
    const log = newLog({ 'segment.bytes': '200', 'cleanup.policy': 'compact' });
    appendAll(
      log,
      Array.from({ length: 4 }, () => batchOf({ count: 5 })),
    );
    expect(log.deleteRecordsBefore(21)).toEqual({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 });
    expect(log.deleteRecordsBefore(7)).toEqual({ errorCode: 0, lowWatermark: 7 });
    expect(log.deleteRecordsBefore(3)).toEqual({ errorCode: 0, lowWatermark: 7 });
    expect(log.segments[0]!.baseOffset).toBeLessThanOrEqual(7);
    expect(log.segments[1]!.baseOffset).toBeGreaterThan(7);
    expect(log.read(6, uncommitted).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(rangeOf(splitBatches(log.read(7, uncommitted).records)[0]!)).toEqual([5, 10]);
    expect(log.deleteRecordsBefore(-1)).toEqual({ errorCode: 0, lowWatermark: 20 });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([20, 20]);
  });
});

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

  it('takes every record of a LogAppendTime batch to have the time of the append', () => {
    const log = newLog({ 'message.timestamp.type': 'LogAppendTime' });
    for (const now of [NOW, NOW + 10]) log.append(batchOf({ count: 3, timestamp: 1 }), { origin: 'client', now });
    expect(log.offsetForTimestamp(NOW + 1)).toMatchObject({ offset: 3, timestamp: NOW + 10 });
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

describe('PartitionLog durability', () => {
  it('shares one fsync among all that wait', async () => {
    const fs = new MemoryFileSystem({ trackDurability: true });
    const syncs: string[] = [];
    const gates: Array<() => void> = [];
    fs.beforeSync = (path) => {
      syncs.push(path);
      return new Promise((resolve) => gates.push(resolve));
    };
    const log = openLog(fs, { config: { 'flush.messages': '1' } });
    const waits: Array<Promise<void>> = [];
    const append = () => {
      appendAll(log, [batchOf()]);
      waits.push(log.durable()!);
    };
    append();
    append();
    await flush();
    expect(syncs).toHaveLength(1);
    append();
    append();
    append();
    await flush();
    expect(syncs).toHaveLength(1);
    gates[0]!();
    await Promise.all(waits.slice(0, 2));
    expect(log.recoveryPoint).toBe(2);
    await flush();
    expect(syncs).toHaveLength(2);
    gates[1]!();
    await Promise.all(waits);
    expect(log.recoveryPoint).toBe(5);
    expect(log.durable()).toBeUndefined();
  });

  it('raises the recovery point past a segment only when that is on the device with its indexes', async () => {
    const fs = new MemoryFileSystem({ trackDurability: true });
    const gates: Array<() => void> = [];
    fs.beforeSync = () => new Promise((resolve) => gates.push(resolve));
    const log = openLog(fs, { config: { 'segment.bytes': '200', 'index.interval.bytes': '0' } });
    appendAll(log, [batchOf(), batchOf()]);
    const flushed = log.flush();
    await flush();
    appendAll(log, [batchOf()]); // rolls while the old segment is being synced
    expect(log.segments).toHaveLength(2);
    gates.shift()!();
    await flush();
    expect(log.recoveryPoint).toBe(0);
    let isDone = false;
    void flushed.then(() => {
      isDone = true;
    });
    for (; !isDone; await flush()) gates.shift()?.();
    expect(log.recoveryPoint).toBe(3);
    fs.powerLoss();
    expect(fs.readFile(`${DIRECTORY}/00000000000000000000.index`)).toHaveLength(8);
    expect(fs.readFile(`${DIRECTORY}/00000000000000000002.log`)).toHaveLength(batchOf().length);
  });

  it('asks for nothing without a flush policy, and flushes after flush.ms by the clock', async () => {
    const clock = new ManualClock(NOW);
    const log = newLog({ 'flush.ms': '200' }, clock);
    appendAll(log, [batchOf(), batchOf()]);
    expect(log.durable()).toBeUndefined();
    await clock.advance(199);
    expect(log.recoveryPoint).toBe(0);
    await clock.advance(1);
    expect(log.recoveryPoint).toBe(2);
  });

  it('waits only when flush.messages are reached', async () => {
    const log = newLog({ 'flush.messages': '3' });
    appendAll(log, [batchOf({ count: 2 })]);
    expect(log.durable()).toBeUndefined();
    appendAll(log, [batchOf()]);
    await log.durable();
    expect(log.recoveryPoint).toBe(3);
  });

  it('is closed to writes for good after a failed fsync, and says why', async () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: { 'flush.messages': '1' } });
    appendAll(log, [batchOf()]);
    fs.onOperation = (operation) => (operation === 'sync' ? { code: 'EIO' } : undefined);
    await expect(log.durable()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_FAILED' });
    fs.onOperation = undefined;
    const refused = log.append(batchOf(), client);
    expect(refused).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 });
    expect(refused.errorMessage).toContain('EIO');
    expect(readAll(log)).toHaveLength(1);
    await expect(log.close()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_FAILED' });
  });

  it('refuses writes on a full disk, loses nothing, and goes on when there is room again', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    appendAll(log, [producerBatch({ sequence: 0 })]);
    fs.onOperation = (operation) => (operation === 'write' ? { code: 'ENOSPC', afterBytes: 20 } : undefined);
    const batch = producerBatch({ sequence: 1 });
    const refused = log.append(Buffer.from(batch), client);
    expect(refused).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logStartOffset: 0 });
    expect(log.failure?.message).toContain('ENOSPC');
    expect(fs.readFile(`${DIRECTORY}/00000000000000000000.log`)).toHaveLength(log.sizeBytes);
    fs.onOperation = undefined;
    expect(log.append(Buffer.from(batch), client)).toMatchObject({ errorCode: 0, baseOffset: 1, duplicate: false });
    expect(log.failure).toBeUndefined();
    expect(readAll(log).map(rangeOf)).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it('leaves no empty segment behind when a roll fails', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: { 'segment.bytes': '200' } });
    appendAll(log, [batchOf(), batchOf()]);
    let opened = 0;
    fs.onOperation = (operation, path) => {
      if (path.endsWith('.log')) opened++;
      return operation === 'open' && path.endsWith('02.log') ? { code: 'ENOSPC' } : undefined;
    };
    expect(log.append(batchOf(), client).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(opened).toBe(1);
    fs.onOperation = undefined;
    expect(log.segments).toHaveLength(1);
    expect(log.append(batchOf(), client)).toMatchObject({ errorCode: 0, baseOffset: 2 });
    fs.crash();
    expect(openLog(fs, { lastStop: 'killed' }).logEndOffset).toBe(3);
  });

  it('removes the file of a new segment that could not be made ready', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: { 'segment.bytes': '200' } });
    appendAll(log, [batchOf(), batchOf()]);
    const path = `${DIRECTORY}/00000000000000000002.log`;
    fs.writeFileAtomic(path, 'left by a crash');
    fs.onOperation = (operation) => (operation === 'truncate' ? { code: 'EIO' } : undefined);
    expect(log.append(batchOf(), client).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(fs.exists(path)).toBe(false);
  });

  it('answers a read that the disk refuses with a storage error', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    appendAll(log, [batchOf()]);
    fs.crash();
    expect(log.read(0, uncommitted)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, highWatermark: -1 });
  });

  it('has log, indexes and names on the device once it is closed', async () => {
    const fs = new MemoryFileSystem({ trackDurability: true });
    const log = openLog(fs, { config: { 'index.interval.bytes': '100' } });
    appendAll(
      log,
      Array.from({ length: 5 }, (_, i) => batchOf({ timestamp: NOW + i })),
    );
    const abort = [producerBatch({ sequence: 0, transactional: true }), marker('abort')];
    for (const batch of abort) log.append(batch, coordinator);
    await log.close();
    const files = ['log', 'index', 'timeindex', 'txnindex'].map((e) => `${DIRECTORY}/00000000000000000000.${e}`);
    const before = files.map((file) => fs.readFile(file));
    fs.powerLoss();
    expect(files.map((file) => fs.readFile(file))).toEqual(before);
    expect(before[3]).toHaveLength(34);
  });

  it('is closed to writes when a torn tail cannot be cut off', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    fs.onOperation = (operation) =>
      operation === 'write' || operation === 'truncate' ? { code: 'ENOSPC', afterBytes: 20 } : undefined;
    expect(log.append(batchOf(), client).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    fs.onOperation = undefined;
    expect(log.append(batchOf(), client).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});
