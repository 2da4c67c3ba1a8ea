import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { recordsOf, verifyCrc } from '../../../src/protocol/record-batch.js';
import { baseOffset, leaderEpoch, maxTimestamp, nextOffset } from '../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../support/manual-clock.js';
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
const _coordinator = { origin: 'coordinator', now: NOW } as const;
const uncommitted = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_uncommitted' } as const;
const _committed = { ...uncommitted, isolation: 'read_committed' } as const;

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

  it('keeps what an open transaction wrote, and all behind it, until it ends', () => {
    const log = newLog({ 'segment.bytes': '100', 'retention.ms': '1000', 'retention.bytes': '1' });
    appendAll(log, [batchOf(), producerBatch({ sequence: 0, transactional: true }), batchOf()]);
    expect(log.retain(NOW + 9_000)).toBe(1);
    expect([log.logStartOffset, log.lastStableOffset]).toEqual([1, 1]);
    expect(log.append(marker('commit'), { origin: 'coordinator', now: NOW }).errorCode).toBe(0);
    expect(log.retain(NOW + 9_000)).toBeGreaterThan(1);
    expect(log.logStartOffset).toBe(4);
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
