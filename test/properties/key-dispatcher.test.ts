import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyDispatcher, type Order } from '../../src/runtime/dispatch/key-dispatcher.js';
import { type PartitionQueue } from '../../src/runtime/dispatch/partition-queue.js';
import { WorkItem, type WorkSource } from '../../src/runtime/dispatch/work-item.js';

// Random events against the dispatcher, compared with a slow model that looks at every record each time.

class Item extends WorkItem<PartitionQueue> {
  starts = 0;
  constructor(
    queue: PartitionQueue,
    readonly text: string | null,
    readonly arrival: number,
    readonly slot: number,
  ) {
    super(queue, text === null ? null : Buffer.from(text), 1, 10);
  }
}

/** Several that come together; the dispatcher asks for them when it may start them. */
class Run implements WorkSource<Item> {
  next: WorkSource | null = null;
  readonly #items: Item[];
  constructor(items: readonly Item[]) {
    this.#items = [...items];
  }
  get remaining(): number {
    return this.#items.length;
  }
  get bytes(): number {
    return this.#items.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  make(): Item {
    return this.#items.shift()!;
  }
}

type Command =
  | { readonly type: 'offer'; readonly slot: number; readonly keys: ReadonlyArray<string | null> }
  | { readonly type: 'submit'; readonly slot: number; readonly key: string | null }
  | { readonly type: 'next' | 'prepare' }
  | { readonly type: 'finish' | 'suspend' | 'release'; readonly pick: number }
  | { readonly type: 'hold' | 'unhold' | 'drop'; readonly slot: number }
  | { readonly type: 'workers'; readonly count: number };

const slot = fc.integer({ min: 0, max: 2 });
const pick = fc.nat();
const key = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', '') }, fc.constant(null));
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('offer' as const), slot, keys: fc.array(key, { maxLength: 5 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('submit' as const), slot, key }),
  },
  { weight: 8, arbitrary: fc.constant({ type: 'next' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'prepare' as const }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('finish' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('suspend' as const, 'release' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('hold' as const, 'unhold' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('drop' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('workers' as const), count: fc.integer({ min: 1, max: 6 }) }) },
);

class Model {
  readonly dispatcher: KeyDispatcher<Item>;
  readonly queues: PartitionQueue[];
  /** Not finished and not dropped, in the order of arrival. */
  items: Item[] = [];
  /** Running ones of dropped partitions. */
  leftovers: Item[] = [];
  arrivals = 0;
  readonly violations: string[] = [];

  constructor(
    readonly order: Order,
    workers: number,
  ) {
    this.dispatcher = new KeyDispatcher<Item>({ order, workers, budget: { records: 8, bytes: 1e9 } });
    this.queues = [0, 1, 2].map(() => this.dispatcher.open());
  }

  /** Records that the other one must not overtake. */
  sameLane(a: Item, b: Item): boolean {
    if (a.queue !== b.queue || this.order === 'none') return false;
    return this.order === 'partition' || (a.text !== null && a.text === b.text);
  }

  startable(): Item[] {
    return this.items.filter((item) => {
      if (item.queue.isHeld || (item.state !== 'queued' && item.state !== 'new')) return false;
      return !this.items.some((other) => other.arrival < item.arrival && this.sameLane(other, item));
    });
  }

  inState(state: string): Item[] {
    return [...this.items, ...this.leftovers].filter((item) => item.state === state);
  }

  next(): Item | undefined {
    const allowed = this.startable();
    const running = this.inState('running').length;
    const canStart = running < this.dispatcher.workers && allowed.length > 0;
    this.must(this.dispatcher.running === running, 'counts what runs');
    this.must(this.dispatcher.isIdle === (running === 0 && allowed.length === 0), 'knows when it is idle');
    this.must(this.dispatcher.canStart === canStart, 'knows when it can start something');
    const item = this.dispatcher.next();
    if (!canStart || item === undefined) {
      this.must(!canStart && item === undefined, 'starts something exactly when it may');
      return undefined;
    }
    this.must(allowed.includes(item), 'starts only heads of lanes that are not held');
    item.starts++;
    return item;
  }

  run(command: Command): void {
    const { dispatcher } = this;
    switch (command.type) {
      case 'submit': {
        const item = new Item(this.queues[command.slot]!, command.key, this.arrivals++, command.slot);
        dispatcher.submit(item);
        this.items.push(item);
        return;
      }
      case 'offer': {
        const { slot, keys } = command;
        const queue = this.queues[slot]!;
        const items = keys.map((each) => new Item(queue, each, this.arrivals++, slot));
        dispatcher.offer(queue, new Run(items));
        this.items.push(...items);
        return;
      }
      case 'next':
        this.next();
        return;
      case 'prepare':
        dispatcher.prepare();
        this.must(dispatcher.running === this.inState('running').length, 'starts nothing by preparing');
        return;
      case 'finish': {
        const item = chosen(this.inState('running'), command.pick);
        if (item) this.finish(item);
        return;
      }
      case 'suspend': {
        const item = chosen(this.inState('running'), command.pick);
        if (item) dispatcher.suspend(item);
        this.leftovers = this.leftovers.filter((other) => other !== item);
        return;
      }
      case 'release': {
        const item = chosen(
          this.items.filter(({ state }) => state === 'suspended'),
          command.pick,
        );
        if (item) dispatcher.release(item);
        return;
      }
      case 'hold':
        dispatcher.hold(this.queues[command.slot]!);
        return;
      case 'unhold':
        dispatcher.unhold(this.queues[command.slot]!);
        return;
      case 'drop':
        this.drop(command.slot);
        return;
      case 'workers':
        dispatcher.workers = command.count;
    }
  }

  finish(item: Item): void {
    this.dispatcher.finish(item);
    this.items = this.items.filter((other) => other !== item);
    this.leftovers = this.leftovers.filter((other) => other !== item);
  }

  drop(slot: number): void {
    const queue = this.queues[slot]!;
    const mine = this.items.filter((item) => item.queue === queue);
    const given = new Set(this.dispatcher.drop(queue));
    for (const item of mine) {
      if (item.state === 'queued' || item.state === 'new') this.must(given.has(item), 'gives back what waits');
      if (item.state === 'running') this.must(!given.has(item), 'does not give back what runs');
    }
    this.leftovers.push(...mine.filter(({ state }) => state === 'running'));
    this.items = this.items.filter((item) => item.queue !== queue);
    this.queues[slot] = this.dispatcher.open();
  }

  check(): void {
    for (const queue of this.queues) {
      const mine = this.items.filter((item) => item.queue === queue);
      this.must(queue.records === mine.length, 'counts records');
      const running = mine.filter(({ state }) => state === 'running').length;
      this.must(queue.running === running, 'counts what runs of a partition');
      if (mine.length >= 8) this.must(queue.isFull, 'is full at the budget');
      if (mine.length <= 4) this.must(!queue.isFull, 'is open at half the budget');
      if (this.order === 'key') {
        const made = mine.filter(({ state }) => state !== 'new');
        const keys = new Set(made.flatMap(({ text }) => text ?? []));
        this.must(queue.lanes === keys.size, 'has a lane per key that is in work, next, or behind one of those');
      }
    }
  }

  must(holds: boolean, what: string): void {
    if (!holds) this.violations.push(what);
  }

  /** Lets everything end: what is left must start, each lane in the order of arrival. */
  finishAll(): void {
    for (const queue of this.queues) this.dispatcher.unhold(queue);
    for (const item of this.items) this.dispatcher.release(item);
    for (let rounds = 200; this.items.length > 0 && rounds > 0; rounds--) {
      while (this.next());
      for (const item of this.inState('running')) {
        this.must(item.starts > 0, 'runs what it has started');
        this.finish(item);
      }
    }
    this.must(this.items.length === 0, 'starts everything in the end');
  }
}

function chosen(items: readonly Item[], pick: number): Item | undefined {
  return items.length === 0 ? undefined : items[pick % items.length];
}

describe('key dispatcher', () => {
  it.each<Order>(['key', 'partition', 'none'])(
    'in %s order starts only heads of lanes, at most `workers`, and everything in the end',
    (order) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 5 }),
          fc.array(command, { minLength: 20, maxLength: 120 }),
          (workers, commands) => {
            const model = new Model(order, workers);
            for (const each of commands) {
              model.run(each);
              model.check();
            }
            model.finishAll();
            expect(model.violations).toEqual([]);
          },
        ),
        { numRuns: 100 },
      );
    },
  );
});
