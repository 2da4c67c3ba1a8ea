import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FileFault, MemoryFileSystem } from '../../../src/broker/log/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { segmentPath } from '../../../src/broker/log/segment-files.js';
import { verifyCrc } from '../../../src/protocol/record-batch.js';
import { isControl } from '../../../src/protocol/record-batch-header.js';
import {
  appendAll,
  batchOf,
  DIRECTORY,
  type LogShape,
  marker,
  NOW,
  openLog,
  producerBatch,
  rangeOf,
  readAll,
} from './log-fixture.js';

const config = { 'segment.bytes': '700', 'index.interval.bytes': '100' };
const LOG = segmentPath(DIRECTORY, 0, 'log');

/** A story of 40 appends: plain ones, two idempotent producers, transactions that commit and abort. */
function* story(): Generator<Buffer> {
  let sequence = 0;
  for (let i = 0; i < 10; i++) {
    yield batchOf({ count: 1 + (i % 3), timestamp: NOW + ((i * 7) % 5) * 100 });
    yield producerBatch({ id: 1n, sequence: i * 2, count: 2 });
    yield producerBatch({ id: 2n, sequence, transactional: true });
    sequence++;
    yield marker(i % 2 === 0 ? 'abort' : 'commit', 2n);
  }
}

const append = (log: PartitionLog, batch: Buffer): number =>
  log.append(batch, { origin: isControl(batch) ? 'coordinator' : 'client', now: NOW }).errorCode;

const read = { maxBytes: 1_000_000, minOneBatch: true, isolation: 'read_committed' } as const;

/** What is known of producers and aborted transactions, in a form that can be compared. */
function derivedState(log: PartitionLog) {
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
function stateOf(batches: readonly Buffer[]) {
  const log = openLog(new MemoryFileSystem(), { config });
  for (const batch of batches) {
    const copy = Buffer.from(batch);
    copy.fill(0, 0, 8);
    expect(append(log, copy)).toBe(0);
  }
  return derivedState(log);
}

function expectSound(log: PartitionLog, acknowledged: number): void {
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
function tell(log: PartitionLog): number {
  let acknowledged = 0;
  for (const batch of story()) {
    if (append(log, batch) !== 0) break;
    acknowledged++;
  }
  return acknowledged;
}

/** The file system dies at its `at`-th change, after some bytes of it. */
function dieAt(fs: MemoryFileSystem, at: number, share: number): void {
  let count = 0;
  fs.onOperation = (_operation, _path, bytes): FileFault | undefined =>
    ++count === at ? { code: 'EIO', crash: true, afterBytes: Math.floor(bytes * share) } : undefined;
}

describe('log recovery after a kill', () => {
  it('keeps every acknowledged batch and all derived state, wherever the process dies', () => {
    let died = true;
    for (let at = 1; died; at++) {
      const fs = new MemoryFileSystem();
      const log = openLog(fs, { config });
      dieAt(fs, at, (at % 4) / 4);
      const acknowledged = tell(log);
      died = acknowledged < 40;
      fs.onOperation = undefined;
      fs.crash();
      const recovered = openLog(fs, { config, lastStop: 'killed' });
      expectSound(recovered, acknowledged);
      if (at % 7 !== 0) continue;
      // And it goes on, over a second kill.
      appendAll(recovered, [batchOf()]);
      fs.crash();
      expect(openLog(fs, { config, lastStop: 'killed' }).logEndOffset).toBe(recovered.logEndOffset);
    }
  });

  it('survives dying again while it recovers', () => {
    for (let at = 1; at < 30; at++) {
      const fs = new MemoryFileSystem();
      const log = openLog(fs, { config });
      dieAt(fs, 25, 0.5);
      const acknowledged = tell(log);
      for (const [again, lastStop] of [
        [at, 'killed'],
        [at + 3, 'machine-down'],
      ] as const) {
        dieAt(fs, again, 0.5);
        try {
          openLog(fs, { config, lastStop });
        } catch {
          // that is the point
        }
        fs.onOperation = undefined;
        fs.crash();
      }
      const recovered = openLog(fs, { config, lastStop: 'machine-down' });
      expectSound(recovered, acknowledged);
      expect(append(recovered, batchOf())).toBe(0);
    }
  });

  it('cuts the file off at any byte to a prefix of whole batches', () => {
    const source = new MemoryFileSystem();
    const log = openLog(source, { config: { 'index.interval.bytes': '150' } });
    const times = [0, 30, 10, 50, 40, 90, 60, 120].map((ms) => NOW + ms);
    const batches = times.map((timestamp) => batchOf({ timestamp }));
    appendAll(log, batches);
    log.segments[0]!.seal();
    const [bytes, index, timeIndex] = (['log', 'index', 'timeindex'] as const).map((extension) =>
      source.readFile(segmentPath(DIRECTORY, 0, extension)),
    );
    const ends = batches.map((_, i) => batches.slice(0, i + 1).reduce((sum, batch) => sum + batch.length, 0));
    const lengths = Array.from({ length: bytes!.length + 1 }, (_, length) => length);
    const cuts = lengths.map((length) => [length, length % 2 === 0 ? 'killed' : 'machine-down'] as const);
    for (const [length, lastStop] of [...cuts, ...ends.map((end) => [end, 'killed'] as const)]) {
      const fs = new MemoryFileSystem();
      fs.makeDirectory(DIRECTORY);
      fs.writeFileAtomic(LOG, bytes!.subarray(0, length));
      fs.writeFileAtomic(segmentPath(DIRECTORY, 0, 'index'), index!);
      fs.writeFileAtomic(segmentPath(DIRECTORY, 0, 'timeindex'), timeIndex!);
      const recovered = openLog(fs, { lastStop });
      const whole = ends.filter((end) => end <= length).length;
      expect(readAll(recovered)).toEqual(batches.slice(0, whole));
      expect(fs.readFile(LOG)).toHaveLength(ends[whole - 1] ?? 0);
      const newest = Math.max(-1, ...times.slice(0, whole));
      expect(recovered.segments[0]!.maxTimestamp).toBe(newest);
    }
  });
});

describe('log recovery of a damaged tail', () => {
  it('forgets the time of a batch that is cut off', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    const batches = [0, 10, 500].map((ms) => batchOf({ timestamp: NOW + ms }));
    appendAll(log, batches);
    log.segments[0]!.seal();
    fs.open(LOG).write([Buffer.from([0xff])], batches[0]!.length * 3 - 1);
    const recovered = openLog(fs, { lastStop: 'killed' });
    expect(recovered.segments[0]!.maxTimestamp).toBe(NOW + 10);
    expect(recovered.segments[0]!.timeIndex.entries.count).toBe(0);
    expect(recovered.offsetForTimestamp(NOW + 11).offset).toBe(-1);
  });

  it('takes batches whose offsets fall back for the end of the log', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    appendAll(log, [batchOf({ count: 4 }), batchOf()]);
    const bytes = fs.readFile(LOG);
    fs.writeFileAtomic(LOG, Buffer.concat([bytes, bytes]));
    const recovered = openLog(fs, { lastStop: 'killed' });
    expect(recovered.logEndOffset).toBe(5);
    expect(fs.readFile(LOG)).toEqual(bytes);
  });
});

describe('log recovery after the machine went down', () => {
  it('keeps what was synced, and a prefix of whole batches of the rest (property)', async () => {
    const run = async (steps: number, share: number, policy: string, checkpointed: number): Promise<void> => {
      const fs = new MemoryFileSystem({ trackDurability: true });
      const log = openLog(fs, { config: { ...config, 'flush.messages': policy } });
      let durable = 0;
      let done = 0;
      for (const batch of story()) {
        if (done === steps) break;
        append(log, batch);
        done++;
        const pending = log.durable();
        if (pending) await pending;
        if (policy === '1') durable = done;
      }
      const recoveryPoint = Math.floor(log.recoveryPoint * checkpointed);
      fs.powerLoss((_path, synced, written) => synced + Math.floor((written - synced) * share));
      const recovered = openLog(fs, { config, lastStop: 'machine-down', recoveryPoint });
      expectSound(recovered, durable);
      expect(recovered.recoveryPoint).toBeLessThanOrEqual(recovered.logEndOffset);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('1', '6', '9223372036854775807'),
        fc.constantFrom(0, 0.5, 1),
        run,
      ),
      { numRuns: 40 },
    );
  });

  it('drops the segments behind one that lost whole batches', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: { 'segment.bytes': '200' } });
    const batches = Array.from({ length: 6 }, () => batchOf());
    appendAll(log, batches);
    const [first, second] = log.segments;
    expect(second!.size).toBe(2 * batches[0]!.length);
    const handle = fs.open(segmentPath(DIRECTORY, second!.baseOffset, 'log'));
    handle.truncate(batches[0]!.length);
    const recovered = openLog(fs, { config: { 'segment.bytes': '200' }, lastStop: 'machine-down' });
    expect(recovered.logEndOffset).toBe(first!.nextOffset + 1);
    expect(recovered.segments).toHaveLength(2);
  });

  it('cuts at a damaged batch behind the recovery point, and leaves one before it alone', () => {
    const damaged = (position: number, shape: LogShape): number => {
      const fs = new MemoryFileSystem();
      const batches = Array.from({ length: 6 }, () => batchOf());
      appendAll(openLog(fs), batches);
      fs.open(LOG).write([Buffer.from([0xff])], batches[0]!.length * position + 65);
      return openLog(fs, shape).logEndOffset;
    };
    expect(damaged(4, { lastStop: 'machine-down', recoveryPoint: 3 })).toBe(4);
    expect(damaged(1, { lastStop: 'machine-down', recoveryPoint: 3 })).toBe(6);
    expect(damaged(5, { lastStop: 'killed' })).toBe(5);
    expect(damaged(5, { lastStop: 'clean' })).toBe(6);
  });
});

describe('log recovery of indexes and starts', () => {
  const indexed = { 'index.interval.bytes': '150' };

  function stored(): { fs: MemoryFileSystem; index: Buffer; times: Buffer } {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: indexed });
    appendAll(
      log,
      Array.from({ length: 12 }, (_, i) => batchOf({ count: 2, timestamp: NOW + i * 10 })),
    );
    log.segments[0]!.seal();
    return {
      fs,
      index: fs.readFile(segmentPath(DIRECTORY, 0, 'index')),
      times: fs.readFile(segmentPath(DIRECTORY, 0, 'timeindex')),
    };
  }

  it('rebuilds indexes that are missing, torn, foreign or padded, byte for byte', () => {
    const breakages: Array<(index: Buffer, times: Buffer) => [Buffer | undefined, Buffer | undefined]> = [
      () => [undefined, undefined],
      (index, times) => [index.subarray(0, 11), times],
      (index, times) => [index, times.subarray(0, 13)],
      (index, times) => [Buffer.from(index).fill(0x7f, 8), times],
      (index, times) => [Buffer.concat([index, Buffer.alloc(80)]), Buffer.concat([times, Buffer.alloc(120)])],
      (_index, times) => [Buffer.alloc(80), times],
    ];
    for (const broken of breakages) {
      const { fs, index, times } = stored();
      const [brokenIndex, brokenTimes] = broken(index, times);
      for (const [extension, content] of [
        ['index', brokenIndex],
        ['timeindex', brokenTimes],
      ] as const) {
        const path = segmentPath(DIRECTORY, 0, extension);
        if (content) fs.writeFileAtomic(path, content);
        else fs.remove(path);
      }
      const log = openLog(fs, { config: indexed });
      expect(log.logEndOffset).toBe(24);
      expect(log.segments[0]!.maxTimestamp).toBe(NOW + 111);
      log.segments[0]!.seal();
      expect(fs.readFile(segmentPath(DIRECTORY, 0, 'index'))).toEqual(index);
      expect(fs.readFile(segmentPath(DIRECTORY, 0, 'timeindex'))).toEqual(times);
    }
  });

  it('holds the LAST offset of a batch in its index entries, one per interval', () => {
    const { fs, index } = stored();
    const size = batchOf({ count: 2 }).length;
    const every = Math.floor(150 / size) + 1;
    expect(index.length % 8).toBe(0);
    for (let entry = 0; entry < index.length / 8; entry++) {
      const position = index.readInt32BE(entry * 8 + 4);
      expect(position).toBe((entry + 1) * every * size);
      expect(index.readInt32BE(entry * 8)).toBe((position / size) * 2 + 1);
    }
    expect(fs.readFile(LOG)).toHaveLength(12 * size);
  });

  it('starts empty at a log start that lies behind the end', () => {
    const { fs } = stored();
    const log = openLog(fs, { logStartOffset: 100 });
    expect([log.logStartOffset, log.logEndOffset, log.segments.length]).toEqual([100, 100, 1]);
    appendAll(log, [batchOf()]);
    expect(readAll(log).map(rangeOf)).toEqual([[100, 101]]);
  });

  it('takes up a cleanly closed log without reading more than its end', async () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config });
    expect(tell(log)).toBe(40);
    const before = derivedState(log);
    await log.close();
    const again = openLog(fs, { config, recoveryPoint: log.recoveryPoint });
    expect(derivedState(again)).toEqual(before);
    expectSound(again, 40);
    expect(again.recoveryPoint).toBe(again.logEndOffset);
  });

  it('uses an older snapshot when the newest is damaged', async () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config });
    tell(log);
    const before = derivedState(log);
    await log.close();
    const path = segmentPath(DIRECTORY, log.logEndOffset, 'snapshot');
    const bytes = fs.readFile(path);
    bytes[20]! ^= 1;
    fs.writeFileAtomic(path, bytes);
    expect(derivedState(openLog(fs, { config }))).toEqual(before);
  });

  it('does not believe a snapshot from behind the end', async () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs);
    for (const sequence of [0, 1, 2]) append(log, producerBatch({ sequence }));
    await log.close();
    fs.open(LOG).truncate(producerBatch({ sequence: 0 }).length);
    const recovered = openLog(fs, { lastStop: 'machine-down' });
    const again = recovered.append(producerBatch({ sequence: 1 }), { origin: 'client', now: NOW });
    expect(again).toMatchObject({ errorCode: 0, baseOffset: 1, duplicate: false });
  });

  it('completes a compaction that was being swapped in, and undoes one that was not finished', () => {
    const compacted = (extra: (fs: MemoryFileSystem) => void): PartitionLog => {
      const fs = new MemoryFileSystem();
      const log = openLog(fs, { config: { 'segment.bytes': '200' } });
      appendAll(
        log,
        Array.from({ length: 6 }, () => batchOf()),
      );
      // Output that took the place of the first two segments: only the first batch of each is left.
      const kept = readAll(log).filter((_, i) => i === 0 || i === 3);
      fs.writeFileAtomic(`${LOG}.swap`, Buffer.concat(kept));
      fs.writeFileAtomic(`${segmentPath(DIRECTORY, 4, 'log')}.deleted`, 'x');
      extra(fs);
      const tidied = openLog(fs, { config: { 'cleanup.policy': 'compact' } });
      expect(fs.list(DIRECTORY).filter((name) => /swap|cleaned|deleted/.test(name))).toEqual([]);
      return tidied;
    };
    const swapped = compacted(() => undefined);
    expect(readAll(swapped).map(rangeOf)).toEqual([
      [0, 1],
      [3, 4],
      [4, 5],
      [5, 6],
    ]);
    expect(swapped.read(1, { ...read, isolation: 'read_uncommitted' }).records.readBigInt64BE(0)).toBe(3n);
    expect(swapped.read(1, { ...read, maxBytes: 1 }).records.readBigInt64BE(0)).toBe(3n);
    const undone = compacted((fs) => fs.writeFileAtomic(`${LOG}.cleaned`, 'half'));
    expect(readAll(undone)).toHaveLength(6);
  });

  it('reads over a gap at the end of a segment into the next one', () => {
    const fs = new MemoryFileSystem();
    appendAll(
      openLog(fs, { config: { 'segment.bytes': '200' } }),
      Array.from({ length: 4 }, () => batchOf()),
    );
    fs.open(LOG).truncate(batchOf().length);
    const log = openLog(fs, { config: { 'cleanup.policy': 'compact' } });
    expect(log.read(1, read).records.readBigInt64BE(0)).toBe(2n);
  });

  it('finds leader epochs again in the batches when their file is gone', async () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config });
    appendAll(log, [batchOf({ count: 3 })]);
    log.setLeaderEpoch(2);
    appendAll(log, [batchOf()]);
    await log.close();
    expect(fs.readFile(`${DIRECTORY}/leader-epoch-checkpoint`).toString()).toBe('0\n2\n0 0\n2 3\n');
    fs.remove(`${DIRECTORY}/leader-epoch-checkpoint`);
    const again = openLog(fs, { config });
    expect(again.leaderEpoch).toBe(2);
    expect(again.offsetForLeaderEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 3 });
  });
});
