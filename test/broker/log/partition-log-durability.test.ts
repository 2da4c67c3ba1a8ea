import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { flush, ManualClock } from '../../support/manual-clock.js';
import { appendAll, batchOf, DIRECTORY, marker, NOW, openLog, producerBatch, rangeOf, readAll } from './log-fixture.js';

const client = { origin: 'client', now: NOW } as const;
const coordinator = { origin: 'coordinator', now: NOW } as const;
const uncommitted = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_uncommitted' } as const;
const _committed = { ...uncommitted, isolation: 'read_committed' } as const;

const newLog = (config: Record<string, string> = {}, clock = new ManualClock(NOW)): PartitionLog =>
  openLog(new MemoryFileSystem({ clock }), { config, clock });

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
    fs.onOperation = (operation, at) => (operation === 'truncate' && at === path ? { code: 'EIO' } : undefined);
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
