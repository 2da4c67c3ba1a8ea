import { describe, expect, it } from '@jest/globals';
import {
  decodeGapMap,
  encodeGapMap,
  isGapMapIn,
  joinMetadata,
  splitMetadata,
} from '../../../src/runtime/dispatch/gap-map.js';

describe('gap map', () => {
  it('says nothing when nothing is finished above the committed offset', () => {
    expect(encodeGapMap(5, [])).toBe('');
    expect(decodeGapMap(5, '')).toEqual([]);
  });

  it('has a versioned prefix and takes few characters', () => {
    const ranges = Array.from({ length: 100 }, (_, i) => ({
      from: 1_000_000 + i * 10 + 1,
      to: 1_000_000 + i * 10 + 9,
    }));
    const text = encodeGapMap(1_000_000, ranges)!;
    expect(text).toMatch(/^nestdaw-gaps:1:[A-Za-z0-9_-]+$/);
    expect(text.length).toBeLessThan(300);
    expect(decodeGapMap(1_000_000, text)).toEqual(ranges);
  });

  it('gives up above 4,000 characters', () => {
    const ranges = (count: number) => Array.from({ length: count }, (_, i) => ({ from: i * 2 + 1, to: i * 2 + 2 }));
    expect(encodeGapMap(0, ranges(1_400))!.length).toBeLessThanOrEqual(4_000);
    expect(encodeGapMap(0, ranges(1_600))).toBeUndefined();
  });

  it('stands behind a text of the application, and leaves room for it', () => {
    const ranges = [{ from: 3, to: 5 }];
    const map = encodeGapMap(1, ranges)!;
    const both = joinMetadata('sent by me', map);
    expect(both).toBe(`sent by me ${map}`);
    expect([splitMetadata(both), decodeGapMap(1, both)]).toEqual([{ text: 'sent by me', map }, ranges]);
    expect(splitMetadata('sent by me')).toEqual({ text: 'sent by me', map: '' });
    expect([joinMetadata('', map), joinMetadata('sent by me', '')]).toEqual([map, 'sent by me']);
    expect([both, map, 'sent by me', 'nestdaw'].map(isGapMapIn)).toEqual([true, true, false, false]);
    const many = Array.from({ length: 1_000 }, (_, i) => ({ from: i * 2 + 1, to: i * 2 + 2 }));
    expect(encodeGapMap(0, many, 1_000)!.length).toBeLessThanOrEqual(3_000);
    expect(encodeGapMap(0, many, 1_500)).toBeUndefined();
  });

  it('does not believe text of others, of another version, or damaged text', () => {
    const good = encodeGapMap(0, [{ from: 300, to: 900 }])!;
    for (const text of ['NO_METADATA', 'nestdaw-gaps:2:AQE', 'nestdaw-gaps:1:', `${good}!`, good.slice(0, -3)]) {
      expect(decodeGapMap(0, text)).toBeUndefined();
    }
  });
});
