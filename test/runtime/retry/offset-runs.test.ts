import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OffsetRuns } from '../../../src/runtime/retry/offset-runs.js';

describe('runs of offsets', () => {
  it('hold a million that follow each other as one', () => {
    const runs = new OffsetRuns();
    for (let offset = 0; offset < 1_000_000; offset++) runs.add(offset);
    expect(runs.size).toBe(1);
    for (let offset = 0; offset < 1_000; offset++) expect(runs.takeUpTo(offset)).toBe(true);
    expect(runs.size).toBe(1);
  });

  it('know what was added, in whatever order, as a set does', () => {
    const offsets = fc.uniqueArray(fc.nat(30), { maxLength: 30 });
    fc.assert(
      fc.property(offsets, offsets, (added, taken) => {
        const runs = new OffsetRuns();
        const set = new Set(added);
        for (const offset of added) runs.add(offset);
        const gaps = [...set].filter((offset) => !set.has(offset - 1)).length;
        expect(runs.size).toBe(gaps);
        for (const offset of taken.sort((a, b) => a - b)) expect(runs.takeUpTo(offset)).toBe(set.has(offset));
      }),
    );
  });
});
