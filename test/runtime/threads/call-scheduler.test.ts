import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyDispatcher } from '../../../src/runtime/dispatch/key-dispatcher.js';
import { type PartitionQueue } from '../../../src/runtime/dispatch/partition-queue.js';
import { WorkItem } from '../../../src/runtime/dispatch/work-item.js';
import { CallScheduler } from '../../../src/runtime/threads/call-scheduler.js';
import { guiltyOf } from '../../../src/runtime/threads/thread-guilt.js';

// Which thread gets which call, and what becomes of calls whose thread dies.

class Work extends WorkItem<PartitionQueue> {
  overdue: unknown;
  deaths = 0;
  /** Threads that have it right now. */
  readonly holders = new Set<number>();
  constructor(
    queue: PartitionQueue,
    readonly name: string,
    readonly number: number,
  ) {
    super(queue, Buffer.from(name), 1, 1);
  }
}

interface FakeThread {
  /** What it was sent and has not come to; what was taken back meanwhile is still there. */
  readonly queue: Array<{ slot: number; call: Work; isTaken?: boolean }>;
  readonly running: Array<{ slot: number; call: Work }>;
  begun: number;
}

type Step =
  | { readonly do: 'push'; readonly key: number }
  | { readonly do: 'begin' | 'end' | 'die' | 'share'; readonly thread: number };

const THREADS = 3;
const thread = fc.integer({ min: 0, max: THREADS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), key: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), thread }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), thread }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), thread }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('share' as const), thread }) },
);

/** A dispatcher in key order over the scheduler, with threads that do as told. */
class Bench {
  readonly dispatcher: KeyDispatcher<Work>;
  readonly scheduler = new CallScheduler<Work>();
  readonly threads = new Map<number, FakeThread>();
  readonly ended: Work[] = [];
  readonly pushed: Work[] = [];
  readonly queue: PartitionQueue;
  mostAtOnce = 0;
  /** What must not happen and did. */
  readonly violations: string[] = [];

  constructor(readonly workers: number) {
    this.dispatcher = new KeyDispatcher({ order: 'key', workers, budget: { records: 1e6, bytes: 1e6 } });
    this.queue = this.dispatcher.open();
    for (let index = 0; index < THREADS; index++) this.join(index);
  }

  join(index: number): void {
    this.threads.set(index, { queue: [], running: [], begun: 0 });
    this.scheduler.add(index, 8);
  }

  push(key: number): void {
    const work = new Work(this.queue, `k${key}`, this.pushed.length);
    this.pushed.push(work);
    this.dispatcher.submit(work);
    this.place();
  }

  place(): void {
    for (let work = this.dispatcher.next(); work; work = this.dispatcher.next()) this.scheduler.submit(work);
    for (let placed = this.scheduler.next(); placed; placed = this.scheduler.next()) {
      this.check(placed.call.holders.size === 0, 'a call is in two threads');
      placed.call.holders.add(placed.thread);
      const { queue, running } = this.threads.get(placed.thread)!;
      const isUsed = [...queue, ...running].some(({ slot }) => slot === placed.slot);
      this.check(!isUsed, 'a slot is used that the thread has not left');
      queue.push(placed);
    }
    const atOnce = this.scheduler.placed + this.scheduler.waiting;
    this.mostAtOnce = Math.max(this.mostAtOnce, atOnce);
  }

  begin(index: number): void {
    const one = this.threads.get(index)!;
    const next = one.queue.shift();
    if (!next) return;
    one.begun++;
    if (next.isTaken) this.scheduler.release(index, next.slot);
    else one.running.push(next);
    this.scheduler.begun(index, one.begun, 5);
    this.place();
  }

  end(index: number): void {
    const done = this.threads.get(index)!.running.shift();
    if (!done) return;
    this.check(this.scheduler.finish(index, done.slot) === done.call, 'a slot holds another call');
    this.settle(done.call, index);
  }

  settle(work: Work, index: number): void {
    work.holders.delete(index);
    this.ended.push(work);
    this.dispatcher.finish(work);
    this.place();
  }

  die(index: number): void {
    const dead = this.threads.get(index)!;
    const had = this.scheduler.remove(index);
    const held = new Set([...dead.running, ...dead.queue.filter(({ isTaken }) => !isTaken)].map(({ call }) => call));
    this.check(had.length === held.size && had.every(({ call }) => held.has(call)), 'a dead thread gives back others');
    const board = {
      blockedBy: undefined,
      runningFor: (slot: number) => (dead.running.some((each) => each.slot === slot) ? 1 : undefined),
    };
    const guilty = guiltyOf(had, board);
    const back = had.filter(({ call }) => !guilty.has(call)).map(({ call }) => call);
    const ran = dead.running.map(({ call }) => call);
    this.check(
      [...guilty].every((work) => ran.includes(work)),
      'a call that never began is guilty',
    );
    for (const work of back) work.holders.delete(index);
    this.scheduler.putBack(back);
    this.join(index);
    for (const work of guilty) this.settle(work, index);
    this.place();
  }

  share(): void {
    const uneven = this.scheduler.imbalance();
    if (!uneven) return;
    const { queue } = this.threads.get(uneven.busy)!;
    const slot = uneven.slots.find((each) => queue.some((one) => one.slot === each && !one.isTaken));
    if (slot === undefined) return;
    const taken = queue.find((one) => one.slot === slot)!;
    taken.isTaken = true;
    this.check(this.scheduler.takeBack(uneven.busy, slot) === taken.call, 'a slot holds another call');
    taken.call.holders.delete(uneven.busy);
    this.scheduler.putBack([taken.call]);
    this.place();
  }

  check(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }

  run(step: Step): void {
    if (step.do === 'push') this.push(step.key);
    else if (step.do === 'share') this.share();
    else this[step.do](step.thread);
  }

  drain(): void {
    for (let round = 0; round < 10_000 && this.ended.length < this.pushed.length; round++) {
      this.place();
      for (const index of this.threads.keys()) {
        this.begin(index);
        this.end(index);
      }
    }
  }
}

describe('calls shared out to threads', () => {
  it('are all run once, those of one key in order, at most W at once, whatever dies', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, workers) => {
        const bench = new Bench(workers);
        for (const each of steps) bench.run(each);
        bench.drain();
        expect(bench.violations).toEqual([]);
        expect(bench.ended.length).toBe(bench.pushed.length);
        expect(new Set(bench.ended).size).toBe(bench.pushed.length);
        for (const key of new Set(bench.pushed.map(({ name }) => name))) {
          const numbers = bench.ended.filter(({ name }) => name === key).map(({ number }) => number);
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        }
        expect(bench.mostAtOnce).toBeLessThanOrEqual(workers);
        expect(bench.scheduler.placed).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('go to the thread that has the fewest, two ahead while calls are slow, many when they are quick', () => {
    const scheduler = new CallScheduler<number>();
    scheduler.add(0, 100);
    scheduler.add(1, 100);
    for (let call = 0; call < 20; call++) scheduler.submit(call);
    const placed = () => {
      const threads: number[] = [];
      for (let next = scheduler.next(); next; next = scheduler.next()) threads.push(next.thread);
      return threads;
    };
    expect(placed()).toEqual([0, 1, 0, 1]);
    scheduler.begun(1, 1, 5);
    expect(placed()).toEqual([1]);
    scheduler.begun(0, 2, 0.2);
    expect(placed()).toHaveLength(10);
    expect(scheduler.waiting).toBe(5);
  });

  it('come back in the order in which they were handed over', () => {
    const scheduler = new CallScheduler<number>();
    scheduler.add(0, 4);
    scheduler.begun(0, 0, 0.1);
    for (const call of [1, 2, 3, 4, 5]) scheduler.submit(call);
    for (let next = scheduler.next(); next; next = scheduler.next());
    scheduler.finish(0, 0);
    expect(scheduler.next()?.call).toBe(5);
    const had = scheduler.remove(0).map(({ call }) => call);
    expect(had).toEqual([2, 3, 4, 5]);
    scheduler.putBack(had);
    scheduler.add(1, 1);
    expect(scheduler.next()?.call).toBe(2);
  });
});

describe('what a thread died of', () => {
  const work = (overdue?: unknown) => ({ overdue, deaths: 0 });
  const board = (blockedBy: number | undefined, ...begun: number[]) => ({
    blockedBy,
    runningFor: (slot: number) => (begun.includes(slot) ? 1 : undefined),
  });

  it('is the call that was too slow, else the one that blocked it, else the only one that had begun', () => {
    const [a, b, c] = [work(), work('slow'), work()];
    const had = [a, b, c].map((call, slot) => ({ slot, call }));
    expect(guiltyOf(had, board(0, 0, 1))).toEqual(new Set([b]));
    b.overdue = undefined;
    expect([...guiltyOf(had, board(2, 0, 1, 2))]).toEqual([c]);
    expect([...guiltyOf(had, board(undefined, 1))]).toEqual([b]);
  });

  it('is unknown among several, until one of them dies again', () => {
    const [a, b, c] = [work(), work(), work()];
    const had = [a, b, c].map((call, slot) => ({ slot, call }));
    expect(guiltyOf(had, board(undefined, 0, 1)).size).toBe(0);
    const again = [b, c].map((call, slot) => ({ slot, call }));
    expect([...guiltyOf(again, board(undefined, 0, 1))]).toEqual([b]);
  });
});
