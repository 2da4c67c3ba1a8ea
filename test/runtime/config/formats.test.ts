import { describe, expect, it } from '@jest/globals';
import {
  parseBoolean,
  parseChoice,
  parseDataSize,
  parseDuration,
  parseInteger,
  parseList,
  relaxed,
} from '../../../src/runtime/config/formats.js';

describe('formats', () => {
  it.each([
    ['10', 10],
    ['500ms', 500],
    ['10s', 10_000],
    ['10S', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['100us', 0.1],
    ['-1s', -1000],
    ['+1s', 1000],
    ['PT5S', 5000],
    ['PT1M30S', 90_000],
    ['PT0.5S', 500],
    ['P1D', 86_400_000],
    ['P1DT2H', 93_600_000],
    ['-PT5S', -5000],
    ['pt1s', 1000],
  ])('reads the duration %s', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  it.each(['', '10x', '1h30m', '1.5s', '10 s', 'P', 'PT', 'T5S', 'P1Y', 'ten'])('refuses the duration "%s"', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('takes a bare number in the unit of its key', () => {
    expect(parseDuration('30', 's')).toBe(30_000);
  });

  it.each([
    ['512', 512],
    ['512B', 512],
    ['16KB', 16_384],
    ['10mb', 10_485_760],
    ['1GB', 1_073_741_824],
    ['2TB', 2 * 2 ** 40],
  ])('reads the size %s', (text, bytes) => {
    expect(parseDataSize(text)).toBe(bytes);
  });

  it.each(['1MiB', '10X', '1.5MB', '', 'MB'])('refuses the size "%s"', (text) => {
    expect(parseDataSize(text)).toBeUndefined();
  });

  it('reads booleans, whole numbers and lists as Spring does', () => {
    expect(['true', 'ON', 'yes', '1'].map(parseBoolean)).toEqual([true, true, true, true]);
    expect(['false', 'off', 'No', '0'].map(parseBoolean)).toEqual([false, false, false, false]);
    expect(parseBoolean('maybe')).toBeUndefined();
    expect([parseInteger('0x10'), parseInteger('-5'), parseInteger('1e3'), parseInteger('5.0')]).toEqual([
      16,
      -5,
      undefined,
      undefined,
    ]);
    expect(parseList(' a , b,c ')).toEqual(['a', 'b', 'c']);
    expect(parseList('')).toEqual([]);
  });

  it('finds choices whatever their spelling', () => {
    expect(parseChoice('read-uncommitted', ['read_committed', 'read_uncommitted'])).toBe('read_uncommitted');
    expect(parseChoice('manualImmediate', ['MANUAL', 'MANUAL_IMMEDIATE'])).toBe('MANUAL_IMMEDIATE');
    expect(parseChoice('other', ['MANUAL'])).toBeUndefined();
    expect(relaxed('Max-Poll_Records')).toBe('maxpollrecords');
  });
});
