import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RecordBatchBuilder } from '../../../../src/protocol/record-batch.js';
import { RecordAccumulator } from '../../../../src/runtime/client/producer/record-accumulator.js';

const accumulatorOf = (options: Partial<ConstructorParameters<typeof RecordAccumulator>[0]> = {}) =>
  new RecordAccumulator({
    batchSize: 500,
    lingerMs: 10,
    bufferMemory: 10_000,
    idempotent: false,
    maxUnsettled: 1000,
    ...options,
  });

/** A sink of records whose end nobody asks for. */
const NOBODY = { stored: () => undefined, failed: () => undefined };

const append = (accumulator: RecordAccumulator, partition: number, bytes: number, now: number) => {
  const record = { key: null, value: Buffer.alloc(bytes) };
  accumulator.append('t', partition, record, RecordBatchBuilder.sizeOf(record), 0, now, NOBODY);
};

describe('record accumulator', () => {
  it('has nothing ready before the linger time, and says when it will', () => {
    const accumulator = accumulatorOf();
    append(accumulator, 0, 10, 3);
    append(accumulator, 1, 10, 5);
    expect([accumulator.ready.size, accumulator.nextDueAt()]).toEqual([0, 13]);
    accumulator.promote(12.9);
    expect(accumulator.ready.size).toBe(0);
    accumulator.promote(13);
    expect([accumulator.ready.size, accumulator.nextDueAt()]).toEqual([1, 15]);
  });

  it('has a full batch ready at once, and lingers anew with the next one', () => {
    const accumulator = accumulatorOf();
    append(accumulator, 0, 300, 0);
    append(accumulator, 0, 300, 4);
    expect([...accumulator.ready].map(({ unsent }) => unsent.length)).toEqual([2]);
    expect(accumulator.nextDueAt()).toBe(14);
  });

  it('takes one record of any size when it is empty', () => {
    const accumulator = accumulatorOf({ bufferMemory: 100 });
    expect([accumulator.fits(5000), accumulator.fits(10)]).toEqual([true, true]);
    append(accumulator, 0, 5000, 0);
    expect(accumulator.fits(10)).toBe(false);
  });

  it('keeps batches within their size, records in order, and gives all memory back', () => {
    const step = fc.record({ partition: fc.nat(3), bytes: fc.nat(700), wait: fc.nat(8), drain: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const accumulator = accumulatorOf();
        let now = 0;
        const sizes: number[][] = [[], [], [], []];
        const taken: number[] = [0, 0, 0, 0];
        const drain = () => {
          accumulator.promote(now);
          for (const queue of Array.from(accumulator.ready)) {
            for (let batch = accumulator.next(queue, now); batch; batch = accumulator.next(queue, now)) {
              queue.take(batch, (state) => batch!.encode(state, { compressionType: 'none' }));
              accumulator.taken(queue);
              expect(batch.count === 1 || batch.sizeInBytes <= 500).toBe(true);
              taken[queue.partition]! += batch.count;
              queue.stored(batch);
              batch.succeed(0, -1);
              accumulator.release(batch);
            }
            accumulator.ready.delete(queue);
          }
          const due = accumulator.nextDueAt();
          expect(due === undefined || due > now).toBe(true);
        };
        for (const { partition, bytes, wait, drain: shouldDrain } of steps) {
          append(accumulator, partition, bytes, now);
          sizes[partition]!.push(bytes);
          now += wait;
          if (shouldDrain) drain();
        }
        expect(accumulator.usedBytes === 0).toBe(accumulator.incomplete.size === 0);
        accumulator.beginFlush();
        drain();
        expect(taken).toEqual(sizes.map(({ length }) => length));
        expect([accumulator.usedBytes, accumulator.incomplete.size]).toEqual([0, 0]);
      }),
      { numRuns: 100 },
    );
  });
});
