import { describe, expect, it } from '@jest/globals';
import { OffsetTracker } from '../../../src/runtime/dispatch/offset-tracker.js';

const trackerWith = (position: number, offsets: readonly number[]) => {
  const tracker = new OffsetTracker({ position });
  for (const offset of offsets) tracker.track(offset);
  return tracker;
};

describe('OffsetTracker', () => {
  it('commits the next offset to read, not the last one read', () => {
    const tracker = trackerWith(0, [0, 1, 2]);
    for (const offset of [0, 1, 2]) tracker.finish(offset);
    expect(tracker.committableOffset).toBe(3);
  });

  it('starts at the first record received: what lies before it was compacted away', () => {
    expect(trackerWith(10, []).committableOffset).toBe(10);
    expect(trackerWith(10, [14]).committableOffset).toBe(14);
  });

  it('moves past control records when everything before them is finished', () => {
    const tracker = trackerWith(0, [0, 1]);
    expect(tracker.advance(3)).toBe(true);
    expect(tracker.advance(3)).toBe(false);
    tracker.finish(0);
    expect(tracker.committableOffset).toBe(1);
    tracker.finish(1);
    expect(tracker.committableOffset).toBe(3);
  });

  it('keeps finished work above the first unfinished record as ranges, across gaps', () => {
    const tracker = trackerWith(0, [0, 1, 4, 5, 9, 10]);
    for (const offset of [4, 1, 10, 5]) tracker.finish(offset);
    expect(tracker.finishedRanges()).toEqual([
      { from: 1, to: 6 },
      { from: 10, to: 11 },
    ]);
    expect(tracker.finishedAbove).toBe(4);
    tracker.finish(0);
    expect(tracker.committableOffset).toBe(9);
    expect(tracker.oldestUnfinished).toBe(9);
  });

  it('takes no record for finished because an earlier one was that had its place in the window', () => {
    const tracker = trackerWith(0, []);
    for (let offset = 0; offset < 500; offset += 2) {
      tracker.track(offset);
      tracker.track(offset + 1);
      tracker.finish(offset + 1);
      expect(tracker.committableOffset).toBe(offset);
      tracker.finish(offset);
      expect(tracker.committableOffset).toBe(offset + 2);
    }
  });

  it('refuses what it has received before, and what it never received', () => {
    const tracker = trackerWith(5, [5, 7]);
    expect(tracker.track(5)).toBe(false);
    expect(tracker.track(6)).toBe(false);
    expect(tracker.finish(6)).toBe(false);
    expect(tracker.finish(99)).toBe(false);
    expect(tracker.unfinished).toBe(2);
  });

  it('keeps restored ranges that have not been received yet', () => {
    const finished = [
      { from: 3, to: 5 },
      { from: 8, to: 9 },
    ];
    const tracker = new OffsetTracker({ position: 2, finished });
    expect(tracker.finishedRanges()).toEqual(finished);
    expect([2, 3, 4, 5].map((offset) => tracker.track(offset))).toEqual([true, false, false, true]);
    expect(tracker.finishedRanges()).toEqual(finished);
    tracker.finish(2);
    expect(tracker.committableOffset).toBe(5);
    tracker.finish(5);
    tracker.track(6);
    tracker.finish(6);
    // 7 may still exist, so 8 is above it.
    expect(tracker.committableOffset).toBe(7);
    expect(tracker.finishedRanges()).toEqual([{ from: 8, to: 9 }]);
    expect(tracker.track(8)).toBe(false);
    expect(tracker.committableOffset).toBe(9);
  });

  it('is full when too much lies above the committable offset, and open again at half of it', () => {
    const tracker = new OffsetTracker({ position: 0, limit: 10 });
    for (let offset = 0; offset < 10; offset++) tracker.track(offset);
    expect(tracker.isFull).toBe(true);
    for (let offset = 1; offset < 10; offset++) tracker.finish(offset);
    expect(tracker.isFull).toBe(true);
    tracker.finish(0);
    expect(tracker.isFull).toBe(false);
  });

  it('handles a window that wraps and grows while one record is stuck', () => {
    const tracker = new OffsetTracker({ position: 0 });
    for (let offset = 0; offset < 50; offset++) {
      tracker.track(offset);
      tracker.finish(offset);
    }
    for (let offset = 50; offset < 5_000; offset++) {
      tracker.track(offset);
      if (offset !== 50) tracker.finish(offset);
    }
    expect(tracker.committableOffset).toBe(50);
    expect(tracker.finishedRanges()).toEqual([{ from: 51, to: 5_000 }]);
    tracker.finish(50);
    expect(tracker.committableOffset).toBe(5_000);
  });
});
