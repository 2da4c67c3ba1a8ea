import { describe, expect, it } from '@jest/globals';
import { KeyDispatcher, type Order } from '../../../src/runtime/dispatch/key-dispatcher.js';
import { type PartitionQueue } from '../../../src/runtime/dispatch/partition-queue.js';
import { WorkItem } from '../../../src/runtime/dispatch/work-item.js';

class Item extends WorkItem<PartitionQueue> {
  constructor(
    queue: PartitionQueue,
    readonly name: string,
    key: Buffer | null,
    bytes = 1,
  ) {
    super(queue, key, 1, bytes);
  }
}

function dispatcherOf(order: Order, workers: number, budget = { records: 100, bytes: 1_000_000 }) {
  return new KeyDispatcher<Item>({ order, workers, budget });
}

/** Starts all that may start. */
function startAll(dispatcher: KeyDispatcher<Item>): Item[] {
  const started: Item[] = [];
  for (let item = dispatcher.next(); item; item = dispatcher.next()) started.push(item);
  return started;
}

const names = (items: readonly Item[]) => items.map(({ name }) => name);

describe('KeyDispatcher', () => {
  it('compares keys by bytes, across different buffers', () => {
    const dispatcher = dispatcherOf('key', 10);
    const queue = dispatcher.open();
    for (const [name, key] of Object.entries({ a1: 'alpha', b1: 'beta', a2: 'alpha', b2: 'beta', c1: 'gamma' })) {
      dispatcher.submit(new Item(queue, name, Buffer.from(key)));
    }
    const started = startAll(dispatcher);
    expect(names(started)).toEqual(['a1', 'b1', 'c1']);
    dispatcher.finish(started[1]!);
    expect(names(startAll(dispatcher))).toEqual(['b2']);
  });

  it('keeps the same key of two partitions apart', () => {
    const dispatcher = dispatcherOf('key', 10);
    const key = Buffer.from('k');
    dispatcher.submit(new Item(dispatcher.open(), 'p0', key));
    dispatcher.submit(new Item(dispatcher.open(), 'p1', key));
    expect(names(startAll(dispatcher))).toEqual(['p0', 'p1']);
  });

  it('runs records without a key side by side', () => {
    const dispatcher = dispatcherOf('key', 3);
    const queue = dispatcher.open();
    for (const name of ['1', '2', '3', '4']) dispatcher.submit(new Item(queue, name, null));
    expect(names(startAll(dispatcher))).toEqual(['1', '2', '3']);
  });

  it('lets partitions take turns, however much one of them has', () => {
    const dispatcher = dispatcherOf('none', 6);
    const [busy, quiet] = [dispatcher.open(), dispatcher.open()];
    for (let i = 0; i < 50; i++) dispatcher.submit(new Item(busy, `busy${i}`, null));
    for (let i = 0; i < 3; i++) dispatcher.submit(new Item(quiet, `quiet${i}`, null));
    expect(names(startAll(dispatcher))).toEqual(['busy0', 'quiet0', 'busy1', 'quiet1', 'busy2', 'quiet2']);
  });

  it('lets keys take turns, and records without a key take turns with them', () => {
    const dispatcher = dispatcherOf('key', 1);
    const queue = dispatcher.open();
    const submit = (name: string, key: string | null) =>
      dispatcher.submit(new Item(queue, name, key === null ? null : Buffer.from(key)));
    for (let i = 0; i < 3; i++) submit(`hot${i}`, 'hot');
    submit('cold', 'cold');
    submit('free0', null);
    submit('free1', null);
    const order: string[] = [];
    for (let item = dispatcher.next(); item; item = dispatcher.next()) {
      order.push(item.name);
      dispatcher.finish(item);
    }
    expect(order).toEqual(['hot0', 'free0', 'cold', 'free1', 'hot1', 'hot2']);
  });

  it('keeps the lane of a suspended record blocked, and nobody else’s', () => {
    const dispatcher = dispatcherOf('key', 1);
    const queue = dispatcher.open();
    for (const [name, key] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ] as const) {
      dispatcher.submit(new Item(queue, name, Buffer.from(key)));
    }
    const [first] = startAll(dispatcher);
    dispatcher.suspend(first!);
    const [other] = startAll(dispatcher);
    expect(other!.name).toBe('b1');
    dispatcher.finish(other!);
    expect(dispatcher.isIdle).toBe(true);
    dispatcher.release(first!);
    expect(names(startAll(dispatcher))).toEqual(['a1']);
    dispatcher.finish(first!);
    expect(names(startAll(dispatcher))).toEqual(['a2']);
  });

  it('follows a changed number of workers, upwards at once and downwards as records finish', () => {
    const dispatcher = dispatcherOf('none', 2);
    const queue = dispatcher.open();
    for (let i = 0; i < 20; i++) dispatcher.submit(new Item(queue, `${i}`, null));
    const running = startAll(dispatcher);
    expect(running).toHaveLength(2);
    dispatcher.workers = 8;
    running.push(...startAll(dispatcher));
    expect(running).toHaveLength(8);
    dispatcher.workers = 4;
    for (const item of running.splice(0, 4)) dispatcher.finish(item);
    expect(startAll(dispatcher)).toHaveLength(0);
    dispatcher.finish(running.shift()!);
    expect(startAll(dispatcher)).toHaveLength(1);
  });

  it('is full at the budget in records or in bytes, and open again at half of it', () => {
    const dispatcher = dispatcherOf('none', 100, { records: 4, bytes: 1_000 });
    const queue = dispatcher.open();
    const items = [100, 100, 100, 700].map((bytes, i) => new Item(queue, `${i}`, null, bytes));
    dispatcher.submit(items[0]!);
    dispatcher.submit(items[3]!);
    expect(queue.isFull).toBe(false);
    dispatcher.submit(items[1]!);
    dispatcher.submit(items[2]!);
    expect(queue.isFull).toBe(true);
    startAll(dispatcher);
    dispatcher.finish(items[0]!);
    dispatcher.finish(items[1]!);
    expect(queue.isFull).toBe(true); // two records, but 800 of 1,000 bytes
    dispatcher.finish(items[3]!);
    expect(queue.isFull).toBe(false);
  });

  it('forgets lanes that are idle: a million keys leave nothing behind', () => {
    const dispatcher = dispatcherOf('key', 1);
    const queue = dispatcher.open();
    for (let i = 0; i < 20_000; i++) {
      dispatcher.submit(new Item(queue, '', Buffer.from(`key-${i}`)));
      dispatcher.finish(dispatcher.next()!);
    }
    expect(queue.lanes).toBe(0);
    expect(dispatcher.isIdle).toBe(true);
  });

  it('gives back what had not started of a dropped partition, and ignores what ends later', () => {
    const dispatcher = dispatcherOf('key', 1);
    const [gone, stays] = [dispatcher.open(), dispatcher.open()];
    for (const name of ['g1', 'g2', 'g3']) dispatcher.submit(new Item(gone, name, Buffer.from(name[1]!)));
    dispatcher.submit(new Item(stays, 's1', Buffer.from('x')));
    const running = dispatcher.next()!;
    expect(names(dispatcher.drop(gone)).sort()).toEqual(['g2', 'g3']);
    expect(dispatcher.submit(new Item(gone, 'late', null))).toBe(false);
    expect(dispatcher.next()).toBeUndefined();
    dispatcher.finish(running);
    expect(names(startAll(dispatcher))).toEqual(['s1']);
  });
});
