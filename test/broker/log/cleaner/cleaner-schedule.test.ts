import { describe, expect, it } from '@jest/globals';
import {
  type CleanableSegment,
  type CompactedLog,
  cleanableRange,
  dirtiestFirst,
} from '../../../../src/broker/log/cleaner/cleaner-schedule.js';
import { groupSegments } from '../../../../src/broker/log/cleaner/segment-groups.js';
import { logConfig } from '../../../../src/broker/log/log-config.js';
import { NOW } from '../log-fixture.js';

const segment = (baseOffset: number, size: number, time = NOW): CleanableSegment => ({
  baseOffset,
  size,
  maxTimestamp: time,
  firstTimestamp: time,
});

/** Segments of 100 offsets each; the last one is active. */
function logOf(
  sizes: readonly number[],
  shape: Partial<CompactedLog> & { config?: never; keys?: Record<string, string> } = {},
) {
  const { keys = {}, ...rest } = shape;
  const logEndOffset = sizes.length * 100;
  return {
    config: logConfig({ 'cleanup.policy': 'compact', ...keys }),
    logStartOffset: 0,
    logEndOffset,
    lastStableOffset: logEndOffset,
    segments: sizes.map((size, i) => segment(i * 100, size)),
    ...rest,
  };
}

describe('cleanableRange', () => {
  it('goes from where the last cleaning ended to the active segment', () => {
    expect(cleanableRange(logOf([10, 10, 10, 10]), undefined, NOW)).toEqual({
      firstDirtyOffset: 0,
      endOffset: 300,
      dirtyRatio: 1,
      isOverdue: false,
    });
    expect(cleanableRange(logOf([10, 20, 30, 40]), 200, NOW)).toMatchObject({ firstDirtyOffset: 200, dirtyRatio: 0.5 });
  });

  it.each<[string, ReturnType<typeof logOf>, number | undefined]>([
    ['only an active segment', logOf([10]), undefined],
    ['nothing new since the last cleaning', logOf([10, 10]), 100],
    ['no bytes in what is new', logOf([10, 0, 10]), 100],
    ['an open transaction at the beginning', logOf([10, 10, 10], { lastStableOffset: 50 }), undefined],
  ])('is none for %s', (_, log, cleanedTo) => {
    expect(cleanableRange(log, cleanedTo, NOW)).toBeUndefined();
  });

  it('ends at the segment of the oldest open transaction', () => {
    expect(cleanableRange(logOf([10, 10, 10, 10], { lastStableOffset: 250 }), undefined, NOW)?.endOffset).toBe(200);
  });

  it('begins at the log start when the checkpoint lies before it or behind the end', () => {
    const log = logOf([10, 10, 10], { logStartOffset: 120 });
    expect(cleanableRange(log, 50, NOW)?.firstDirtyOffset).toBe(120);
    expect(cleanableRange(log, 500, NOW)?.firstDirtyOffset).toBe(120);
  });

  it('leaves records younger than min.compaction.lag.ms, and all behind them', () => {
    const segments = [
      segment(0, 10, NOW - 100),
      segment(100, 10, NOW - 50),
      segment(200, 10, NOW - 100),
      segment(300, 1),
    ];
    const log = logOf([10, 10, 10, 1], { segments, keys: { 'min.compaction.lag.ms': '60' } });
    expect(cleanableRange(log, undefined, NOW)?.endOffset).toBe(100);
    expect(cleanableRange(log, undefined, NOW + 10)?.endOffset).toBe(300);
  });

  it('is overdue when a record has waited longer than max.compaction.lag.ms', () => {
    const segments = [segment(0, 1000), segment(100, 1, NOW - 61), segment(200, 10)];
    const log = logOf([1000, 1, 10], { segments, keys: { 'max.compaction.lag.ms': '60' } });
    expect(cleanableRange(log, 100, NOW)?.isOverdue).toBe(true);
    expect(cleanableRange(log, 100, NOW - 1)?.isOverdue).toBe(false);
  });
});

describe('dirtiestFirst', () => {
  const range = { firstDirtyOffset: 0, endOffset: 1, isOverdue: false };
  const log = (name: string) => ({ name, config: logConfig({ 'cleanup.policy': 'compact' }) });

  it('passes over what is not dirty enough, unless it is overdue', () => {
    const candidates = [
      { log: log('49 %'), range: { ...range, dirtyRatio: 0.49 } },
      { log: log('50 %'), range: { ...range, dirtyRatio: 0.5 } },
      { log: log('51 %'), range: { ...range, dirtyRatio: 0.51 } },
      { log: log('overdue'), range: { ...range, dirtyRatio: 0.01, isOverdue: true } },
      { log: log('90 %'), range: { ...range, dirtyRatio: 0.9 } },
    ];
    expect(dirtiestFirst(candidates).map((candidate) => candidate.log.name)).toEqual(['90 %', '51 %', 'overdue']);
  });
});

describe('groupSegments', () => {
  const sized = (...sizes: number[]) =>
    sizes.map((size, i) => ({ baseOffset: i * 100, size, offsetIndexBytes: size / 10, timeIndexBytes: size / 5 }));
  const limits = { segmentBytes: 100, segmentIndexBytes: 1000, endOffset: 1000 };
  const sizesOf = (groups: Array<Array<{ size: number }>>) => groups.map((group) => group.map(({ size }) => size));

  it('fills groups up to the size of a segment, in order', () => {
    expect(sizesOf(groupSegments(sized(60, 40, 1, 99, 100, 0, 200, 10), limits))).toEqual([
      [60, 40],
      [1, 99],
      [100, 0],
      [200],
      [10],
    ]);
  });

  it('minds the sizes of the indexes', () => {
    expect(sizesOf(groupSegments(sized(20, 20, 20), { ...limits, segmentIndexBytes: 8 }))).toEqual([[20, 20], [20]]);
  });

  it('keeps offsets within 31 bits of the base', () => {
    const far = [
      { baseOffset: 0, size: 1, offsetIndexBytes: 0, timeIndexBytes: 0 },
      { baseOffset: 2 ** 31 - 10, size: 1, offsetIndexBytes: 0, timeIndexBytes: 0 },
      { baseOffset: 2 ** 31 + 10, size: 1, offsetIndexBytes: 0, timeIndexBytes: 0 },
    ];
    expect(groupSegments(far, { ...limits, endOffset: 2 ** 31 + 20 }).map((group) => group.length)).toEqual([1, 2]);
    expect(groupSegments([], limits)).toEqual([]);
  });
});
