import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Clock, nextTurn, systemClock } from '../../../src/common/clock.js';
import { silentLogger } from '../../../src/common/logger.js';
import { type KafkaRecord } from '../../../src/common/record.js';
import {
  type Acknowledgment,
  DONE,
  type InvocationContext,
  type ListenerEndpoint,
  type Outcome,
} from '../../../src/runtime/listener/listener-endpoint.js';
import { ThreadPool } from '../../../src/runtime/threads/thread-pool.js';
import { until } from '../../../src/testing/until.js';
import { FakeThread } from '../../support/fake-threads.js';
import { Harness } from '../../support/listener-harness.js';

// The pool under a container, with threads that are none: the test decides when each of them dies.

const turn = (): Promise<void> => new Promise(nextTurn);
/** Nothing here waits for time. */
const hasty: Clock = { ...systemClock, schedule: (_ms, action) => systemClock.schedule(0, action) };

type Handle = (record: KafkaRecord, context: InvocationContext, thread: FakeThread) => Promise<Outcome>;

class PoolBench {
  /** Every thread that was ever started. */
  readonly threads: FakeThread[] = [];
  readonly harness: Harness;

  constructor(threads: number, endpoint: Partial<ListenerEndpoint>, handle: Handle) {
    const isManual = endpoint.ackMode === 'MANUAL';
    const boot = (index: number): Promise<FakeThread> => {
      const invoke = (record: KafkaRecord, context: InvocationContext) => handle(record, context, thread);
      const thread = new FakeThread(`t${index}`, { kind: 'record', invoke }, isManual);
      this.threads.push(thread);
      return Promise.resolve(thread);
    };
    const pool = new ThreadPool({
      listener: 'billing',
      threads,
      boot,
      killAfterMs: 0,
      clock: hasty,
      logger: silentLogger,
    });
    const invoke = (record: KafkaRecord, context: InvocationContext) => pool.invoke([record], context);
    const handler = { kind: 'record', invoke } as ListenerEndpoint['handler'];
    this.harness = new Harness({ endpoint: { order: 'key', handler, executor: pool, ...endpoint } });
  }

  get alive(): FakeThread[] {
    return this.threads.filter(({ isDead }) => !isDead);
  }
}

describe('a pool whose threads die at any moment', () => {
  it('loses nothing, keeps the order of every key, and runs at most W at once', async () => {
    const kills = fc.array(fc.record({ afterTurns: fc.nat(12), which: fc.nat(7) }), { maxLength: 8 });
    const keys = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 });
    const setting = fc.record({
      kills,
      keys,
      threads: fc.integer({ min: 1, max: 3 }),
      workers: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(setting, async ({ kills, keys, threads, workers }) => {
        const ended = new Map<string, number[]>();
        const running = new Map<FakeThread, number>();
        let most = 0;
        const bench = new PoolBench(threads, { workers, order: 'key', ackMode: 'BATCH' }, async (record, _, thread) => {
          running.set(thread, (running.get(thread) ?? 0) + 1);
          most = Math.max(
            most,
            bench.alive.reduce((sum, each) => sum + (running.get(each) ?? 0), 0),
          );
          for (let wait = record.offset % 4; wait > 0; wait--) await turn();
          running.set(thread, running.get(thread)! - 1);
          const key = record.key!.toString();
          // What ends in a thread that is gone is not seen by anybody.
          if (!thread.isDead) ended.set(key, [...(ended.get(key) ?? []), record.offset]);
          return DONE;
        });
        const { harness } = bench;
        await harness.start();
        for (const key of keys) harness.kafka.push('orders', 0, `k${key}`);
        for (const { afterTurns, which } of kills) {
          for (let left = afterTurns; left > 0; left--) await turn();
          bench.alive[which % Math.max(1, bench.alive.length)]?.kill();
        }
        await until(() => harness.committed() === keys.length, { what: 'all committed' });
        for (const [key, offsets] of ended) {
          expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
          const all = keys.flatMap((each, offset) => (`k${each}` === key ? [offset] : []));
          expect([...new Set(offsets)]).toEqual(all);
        }
        expect(most).toBeLessThanOrEqual(workers);
        await harness.container.stop();
      }),
      { numRuns: 60 },
    );
  });

  it('begins nothing more of a partition that was taken away, wherever it waits', async () => {
    const begun: number[] = [];
    const ends: Array<() => void> = [];
    const bench = new PoolBench(1, { workers: 6, order: 'none' }, (record) => {
      begun.push(record.offset);
      // The first keeps its thread busy, as far as anybody can see.
      return new Promise((resolve) => ends.push(() => resolve(DONE)));
    });
    const { harness } = bench;
    await harness.start();
    harness.push(1);
    await until(() => begun.length === 1, { what: 'the first record begun' });
    const [thread] = bench.alive;
    const boarded = thread!.board.enter.bind(thread!.board);
    harness.push(5);
    // Handed over and waiting, but the thread never comes to them.
    thread!.server.receive = () => undefined;
    await until(() => harness.container.describe().consumers[0]!.running === 6, { what: 'six in work' });
    await harness.consumer.lose();
    expect(boarded(1)).toBe(false);
    expect(begun).toEqual([0]);
    await until(() => harness.container.describe().consumers[0]!.running === 1, { what: 'five given up' });
    for (const end of ends) end();
    await harness.container.stop();
  });

  it('reads again what was handled but can no longer be acknowledged', async () => {
    const kept = new Map<number, Acknowledgment>();
    const seen: number[] = [];
    const bench = new PoolBench(1, { workers: 4, ackMode: 'MANUAL' }, async (record, { acknowledgment }) => {
      seen.push(record.offset);
      kept.set(record.offset, acknowledgment!);
      return Promise.resolve(DONE);
    });
    const { harness } = bench;
    await harness.start();
    for (let offset = 0; offset < 4; offset++) harness.kafka.push('orders', 0, `k${offset}`);
    await until(() => seen.length === 4, { what: 'four records handled' });
    await kept.get(0)!.acknowledge();
    await kept.get(2)!.acknowledge();
    bench.alive[0]!.kill();
    await until(() => seen.length >= 7, { what: 'the three behind the first read again' });
    expect(seen.slice(4)).toEqual([1, 2, 3]);
    for (const offset of [1, 2, 3]) await kept.get(offset)!.acknowledge();
    await until(() => harness.committed() === 4, { what: 'all committed' });
    await harness.container.stop();
  });

  it('gives up when threads do nothing but die', async () => {
    const bench = new PoolBench(1, { workers: 1 }, (_record, _context, thread) => {
      thread.kill();
      return new Promise(() => undefined);
    });
    const { harness } = bench;
    await harness.start();
    harness.push(1);
    await until(() => harness.partition()?.parked === 1, { what: 'the deadly record parked' });
    for (let key = 0; key < 4; key++) harness.kafka.push('orders', 0, `k${key}`);
    harness.container.resume();
    await until(() => harness.container.state === 'failed', { what: 'the container failed' });
    expect(harness.container.failure).toMatchObject({ message: expect.stringContaining('died one after another') });
    expect(harness.committed()).toBe(0);
  });
});
