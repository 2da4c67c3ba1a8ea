import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OffsetMap } from '../../../../src/broker/log/cleaner/offset-map.js';

describe('OffsetMap', () => {
  it('knows what a map of strings knows, whatever the keys (property)', () => {
    const keys = fc.array(fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 300 })), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(keys, fc.integer(), (list, seed) => {
        const map = new OffsetMap(1e6, seed);
        const model = new Map<string, number>();
        list.forEach((key, offset) => {
          // Keys lie somewhere in a batch.
          const bytes = Buffer.concat([Buffer.from([1, 2]), key, Buffer.from([3])]);
          expect(map.put(bytes, 2, key.length, offset)).toBe(true);
          model.set(Buffer.from(key).toString('hex'), offset);
        });
        expect([map.size, map.latestOffset]).toEqual([model.size, list.length - 1]);
        for (const [hex, offset] of model) {
          const key = Buffer.from(hex, 'hex');
          expect(map.get(key, 0, key.length)).toBe(offset);
        }
        expect(map.get(Buffer.from('not in it'), 0, 9)).toBe(-1);
      }),
      { numRuns: 50 },
    );
  });

  it('takes no key beyond its memory, but still moves the ones that it has', () => {
    const map = new OffsetMap(10_000, 1);
    const key = (i: number): Buffer => Buffer.from(`key-${i}`);
    let count = 0;
    while (map.put(key(count), 0, key(count).length, count)) count++;
    expect(count).toBeGreaterThan(250);
    expect(count).toBeLessThan(320);
    expect([map.size, map.latestOffset, map.get(key(count), 0, key(count).length)]).toEqual([count, count - 1, -1]);
    expect(map.put(key(0), 0, 5, 1000)).toBe(true);
    expect(map.get(key(0), 0, 5)).toBe(1000);
  });

  it('always has room for one key', () => {
    const map = new OffsetMap(10, 1);
    expect(map.put(Buffer.alloc(1000), 0, 1000, 5)).toBe(true);
    expect(map.put(Buffer.from('b'), 0, 1, 6)).toBe(false);
  });
});
