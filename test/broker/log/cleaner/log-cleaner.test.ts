import { describe, expect, it } from '@jest/globals';
import { DEFAULT_CLEANER_SETTINGS } from '../../../../src/broker/log/cleaner/log-cleaner.js';
import { type FileOperation } from '../../../../src/broker/log/disk/memory-file-system.js';
import { type PartitionLog } from '../../../../src/broker/log/partition-log.js';
import { verifyCrc } from '../../../../src/protocol/record-batch.js';
import { flush } from '../../../support/manual-clock.js';
import { marker, NOW, producerBatch, readAll } from '../log-fixture.js';
import { append, BACKOFF_MS, CleanerMachine, COMPACT, filesOf, keyed, left } from './cleaner-fixture.js';

/** Offsets from `from` on: one record a batch, five keys in turn, the offset as the value. */
function fill(log: PartitionLog, from: number, to: number): void {
  for (let i = from; i < to; i++) append(log, keyed([[`k${i % 5}`, `v${i}`]]));
}

const activeBase = (log: PartitionLog): number => log.segments.at(-1)!.baseOffset;
const offsets = (log: PartitionLog): number[] => left(log).map(({ offset }) => offset);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('LogCleaner', () => {
  it('keeps the last value of each key at its offset, and leaves the active segment alone', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    const active = activeBase(log);
    await machine.clean();
    expect(offsets(log)).toEqual(range(active - 5, 60));
    expect(left(log).every(({ offset, value }) => value === `v${offset}`)).toBe(true);
    expect(readAll(log).every((batch) => verifyCrc(batch))).toBe(true);
    expect(machine.fs.readFile('/data/cleaner-offset-checkpoint').toString()).toBe(`0\n1\nt 0 ${active}\n`);
    expect(machine.messages).toEqual([]);
    await logs.stop();
  });

  it('brings 20,000 updates of 100 keys down to the last one of each, in order', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: { ...COMPACT, 'segment.bytes': '50000' } });
    const last = new Map<string, string>();
    for (let i = 0; i < 1000; i++) {
      const batch = range(i * 20, i * 20 + 20).map((n) => [`key-${(n * 7919) % 100}`, `value ${n}`] as const);
      append(log, keyed(batch, i % 3 === 0 ? { compression: 'gzip' } : {}));
      for (const [key, value] of batch) last.set(key, value);
    }
    await machine.clean();
    expect(log.sizeBytes).toBeLessThan(100_000);
    const rest = left(log);
    expect(new Map(rest.map(({ key, value }) => [key!, value!]))).toEqual(last);
    expect(rest.map(({ offset }) => offset)).toEqual(rest.map(({ offset }) => offset).sort((a, b) => a - b));
    await logs.stop();
  });

  it('answers reads at every offset with what follows the gap', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    await machine.clean();
    const all = offsets(log);
    for (let offset = 0; offset < 60; offset++) {
      const { errorCode, records } = log.read(offset, {
        maxBytes: 1,
        minOneBatch: true,
        isolation: 'read_uncommitted',
      });
      expect([errorCode, records.readInt32BE(4)]).toEqual([0, all.find((known) => known >= offset)]);
    }
    await logs.stop();
  });

  it('puts small segments together, removes what they were made from, and comes up again with the same', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    await machine.clean();
    fill(log, 60, 80);
    const active = activeBase(log);
    await machine.clean();
    expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 52, 65, active]);
    await machine.clock.advance(1000); // file.delete.delay.ms
    const suffixes = filesOf(machine.fs, log.directory).filter((name) => /deleted|swap|cleaned/.test(name));
    expect(suffixes).toEqual([]);
    const before = left(log);
    await logs.stop();
    const again = await machine.start();
    expect(left(again.get('t', 0)!)).toEqual(before);
    expect(again.get('t', 0)!.logEndOffset).toBe(80);
    await again.stop();
  });

  it('goes on from where it was after a restart: nothing is cleaned twice', async () => {
    const machine = new CleanerMachine();
    const first = await machine.start();
    fill(first.create('t', 0, { config: COMPACT }), 0, 60);
    await machine.clean();
    await first.stop();
    const second = await machine.start();
    second.configure('t', COMPACT);
    const written: string[] = [];
    machine.fs.onOperation = (operation, path) => {
      if (operation === 'open' && path.includes('.cleaned')) written.push(path);
      return undefined;
    };
    await machine.clean();
    expect(written).toEqual([]);
    await second.stop();
  });

  it('begins anew with a topic that was deleted and made again', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    fill(logs.create('t', 0, { config: COMPACT }), 0, 60);
    await machine.clean();
    logs.delete('t', 0);
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 80);
    const active = activeBase(log);
    await machine.clean();
    expect(offsets(log)).toEqual(range(active - 5, 80));
    await logs.stop();
  });

  it('acts as soon as the policy of a topic says so, and stops when it no longer does', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: { ...COMPACT, 'cleanup.policy': 'delete' } });
    fill(log, 0, 60);
    await machine.clean();
    expect(offsets(log)).toHaveLength(60);
    logs.configure('t', COMPACT);
    await machine.clean();
    const rest = offsets(log).length;
    expect(rest).toBeLessThan(20);
    logs.configure('t', { ...COMPACT, 'cleanup.policy': 'delete' });
    fill(log, 60, 120);
    await machine.clean();
    expect(offsets(log)).toHaveLength(rest + 60);
    await logs.stop();
  });

  it('cleans only above min.cleanable.dirty.ratio', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const config = { ...COMPACT, 'min.cleanable.dirty.ratio': '0.9' };
    const log = logs.create('t', 0, { config });
    // Nothing can be dropped: what is clean stays as large as it was.
    for (let i = 0; i < 60; i++) append(log, keyed([[`k${i}`, `v${i}`]]));
    await machine.clean();
    const clean = activeBase(log);
    for (let i = 60; i < 120; i++) append(log, keyed([['same', `v${i}`]]));
    await machine.clean();
    expect(offsets(log)).toHaveLength(120);
    logs.configure('t', { ...config, 'min.cleanable.dirty.ratio': '0.3' });
    await machine.clean();
    expect(offsets(log).filter((offset) => offset >= clean).length).toBeLessThan(30);
    await logs.stop();
  });

  it('waits for min.compaction.lag.ms', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: { ...COMPACT, 'min.compaction.lag.ms': '60000' } });
    fill(log, 0, 60);
    await machine.clean();
    expect(offsets(log)).toHaveLength(60);
    await machine.clock.advance(60_000);
    expect(offsets(log).length).toBeLessThan(20);
    await logs.stop();
  });

  it('removes a tombstone delete.retention.ms after the cleaning that first met it, never before', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    append(log, keyed([['gone', 'value']]));
    append(log, keyed([['gone', null]]));
    const isThere = (): boolean => left(log).some(({ key }) => key === 'gone');
    let next = 2;
    const cleanMore = async (): Promise<void> => {
      fill(log, next, next + 30);
      next += 30;
      await machine.clean();
    };
    await cleanMore();
    expect(left(log).filter(({ key }) => key === 'gone')).toEqual([
      { offset: 1, key: 'gone', value: undefined, timestamp: NOW },
    ]);
    await cleanMore(); // 15 s after the horizon was set
    await cleanMore();
    await cleanMore();
    expect(isThere()).toBe(true);
    await cleanMore();
    expect(isThere()).toBe(false);
    await logs.stop();
  });

  it('never goes beyond an open transaction, drops aborted data, and keeps what was committed', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    const write = (id: bigint, sequence: number, value: string) =>
      append(
        log,
        keyed([['k', value]], { producerId: id, producerEpoch: 0, baseSequence: sequence, transactional: true }),
      );
    write(1n, 0, 'committed');
    append(log, marker('commit', 1n));
    const aborted = write(2n, 0, 'aborted');
    append(log, marker('abort', 2n));
    const open = write(3n, 0, 'open');
    for (let i = 5; i < 60; i++) append(log, keyed([[`x${i % 5}`, `v${i}`]]));
    await machine.clean();
    expect(offsets(log)).toHaveLength(58); // all lies behind the open transaction's segment, or in it
    append(log, marker('abort', 3n));
    await machine.clean();
    const rest = left(log);
    expect(rest.find(({ key }) => key === 'k')).toMatchObject({ offset: 0, value: 'committed' });
    expect(rest.filter(({ offset }) => offset === aborted || offset === open)).toEqual([]);
    expect(log.lastStableOffset).toBe(log.logEndOffset);
    const { abortedTransactions } = log.read(0, { maxBytes: 1e6, minOneBatch: true, isolation: 'read_committed' });
    expect(abortedTransactions).toEqual(expect.arrayContaining([{ producerId: 2n, firstOffset: aborted }]));
    await logs.stop();
  });

  it('keeps what idempotent producers go on from', async () => {
    const machine = new CleanerMachine();
    const first = await machine.start();
    const log = first.create('t', 0, { config: COMPACT });
    const sent = producerBatch({ id: 9n, sequence: 0, count: 3 });
    const second = producerBatch({ id: 9n, sequence: 3, count: 2 });
    append(log, Buffer.from(sent));
    append(log, Buffer.from(second));
    for (let i = 0; i < 60; i++) append(log, keyed([['k', `v${i}`]]));
    await machine.clean();
    expect(left(log)[0]!.offset).toBeGreaterThan(5);
    await machine.clock.advance(5000);
    machine.fs.crash();
    for (const name of filesOf(machine.fs, '/data/t-0')) {
      if (name.endsWith('.snapshot')) machine.fs.remove(`/data/t-0/${name}`);
    }
    const again = (await machine.start()).get('t', 0)!;
    const repeated = again.append(second, { origin: 'client', now: NOW });
    expect(repeated).toMatchObject({ errorCode: 0, duplicate: true, baseOffset: 3 });
    const gap = producerBatch({ id: 9n, sequence: 6 });
    expect(again.append(gap, { origin: 'client', now: NOW }).errorCode).toBe(45);
    expect(append(again, producerBatch({ id: 9n, sequence: 5 }))).toBe(65);
  });

  it('lets compact,delete drop whole segments by age too, empty ones among them', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start({ retentionCheckIntervalMs: 1000 });
    const config = { ...COMPACT, 'cleanup.policy': 'compact,delete', 'retention.ms': '600000' };
    const log = logs.create('t', 0, { config });
    fill(log, 0, 60);
    await machine.clean();
    expect(log.segments.some(({ size }) => size === 0)).toBe(true);
    await machine.clock.advance(590_000);
    expect(log.logStartOffset).toBe(0);
    await machine.clock.advance(20_000); // an empty segment is as old as its file
    expect(log.logStartOffset).toBe(60);
    expect(log.sizeBytes).toBe(0);
    await logs.stop();
  });

  it.each<[string, (log: PartitionLog, machine: CleanerMachine) => unknown]>([
    ['its records are deleted', (log) => log.deleteRecordsBefore(40)],
    ['its topic is deleted', (_, machine) => machine.logs!.delete('t', 0)],
    ['its policy changes', (_, machine) => machine.logs!.configure('t', {})],
    ['the broker stops', (_, machine) => machine.logs!.stop()],
  ])('ends well when, while a log is cleaned, %s', async (_, event) => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    const all = left(log);
    let release: () => void = () => undefined;
    let isWaiting = false;
    machine.fs.beforeSync = (path) => {
      if (!path.endsWith('00.log.cleaned')) return Promise.resolve();
      isWaiting = true;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    await machine.clock.advance(BACKOFF_MS);
    expect(isWaiting).toBe(true);
    const done = event(log, machine);
    machine.fs.beforeSync = undefined;
    release();
    await done;
    await flush();
    expect(machine.messages).toEqual([]);
    const names = filesOf(machine.fs, log.directory).filter((name) => /swap|cleaned/.test(name));
    expect(names).toEqual([]);
    const expected = log.isClosed ? [] : all.filter(({ offset }) => offset >= log.logStartOffset);
    expect(log.isClosed ? [] : left(log)).toEqual(expected);
    await logs.stop();
  });

  it('goes on with appends while it works', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    let next = 60;
    machine.fs.beforeSync = (path) => {
      if (path.endsWith('.log.cleaned') && next < 120) {
        fill(log, next, next + 10);
        next += 10;
      }
      return Promise.resolve();
    };
    await machine.clean();
    machine.fs.beforeSync = undefined;
    expect(next).toBe(120);
    const active = activeBase(log);
    expect(offsets(log)).toEqual(range(active - 5, 120));
    await logs.stop();
  });

  it('tries again once a full disk has room, and says so', async () => {
    const machine = new CleanerMachine();
    const logs = await machine.start();
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    const latest = left(log).slice(-5);
    machine.fs.onOperation = (operation, path) =>
      operation === 'write' && path.includes('.cleaned') ? { code: 'ENOSPC', afterBytes: 10 } : undefined;
    await machine.clean();
    expect(machine.messages).toEqual([expect.stringMatching(/^t-0 could not be compacted: ENOSPC.*free disk space/)]);
    expect(left(log).slice(-5)).toEqual(latest);
    expect(filesOf(machine.fs, log.directory).filter((name) => /swap|cleaned/.test(name))).toEqual([]);
    machine.fs.onOperation = undefined;
    await machine.clean();
    expect(left(log).length).toBeLessThan(20);
    await logs.stop();
  });

  it('starts again after a search that broke off, which its metrics tell', async () => {
    const machine = new CleanerMachine();
    let breaks = true;
    const ioBytesPerSecond = (): number => {
      if (breaks) throw new Error('crash of the cleaner');
      return Number.POSITIVE_INFINITY;
    };
    const logs = await machine.start({ cleaner: { ...DEFAULT_CLEANER_SETTINGS, ioBytesPerSecond } });
    const log = logs.create('t', 0, { config: COMPACT });
    fill(log, 0, 60);
    await machine.clean();
    expect(logs.cleaner).toMatchObject({ brokenOff: 1, failure: 'crash of the cleaner', cleanings: 0 });
    expect(machine.messages).toEqual([expect.stringMatching(/^compaction was broken off: crash of the cleaner/)]);
    breaks = false;
    await machine.clean();
    expect(logs.cleaner).toMatchObject({ brokenOff: 1, failure: undefined, cleanings: 1, uncleaned: [] });
    expect(left(log).length).toBeLessThan(20);
    await logs.stop();
  });

  it.each<[FileOperation, RegExp]>([
    ['write', /cleaned/],
    ['sync', /cleaned/],
    ['rename', /cleaned/],
    ['syncDirectory', /t-0/],
    ['rename', /swap/],
    ['rename', /0\.log$/],
  ])(
    'leaves a log readable and writable when %s of %s fails, and lets it be until the next start',
    async (op, path) => {
      const machine = new CleanerMachine();
      const logs = await machine.start();
      const log = logs.create('t', 0, { config: COMPACT });
      const other = logs.create('u', 0, { config: COMPACT });
      fill(log, 0, 60);
      fill(other, 0, 60);
      await log.flush();
      const latest = left(log).slice(-5);
      let failures = 0;
      machine.fs.onOperation = (operation, name) => {
        if (operation !== op || !path.test(name) || !name.includes('t-0')) return undefined;
        failures++;
        return { code: 'EIO' };
      };
      await machine.clean();
      machine.fs.onOperation = undefined;
      await machine.clean();
      expect(failures).toBe(1);
      expect(machine.messages).toEqual([expect.stringMatching(/^t-0 could not be compacted: EIO.*restart the broker/)]);
      expect(logs.cleaner.uncleaned).toEqual([
        { topicPartition: log.topicPartition, reason: expect.stringContaining('EIO'), isForGood: true },
      ]);
      expect(left(other).length).toBeLessThan(20);
      expect(left(log).slice(-5)).toEqual(latest);
      append(log, keyed([['k', 'v']]));
      await logs.stop();
      const again = await machine.start();
      again.configure('t', COMPACT);
      await machine.clean();
      expect(left(again.get('t', 0)!).length).toBeLessThan(20);
      await again.stop();
    },
  );
});
