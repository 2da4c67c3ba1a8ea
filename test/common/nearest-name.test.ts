import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { editDistance, nearestName } from '../../src/common/nearest-name.js';

describe('the nearest name', () => {
  it('names the nearest candidate, and none when nothing is near', () => {
    expect(nearestName('consumer.groupid', ['consumer.group-id', 'producer.acks'])).toBe('consumer.group-id');
    expect(nearestName('zzz', ['consumer.group-id', 'producer.acks'])).toBeUndefined();
  });

  it('measures edits symmetrically, zero only for equal texts', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
      { numRuns: 200 },
    );
  });
});
