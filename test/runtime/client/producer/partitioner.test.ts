import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/common/random.js';
import { partitionForKey } from '../../../../src/protocol/murmur2.js';
import { Partitioner } from '../../../../src/runtime/client/producer/partitioner.js';

describe('partitioner', () => {
  const random = seededRandom(1);
  const counted = (partitioner: Partitioner, records: number, count: number, size = 100): number[] => {
    const counts = Array.from({ length: count }, () => 0);
    for (let i = 0; i < records; i++) counts[partitioner.choose('t', null, size, count)]!++;
    return counts;
  };

  it('places a key by its hash alone', () => {
    const partitioner = new Partitioner({ batchSize: 1000, random });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 50 }), (bytes, count) => {
        const key = Buffer.from(bytes);
        expect(partitioner.choose('t', key, 10, count)).toBe(partitionForKey(key, count));
      }),
      { numRuns: 200 },
    );
  });

  it('stays with one partition for a batch, then takes the next', () => {
    const partitioner = new Partitioner({ batchSize: 1000, random: { ...random, next: () => 0.9 } });
    const chosen = Array.from({ length: 30 }, () => partitioner.choose('t', null, 100, 3));
    expect(chosen).toEqual([...Array(10).fill(2), ...Array(10).fill(0), ...Array(10).fill(1)]);
  });

  it('spreads 9,000 keyless records over 3 partitions within a tenth, sticky or not', () => {
    for (const nullKeys of ['sticky', 'round-robin'] as const) {
      const partitioner = new Partitioner({ batchSize: 16_384, nullKeys, random });
      for (const n of counted(partitioner, 9000, 3)) expect(Math.abs(n - 3000)).toBeLessThanOrEqual(300);
    }
  });

  it('takes turns record by record when asked to', () => {
    const partitioner = new Partitioner({ batchSize: 16_384, nullKeys: 'round-robin', random });
    expect(counted(partitioner, 8, 4)).toEqual([2, 2, 2, 2]);
  });

  it('treats keyed records like keyless ones when keys are ignored', () => {
    const partitioner = new Partitioner({ batchSize: 1, ignoreKeys: true, random });
    const chosen = new Set(Array.from({ length: 4 }, () => partitioner.choose('t', Buffer.from('k'), 1, 4)));
    expect(chosen.size).toBe(4);
  });

  it('keeps each topic its own turn, and stays in range when partitions become fewer', () => {
    const partitioner = new Partitioner({ batchSize: 1, random });
    for (let i = 0; i < 9; i++) partitioner.choose('a', null, 1, 9);
    expect(partitioner.choose('a', null, 1, 2)).toBeLessThan(2);
    expect(partitioner.choose('b', null, 1, 1)).toBe(0);
  });

  describe('by load', () => {
    const shares = (loads: ReadonlyArray<number | undefined>, turns = 600): number[] => {
      const loadOf = (_topic: string, partition: number) => loads[partition];
      const partitioner = new Partitioner({ batchSize: 100, random, loadOf });
      return counted(partitioner, turns, loads.length);
    };

    it('gives equal turns to equal loads', () => {
      expect(shares([0, 0, 0])).toEqual([200, 200, 200]);
      expect(shares([7, 7, 7])).toEqual([200, 200, 200]);
    });

    it('gives a partition with a backlog fewer, by as much as the others are ahead', () => {
      const [idle, behind, far] = shares([0, 2, 5]) as [number, number, number];
      // Weights 6, 4 and 1.
      expect([Math.round(idle / 55), Math.round(behind / 55), Math.round(far / 55)]).toEqual([6, 4, 1]);
    });

    it('leaves out one without a leader while others have one', () => {
      const [one, two, three] = shares([0, undefined, 0]) as [number, number, number];
      expect(two).toBeLessThanOrEqual(1); // where it happened to begin
      expect(Math.abs(one - three)).toBeLessThanOrEqual(1);
      expect(shares([undefined, undefined]).reduce((a, b) => a + b)).toBe(600);
    });
  });
});
