import { describe, expect, it } from '@jest/globals';
import { PartitionQueue } from '../../../../src/runtime/client/producer/partition-queue.js';
import { ProducerBatch, type ProducerState } from '../../../../src/runtime/client/producer/producer-batch.js';

/** A sink of records whose end nobody asks for. */
const NOBODY = { stored: () => undefined, failed: () => undefined };

describe('partition queue', () => {
  const queueOf = (batches: number, idempotent = true, maxUnsettled = 5): PartitionQueue => {
    const queue = new PartitionQueue('orders', 0, idempotent, maxUnsettled);
    queue.adopt({ producerId: 7n, epoch: 0 });
    for (let i = 0; i < batches; i++) {
      const batch = new ProducerBatch('orders', 0, 0, queue.nextOrder(), 100);
      batch.add({ key: null, value: Buffer.from(`${i}`) }, 0, NOBODY);
      batch.closed = true;
      queue.unsent.push(batch);
    }
    return queue;
  };
  const states: ProducerState[] = [];
  const takeNext = (queue: PartitionQueue): ProducerBatch | undefined => {
    const batch = queue.next(() => true);
    if (batch) {
      queue.take(batch, (state) => {
        states.push(state);
        batch.encode(state, { compressionType: 'none' });
      });
    }
    return batch;
  };
  const takeAll = (queue: PartitionQueue): ProducerBatch[] => {
    const taken: ProducerBatch[] = [];
    for (let batch = takeNext(queue); batch; batch = takeNext(queue)) taken.push(batch);
    return taken;
  };
  /** With its first batch stored, so that the epoch is confirmed. */
  const confirmed = (batches: number): PartitionQueue => {
    const queue = queueOf(batches + 1);
    queue.stored(takeNext(queue)!);
    return queue;
  };

  it('sends one batch until the epoch is confirmed, then up to five', () => {
    const queue = queueOf(10);
    const first = takeAll(queue);
    expect(first).toHaveLength(1);
    queue.stored(first[0]!);
    expect(takeAll(queue)).toHaveLength(5);
  });

  it('counts those that are stored behind an unsettled one, for the broker remembers no more than five', () => {
    const queue = confirmed(10);
    const [oldest, ...others] = takeAll(queue);
    for (const batch of others) queue.stored(batch);
    expect(takeAll(queue)).toEqual([]);
    queue.stored(oldest!);
    expect(takeAll(queue)).toHaveLength(5);
  });

  it('sends a failed batch again before anything else, alone, when nothing else is under way', () => {
    const queue = confirmed(6);
    const [a, b, c, d, e] = takeAll(queue) as ProducerBatch[];
    queue.failed(b!);
    expect(takeNext(queue)).toBeUndefined();
    queue.stored(a!);
    for (const batch of [c, d, e]) queue.failed(batch!);
    expect(takeAll(queue)).toEqual([b]);
    queue.stored(b!);
    expect(takeAll(queue)).toEqual([c]);
  });

  it('starts a new epoch after a gap, once all of the old one is settled', () => {
    const queue = confirmed(6);
    const [a, b, c, d, e] = takeAll(queue) as ProducerBatch[];
    for (const batch of [a, b, c, d, e]) queue.failed(batch!);
    queue.giveUp(a!);
    expect(takeNext(queue)).toBe(b);
    queue.notStored(b!);
    expect(takeNext(queue)).toBe(c);
    queue.stored(c!); // stored all the same: the broker had lost what it knew
    for (const batch of [d, e]) {
      expect(takeNext(queue)).toBe(batch);
      queue.notStored(batch!);
    }
    states.length = 0;
    expect(takeAll(queue)).toEqual([b]);
    expect(states).toEqual([{ producerId: 7n, epoch: 1, baseSequence: 0 }]);
    queue.stored(b!);
    expect(takeAll(queue).slice(0, 2)).toEqual([d, e]);
    expect(states.slice(1, 3).map(({ baseSequence }) => baseSequence)).toEqual([1, 2]);
  });

  it('puts the parts of a split batch in its place, also those of a part', () => {
    const queue = new PartitionQueue('orders', 0, true, 5);
    queue.adopt({ producerId: 7n, epoch: 0 });
    const big = new ProducerBatch('orders', 0, 0, queue.nextOrder(), 100);
    const values = ['a', 'b', 'c', 'd'];
    for (const value of values) big.add({ key: null, value: Buffer.from(value) }, 0, NOBODY);
    queue.unsent.push(big);
    const replace = (batch: ProducerBatch) => queue.replace(batch, batch.split());
    replace(takeNext(queue)!);
    replace(takeNext(queue)!);
    const keys: number[] = [];
    for (let i = 0; i < 3; i++) {
      const batch = takeNext(queue)!;
      keys.push(batch.count);
      queue.stored(batch);
    }
    expect(keys).toEqual([1, 1, 2]);
  });

  it('asks for another producer id when the epochs are used up', () => {
    const queue = confirmed(3);
    queue.adopt({ producerId: 7n, epoch: 32_767 });
    const batch = takeNext(queue)!;
    queue.giveUp(batch);
    expect([queue.needsIdentity(), queue.spentProducerId]).toEqual([true, 7n]);
  });

  it('wraps the sequence', () => {
    const queue = queueOf(3);
    const many = queue.unsent[0]!;
    Object.defineProperty(many, 'count', { value: 2 ** 31 - 1 });
    states.length = 0;
    queue.stored(takeNext(queue)!);
    takeAll(queue);
    expect(states.map(({ baseSequence }) => baseSequence)).toEqual([0, 2 ** 31 - 1, 0]);
  });

  it('writes no sequence without idempotence', () => {
    const queue = queueOf(7, false);
    states.length = 0;
    expect(takeAll(queue)).toHaveLength(5);
    expect(states[0]).toEqual({ producerId: -1n, epoch: -1, baseSequence: -1 });
  });
});
