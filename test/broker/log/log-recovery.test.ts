import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FileFault, MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { segmentPath } from '../../../src/broker/log/segment/segment-files.js';
import { appendAll, batchOf, DIRECTORY, type LogShape, NOW, openLog, readAll } from './log-fixture.js';
import { append, config, expectSound, LOG, story, tell } from './recovery-fixture.js';

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
