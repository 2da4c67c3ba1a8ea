import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FileFault } from '../../../../src/broker/log/disk/memory-file-system.js';
import { type LogManager } from '../../../../src/broker/log/log-manager.js';
import { type PartitionLog } from '../../../../src/broker/log/partition-log.js';
import { isControl } from '../../../../src/protocol/record-batch-header.js';
import { flush, ManualClock } from '../../../support/manual-clock.js';
import { CleanerMachine, COMPACT, type Entry, filesOf } from './cleaner-fixture.js';
import { LogModel } from './log-model.js';

// Compaction beside a model of the log, with deaths of process and machine in between.

const DELETE_RETENTION_MS = 40_000;
const CONFIG = { ...COMPACT, 'segment.bytes': '600', 'delete.retention.ms': String(DELETE_RETENTION_MS) };
const KEYS = ['a', 'b', 'c', 'd', 'e'];

/** A machine on which one compacted log lives, through crashes. */
class Life {
  machine = new CleanerMachine();
  readonly model = new LogModel(DELETE_RETENTION_MS);
  logs!: LogManager;
  log!: PartitionLog;
  isDead = false;
  #boot = 1;
  #value = 0;

  async start(): Promise<this> {
    this.logs = await this.machine.start({ bootId: 'boot 1' });
    this.log = this.logs.create('t', 0, { config: CONFIG });
    return this;
  }

  /** The file system dies at its `at`-th change from now on, after part of it; nothing works until the next start. */
  dieAt(at: number): void {
    let count = 0;
    this.machine.fs.onOperation = (_operation, _path, bytes): FileFault | undefined => {
      count++;
      if (this.isDead) return { code: 'EIO' };
      if (count < at) return undefined;
      this.isDead = true;
      return { code: 'EIO', crash: true, afterBytes: Math.floor((bytes * (at % 4)) / 4) };
    };
  }

  async revive(how: 'killed' | 'machine-down', keep = 0): Promise<void> {
    const { machine } = this;
    this.isDead = true;
    machine.fs.onOperation = () => ({ code: 'EIO' });
    machine.fs.crash();
    await flush(6); // what was under way fails
    machine.fs.onOperation = undefined;
    this.isDead = false;
    if (how === 'machine-down') {
      machine.fs.powerLoss((_path, synced, written) => synced + Math.floor((written - synced) * keep));
    }
    // Timers of the dead must not run: time goes on from where it was, on another clock.
    machine.clock = new ManualClock(machine.clock.now());
    if (how === 'machine-down') this.#boot++;
    this.logs = await machine.start({ bootId: `boot ${this.#boot}` });
    this.logs.configure('t', CONFIG);
    this.log = this.logs.create('t', 0, { config: CONFIG });
    this.model.lost(this.log.logEndOffset);
    assert.deepEqual(
      filesOf(machine.fs, '/data/t-0').filter((name) => /swap|cleaned|deleted|tmp/.test(name)),
      [],
    );
  }

  send(batch: Buffer): boolean {
    const { machine, log, model } = this;
    const now = machine.clock.now();
    const origin = isControl(batch) ? 'coordinator' : 'client';
    const { errorCode, baseOffset } = log.append(batch, { origin, now });
    if (errorCode === 0) model.appended(batch, baseOffset, now);
    else assert.deepEqual([errorCode, this.isDead], [56, true]);
    return errorCode === 0;
  }

  write(
    keys: readonly string[],
    kind: 'plain' | 'idempotent' | 'transactional',
    tombstone: boolean,
    gzip = false,
  ): void {
    const now = this.machine.clock.now();
    const entries = keys.map((key): Entry => [key, tombstone ? null : `value ${this.#value++}`]);
    const compression = gzip ? 'gzip' : 'none';
    const id = kind === 'idempotent' ? 1n : 2n;
    const producer = kind === 'plain' ? undefined : { id, transactional: kind === 'transactional' };
    this.send(this.model.batch(entries, now, producer, compression));
  }

  end(type: 'commit' | 'abort'): void {
    if (this.model.isOpen(2n)) this.send(this.model.marker(2n, type, this.machine.clock.now()));
  }

  check(): void {
    this.model.check(this.log, this.machine.clock.now());
  }

  async cleanAndCheck(): Promise<void> {
    const before = this.machine.messages.length;
    await this.machine.clean();
    assert.deepEqual(this.machine.messages.slice(before), []);
    this.check();
    const { segments, lastStableOffset } = this.log;
    this.model.checkCompacted(
      this.log,
      segments.findLast(({ baseOffset }) => baseOffset <= lastStableOffset)!.baseOffset,
    );
  }
}

async function tellStory(life: Life): Promise<void> {
  for (let i = 0; i < 22; i++) {
    life.write([KEYS[i % 5]!, KEYS[(i * 3) % 5]!], i % 3 === 0 ? 'idempotent' : 'plain', i % 11 === 5, i % 4 === 1);
    if (i % 4 === 2) life.write([KEYS[i % 3]!], 'transactional', false);
    if (i % 6 === 5) life.end(i % 12 === 5 ? 'abort' : 'commit');
    if (i === 10) await life.machine.clean();
  }
  life.end('abort');
  for (let i = 0; i < 6; i++) life.write(['a', 'z'], 'plain', false);
}

describe('compaction and crashes', () => {
  it.each(['killed', 'machine-down'] as const)(
    'loses and revives nothing, at whichever change it is %s',
    async (how) => {
      let hasDied = true;
      let at = 0;
      while (hasDied) {
        at += how === 'killed' ? 1 : 2;
        const life = await new Life().start();
        await tellStory(life);
        await life.log.flush();
        const end = life.log.logEndOffset;
        life.dieAt(at);
        await life.machine.clean();
        hasDied = life.isDead;
        await life.revive(how);
        expect(life.log.logEndOffset).toBe(end);
        life.check();
        if (at % 6 === 1) {
          // And it is completed, over a second death while the first one is being recovered from.
          life.dieAt(1 + (at % 7));
          await life.revive('killed');
          life.check();
        }
        await life.cleanAndCheck();
        life.write(['a'], 'idempotent', false);
      }
      expect(at).toBeGreaterThan(30);
    },
    30_000,
  );

  const keys = fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 4 });
  const kind = fc.constantFrom('plain', 'plain', 'idempotent', 'transactional' as const);
  const step = fc.oneof(
    { weight: 30, arbitrary: fc.record({ do: fc.constant('write' as const), keys, kind, gzip: fc.boolean() }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('delete' as const), keys, kind, gzip: fc.boolean() }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('end' as const), type: fc.constantFrom('commit', 'abort' as const) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('clean' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('deleteRecords' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('die' as const),
        at: fc.integer({ min: 1, max: 60 }),
        how: fc.constantFrom('killed', 'machine-down' as const),
        keep: fc.constantFrom(0, 0.5, 1),
      }),
    },
  );

  it('holds for any history', async () => {
    const histories = fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }), async (steps) => {
        const life = await new Life().start();
        for (const action of steps) {
          switch (action.do) {
            case 'write':
            case 'delete':
              life.write(action.keys, action.kind as 'plain', action.do === 'delete', action.gzip);
              break;
            case 'end':
              life.end(action.type as 'commit');
              break;
            case 'clean':
              await life.cleanAndCheck();
              break;
            case 'wait':
              await life.machine.clock.advance(DELETE_RETENTION_MS);
              break;
            case 'deleteRecords':
              life.log.deleteRecordsBefore(Math.floor(life.log.logEndOffset * action.share));
              break;
            case 'die':
              life.dieAt(action.at);
              life.write(['a', 'b'], 'plain', false);
              await life.machine.clean();
              await life.revive(action.how as 'killed', action.keep);
              life.check();
          }
        }
        await life.cleanAndCheck();
      }),
      { numRuns: 10, endOnFailure: true },
    );
    await expect(histories).resolves.toBeUndefined();
  }, 30_000);
});
