import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emptiestDirectories, namesDirectory } from '../../../../src/broker/log/directory/directory-choice.js';

describe('emptiestDirectories', () => {
  it('gives each new partition to the directory with the fewest, the first of equals', () => {
    const loads = [
      { id: 'a', partitions: 3 },
      { id: 'b', partitions: 1 },
      { id: 'c', partitions: 1 },
    ];
    expect(emptiestDirectories(loads, 6)).toEqual(['b', 'c', 'b', 'c', 'a', 'b']);
    expect(emptiestDirectories(loads, 0)).toEqual([]);
    expect(() => emptiestDirectories([], 1)).toThrow(RangeError);
  });

  it('never makes a directory fuller while another has two partitions less', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), fc.nat(60), (held, count) => {
        const loads = held.map((partitions, i) => ({ id: String(i), partitions }));
        const after = [...held];
        for (const id of emptiestDirectories(loads, count)) {
          expect(after[Number(id)]).toBe(Math.min(...after));
          after[Number(id)]!++;
        }
        expect(after.reduce((sum, each) => sum + each, 0)).toBe(held.reduce((sum, each) => sum + each, 0) + count);
      }),
      { numRuns: 50 },
    );
  });
});

describe('namesDirectory', () => {
  it('tells real ids from those that Kafka keeps for "lost" and the like', () => {
    const id = (last: number, first = 0) => Buffer.from([first, ...Array(14).fill(0), last]).toString('base64url');
    expect([undefined, id(0), id(2), id(99)].map(namesDirectory)).toEqual([false, false, false, false]);
    expect([id(100), id(0, 1)].map(namesDirectory)).toEqual([true, true]);
  });
});
