import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type SequenceFinding, SequenceTracker } from '../../../src/runtime/dedup/sequence-tracker.js';

function findings(numbers: readonly number[]): SequenceFinding[] {
  const tracker = new SequenceTracker();
  return numbers.flatMap((number, offset) => tracker.arrived(offset, 'p', number) ?? []);
}

describe('SequenceTracker', () => {
  it('says nothing about numbers in order, wherever they begin', () => {
    expect(findings([7, 8, 9, 10])).toEqual([]);
  });

  it('tells what is missing, doubled and late', () => {
    expect(findings([0, 1, 4, 4, 5, 7, 6, 8])).toEqual([
      { kind: 'missing', producer: 'p', from: 2, to: 4 },
      { kind: 'duplicate', producer: 'p', number: 4 },
      { kind: 'missing', producer: 'p', from: 6, to: 7 },
      { kind: 'reordered', producer: 'p', number: 6 },
    ]);
  });

  it('takes a redelivery for nothing new', () => {
    const tracker = new SequenceTracker();
    for (const [offset, number] of [
      [0, 0],
      [1, 1],
      [0, 0],
      [1, 1],
      [2, 2],
    ]) {
      expect(tracker.arrived(offset!, 'p', number!)).toBeUndefined();
    }
  });

  it('keeps producers apart, and as many of them as it can hold', () => {
    const tracker = new SequenceTracker();
    for (let at = 0; at < 5_000; at++) expect(tracker.arrived(at, `p${at}`, at)).toBeUndefined();
  });

  it('keeps a bounded number of missing ones', () => {
    const tracker = new SequenceTracker();
    tracker.arrived(0, 'p', 0);
    expect(tracker.arrived(1, 'p', 1e12)).toMatchObject({ kind: 'missing', from: 1, to: 1e12 });
    expect(tracker.missing).toBe(10_000);
  });

  it('counts exactly what was removed, doubled and delayed', () => {
    const damage = fc.record({
      size: fc.integer({ min: 20, max: 200 }),
      removed: fc.uniqueArray(fc.integer({ min: 1, max: 18 }), { maxLength: 5 }),
      doubled: fc.uniqueArray(fc.integer({ min: 1, max: 18 }), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(damage, ({ size, removed, doubled }) => {
        const twice = doubled.filter((number) => !removed.includes(number));
        const numbers = Array.from({ length: size }, (_, number) => number)
          .filter((number) => !removed.includes(number))
          .flatMap((number) => (twice.includes(number) ? [number, number] : [number]));
        const tracker = new SequenceTracker();
        const found = numbers.flatMap((number, offset) => tracker.arrived(offset, 'p', number) ?? []);
        expect(found.filter(({ kind }) => kind === 'duplicate')).toHaveLength(twice.length);
        expect(tracker.missing).toBe(removed.length);
      }),
    );
  });
});
