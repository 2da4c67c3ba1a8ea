import { describe, expect, it } from '@jest/globals';
import { declarations } from '../../../../src/runtime/client/admin/needed-topics.js';

describe('topics that a feature needs', () => {
  it('are declared where they are missing, with what the broker gives by default', () => {
    const configs = { 'cleanup.policy': 'compact' };
    expect(declarations([{ name: 'a' }, { name: 'b', partitions: 3, configs }], new Map())).toEqual([
      { name: 'a', partitions: -1, replicas: -1, configs: {} },
      { name: 'b', partitions: 3, replicas: -1, configs },
    ]);
    expect(declarations([{ name: 'a', partitions: 3 }], new Map([['a', 1]]))).toEqual([]);
  });

  it('get as many partitions as another one, also one that is declared just before', () => {
    const needed = [
      { name: 'a-retry', as: 'a' },
      { name: 'a-dlt', as: 'a-retry' },
    ];
    expect(declarations(needed, new Map([['a', 6]])).map(({ partitions }) => partitions)).toEqual([6, 6]);
  });

  it('grow only where that is asked for', () => {
    const existing = new Map([
      ['a', 6],
      ['b', 2],
    ]);
    expect(declarations([{ name: 'b', as: 'a' }], existing)).toEqual([]);
    expect(declarations([{ name: 'b', as: 'a', grows: true }], existing)).toEqual([{ name: 'b', partitions: 6 }]);
    expect(declarations([{ name: 'a', as: 'b', grows: true }], existing)).toEqual([]);
  });

  it('count once, as the first one says', () => {
    const twice = [
      { name: 'a', partitions: 1 },
      { name: 'a', partitions: 2 },
    ];
    expect(declarations(twice, new Map())).toHaveLength(1);
  });
});
