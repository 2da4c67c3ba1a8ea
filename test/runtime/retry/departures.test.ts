import { beforeEach, describe, expect, it } from '@jest/globals';
import { Departures } from '../../../src/runtime/retry/departures.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('departures', () => {
  let clock: ManualClock;
  let departures: Departures;
  let left: string[];

  beforeEach(() => {
    clock = new ManualClock();
    departures = new Departures(clock);
    left = [];
  });

  const wait = (name: string, delayMs: number) => {
    void departures.next(delayMs)?.then(() => left.push(name));
  };

  it('lets those go together that come within a tenth of a second', async () => {
    wait('a', 10_000);
    await clock.advance(90);
    wait('b', 10_000);
    expect(left).toEqual([]);
    await clock.advance(10);
    expect(left).toEqual(['a', 'b']);
    wait('c', 10_000);
    await clock.advance(99);
    expect(left).toEqual(['a', 'b']);
    await clock.advance(1);
    expect(left).toEqual(['a', 'b', 'c']);
  });

  it('goes with the first of them that must go', async () => {
    wait('a', 10_000);
    wait('b', 200);
    await clock.advance(39);
    expect(left).toEqual([]);
    await clock.advance(1);
    expect(left).toEqual(['a', 'b']);
    await clock.advance(1_000);
    expect(left).toEqual(['a', 'b']);
  });

  it('keeps nobody who is due soon', () => {
    expect(departures.next(0)).toBeUndefined();
    expect(departures.next(99)).toBeUndefined();
  });

  it('goes early when many wait, and once for each of them', async () => {
    for (let n = 0; n < 501; n++) wait(`${n}`, 1_000);
    await clock.advance(0);
    expect(left).toHaveLength(500);
    await clock.advance(100);
    expect(left).toHaveLength(501);
  });
});
