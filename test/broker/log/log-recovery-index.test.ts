import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { segmentPath } from '../../../src/broker/log/segment/segment-files.js';
import { ManualClock } from '../../support/manual-clock.js';
import { appendAll, batchOf, DIRECTORY, NOW, openLog, producerBatch, rangeOf, readAll } from './log-fixture.js';
import { append, config, derivedState, expectSound, LOG, read, tell } from './recovery-fixture.js';

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
      expect([index.length > 11, times.length > 13]).toEqual([true, true]);
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

  it('finds times after a kill although the offset index had come further than the time index', () => {
    const fs = new MemoryFileSystem();
    const log = openLog(fs, { config: indexed });
    // Times that rarely rise: few time entries stand beside many offset entries.
    const times = Array.from({ length: 120 }, (_, i) => NOW + (i === 20 ? 500 : 0) + Math.floor(i / 60));
    appendAll(
      log,
      times.map((timestamp) => batchOf({ timestamp })),
    );
    expect(fs.readFile(segmentPath(DIRECTORY, 0, 'index')).length).toBeGreaterThan(0);
    const after = openLog(fs, { config: indexed, lastStop: 'killed' });
    expect(after.segments[0]!.maxTimestamp).toBe(NOW + 500);
    for (const [wanted, offset] of [
      [NOW, 0],
      [NOW + 1, 20],
      [NOW + 500, 20],
      [NOW + 501, -1],
    ] as const) {
      expect(after.offsetForTimestamp(wanted).offset).toBe(offset);
    }
  });

  it('rebuilds both indexes when the one of times is gone', () => {
    const { fs, index, times } = stored();
    fs.remove(segmentPath(DIRECTORY, 0, 'timeindex'));
    const log = openLog(fs, { config: indexed });
    log.segments[0]!.seal();
    expect(fs.readFile(segmentPath(DIRECTORY, 0, 'index'))).toEqual(index);
    expect(fs.readFile(segmentPath(DIRECTORY, 0, 'timeindex'))).toEqual(times);
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

  it('knows the last five batches of a producer after a kill, also those before the last snapshot', () => {
    const fs = new MemoryFileSystem();
    const batches = Array.from({ length: 40 }, (_, i) =>
      producerBatch({ id: i % 2 === 0 ? 1n : 2n, sequence: i >> 1 }),
    );
    const first = openLog(fs, { config });
    appendAll(first, batches);
    expect(first.segments.length).toBeGreaterThan(3);
    const recent = new ManualClock(NOW + 60_000);
    // The second kill follows before anything new was written: the snapshot of the recovery is all there is.
    for (const _ of ['killed', 'killed again']) {
      const after = openLog(fs, { config, lastStop: 'killed', clock: recent });
      expect([...after.producers()].map((state) => state.batches)).toEqual(
        [...first.producers()].map((state) => state.batches),
      );
    }
    const late = openLog(fs, { config, lastStop: 'killed', clock: new ManualClock(NOW + 3_600_000) });
    expect(Math.max(...[...late.producers()].map((state) => state.batches.length))).toBeLessThan(5);
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
