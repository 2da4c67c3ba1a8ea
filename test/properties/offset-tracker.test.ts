import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeGapMap, encodeGapMap } from '../../src/runtime/dispatch/gap-map.js';
import { type OffsetRange } from '../../src/runtime/dispatch/offset-range.js';
import { OffsetTracker } from '../../src/runtime/dispatch/offset-tracker.js';

// Any records, any gaps, any order of finishing, with restarts from what could have been committed.

const RUNS = { numRuns: 300 };

/** Offsets with gaps, and a permutation in which they finish. */
const history = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 2_000 })), {
    minLength: 1,
    maxLength: 200,
  })
  .chain((steps) => {
    const offsets: number[] = [];
    let at = 99;
    for (const step of steps) {
      at += step;
      offsets.push(at);
    }
    return fc.record({
      offsets: fc.constant(offsets),
      finishing: fc.shuffledSubarray(offsets, { minLength: offsets.length, maxLength: offsets.length }),
      ahead: fc.integer({ min: 1, max: 30 }),
    });
  });

const contains = (ranges: readonly OffsetRange[], offset: number) =>
  ranges.some(({ from, to }) => from <= offset && offset < to);

describe('offset tracker', () => {
  it('never passes an unfinished record, never moves back, and ends at the end', () => {
    fc.assert(
      fc.property(history, ({ offsets, finishing, ahead }) => {
        const tracker = new OffsetTracker({ position: 100 });
        const unfinished = new Set<number>();
        let received = 0;
        let last = tracker.committableOffset;
        const check = () => {
          const committable = tracker.committableOffset;
          expect(committable).toBeGreaterThanOrEqual(last);
          last = committable;
          for (const offset of unfinished) expect(offset).toBeGreaterThanOrEqual(committable);
          const ranges = tracker.finishedRanges();
          for (const offset of offsets.slice(0, received)) {
            const isFinished = offset < committable || contains(ranges, offset);
            expect(isFinished).toBe(!unfinished.has(offset));
          }
          expect(tracker.unfinished).toBe(unfinished.size);
        };
        const receive = () => {
          const offset = offsets[received++]!;
          expect(tracker.track(offset)).toBe(true);
          unfinished.add(offset);
        };
        for (const offset of finishing) {
          const until = Math.min(offsets.length, Math.max(offsets.indexOf(offset) + 1, received + (ahead % 5)));
          while (received < until) receive();
          expect(tracker.finish(offset)).toBe(true);
          expect(tracker.finish(offset)).toBe(false);
          unfinished.delete(offset);
          check();
        }
        while (received < offsets.length) receive();
        for (const offset of unfinished) tracker.finish(offset);
        expect(tracker.committableOffset).toBe(offsets.at(-1)! + 1);
        expect(tracker.finishedRanges()).toEqual([]);
      }),
      RUNS,
    );
  });

  it('runs after a restart from its gap map exactly what was unfinished', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(), { maxLength: 3 }), ({ offsets, finishing }, cuts) => {
        const finished = new Set<number>();
        let committed = 100;
        let metadata = '';
        let left = [...finishing];
        for (const cut of [...cuts, finishing.length]) {
          const tracker = new OffsetTracker({ position: committed, finished: decodeGapMap(committed, metadata)! });
          const reach = 1 + (cut % offsets.length);
          const ran = offsets.slice(0, reach).filter((offset) => offset >= committed && tracker.track(offset));
          const expected = offsets.slice(0, reach).filter((offset) => !finished.has(offset));
          expect(ran).toEqual(expected);
          const now = left.filter((offset) => ran.includes(offset)).slice(0, 1 + (cut % 50));
          for (const offset of now) {
            expect(tracker.finish(offset)).toBe(true);
            finished.add(offset);
          }
          left = left.filter((offset) => !finished.has(offset));
          expect(tracker.committableOffset).toBeGreaterThanOrEqual(committed);
          committed = tracker.committableOffset;
          metadata = encodeGapMap(committed, tracker.finishedRanges())!;
        }
      }),
      RUNS,
    );
  });
});

describe('gap map', () => {
  const ranges = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 100_000 })), { maxLength: 400 })
    .map((runs) => {
      let at = 1_000;
      return runs.map(([gap, length]) => {
        const from = at + gap;
        at = from + length;
        return { from, to: at };
      });
    });

  it('gives back what was put in, or nothing when it is too long', () => {
    fc.assert(
      fc.property(ranges, (given) => {
        const text = encodeGapMap(1_000, given);
        if (text === undefined) return;
        expect(text.length).toBeLessThanOrEqual(4_000);
        expect(decodeGapMap(1_000, text)).toEqual(given);
      }),
      RUNS,
    );
  });

  it('never fails on foreign text, and gives only ascending ranges above the base', () => {
    const foreign = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ maxLength: 300 }).map((text) => `nestdaw-gaps:1:${text}`),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => `nestdaw-gaps:1:${Buffer.from(bytes).toString('base64url')}`),
    );
    fc.assert(
      fc.property(foreign, (text) => {
        let at = 50;
        for (const { from, to } of decodeGapMap(50, text) ?? []) {
          expect(from).toBeGreaterThan(at);
          expect(to).toBeGreaterThan(from);
          at = to;
        }
      }),
      RUNS,
    );
  });
});
