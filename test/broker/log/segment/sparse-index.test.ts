import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';
import { OpenFiles } from '../../../../src/broker/log/disk/open-files.js';
import { OffsetIndex, TimeIndex } from '../../../../src/broker/log/segment/sparse-index.js';

const rising = (max: number) =>
  fc.uniqueArray(fc.nat(max), { minLength: 1, maxLength: 80 }).map((values) => values.sort((a, b) => a - b));

describe('OffsetIndex', () => {
  it('looks up as a linear scan does, live and read again (property)', () => {
    fc.assert(
      fc.property(rising(500), fc.nat(1_000_000_000), (deltas, base) => {
        const fs = new MemoryFileSystem();
        const live = new OffsetIndex(new OpenFiles(fs), '/i', base);
        for (const [i, delta] of deltas.entries()) live.append(base + delta, (i + 1) * 10);
        live.entries.write();
        const read = new OffsetIndex(new OpenFiles(fs), '/i', base);
        expect(read.isSane(deltas.length * 10 + 1)).toBe(true);
        for (let delta = -1; delta <= 501; delta++) {
          const expected = deltas.filter((known) => known <= delta).length * 10;
          expect(live.lookup(base + delta)).toBe(expected);
          expect(read.lookup(base + delta)).toBe(expected);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('says when many entries are held back, keeps what could not be written, and cuts both file and memory', () => {
    const fs = new MemoryFileSystem();
    const index = new OffsetIndex(new OpenFiles(fs), '/i', 0);
    for (let i = 1; i <= 31; i++) index.append(i, i * 10);
    expect(index.entries.isDue).toBe(false);
    index.append(32, 320);
    expect(index.entries.isDue).toBe(true);
    fs.onOperation = () => ({ code: 'ENOSPC' });
    expect(() => index.entries.write()).toThrow('ENOSPC');
    expect(index.lookup(32)).toBe(320);
    fs.onOperation = undefined;
    index.append(33, 330);
    index.entries.write();
    expect(fs.readFile('/i')).toHaveLength(33 * 8);
    index.truncateTo(200);
    expect([index.entries.count, index.lookup(1000)]).toEqual([19, 190]);
    expect(fs.readFile('/i')).toHaveLength(19 * 8);
  });
});

describe('TimeIndex', () => {
  it('takes rising times only and leads to the place before which all are earlier (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 60 }), (times) => {
        const index = new TimeIndex(new OpenFiles(new MemoryFileSystem()), '/t', 100);
        let max = -1;
        let offsetOfMax = 0;
        times.forEach((time, i) => {
          if (time > max) [max, offsetOfMax] = [time, 100 + i];
          index.maybeAppend(max, offsetOfMax);
        });
        expect(index.lastTimestamp).toBe(max);
        for (let t = 0; t <= 61; t++) {
          const place = index.lookup(t) - 100;
          const first = times.findIndex((time) => time >= t);
          expect(first < 0 || place <= first).toBe(true);
          expect(times.slice(0, place).every((time) => time < t)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('OpenFiles', () => {
  it('keeps the number of descriptors bounded, drops the least used first and active ones last', () => {
    const fs = new MemoryFileSystem();
    const files = new OpenFiles(fs, 3);
    const evicted: string[] = [];
    const [a, b, c, d] = ['/a', '/b', '/c', '/d'].map((path) =>
      files.file(path, 'log', { evicted: () => void evicted.push(path) }),
    );
    a!.isActive = true;
    for (const file of [a, b, c]) file!.handle(true);
    b!.handle();
    d!.handle(true);
    expect([evicted, files.openCount]).toEqual([['/c'], 3]);
    c!.handle();
    expect(evicted).toEqual(['/c', '/b']);
  });

  it('closes a descriptor only when no fsync runs on it', async () => {
    const fs = new MemoryFileSystem();
    let release = (): void => undefined;
    fs.beforeSync = () => new Promise((resolve) => (release = resolve));
    const file = new OpenFiles(fs, 1).file('/a');
    const first = file.handle(true);
    const synced = file.sync();
    file.close();
    expect(first.size()).toBe(0);
    expect(file.handle()).not.toBe(first);
    release();
    await synced;
    expect(() => first.size()).toThrow('EBADF');
    expect(file.handle().size()).toBe(0);
  });
});
