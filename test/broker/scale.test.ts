import { describe, expect, it } from '@jest/globals';
import { groupsOverRestarts } from '../../proofs/scale/groups.js';
import { recordsThrough } from '../../proofs/scale/heap.js';
import { packedThrough } from '../../proofs/scale/packed.js';
import { parkFetches, produceTo } from '../../proofs/scale/parked-fetches.js';
import { topicsComeAndGo } from '../../proofs/scale/topics.js';
import { flush, ManualClock } from '../support/manual-clock.js';

// Small counts of what `npm run prove -- scale` does at size. What is measured in time is measured there alone.

describe('a broker at size', () => {
  it('keeps no file open and no folder of topics that were made and deleted', async () => {
    const { openBefore, openMost, openAfter, left } = await topicsComeAndGo(20);
    expect(openMost).toBeGreaterThan(openBefore + 20);
    expect({ openAfter, left }).toEqual({ openAfter: openBefore, left: [] });
  });

  it('holds no object for a record that went through it', async () => {
    const { records, grownBytes } = await recordsThrough(25_600);
    expect(grownBytes / records).toBeLessThan(50);
  });

  it('unpacks nothing of what a plain topic takes and gives', async () => {
    const { packedBytes, ...looked } = await packedThrough(4_000_000);
    expect(packedBytes).toBeGreaterThanOrEqual(4_000_000);
    expect(looked).toEqual({ decompressedBytes: 0, examinedRecords: 0 });
  });

  it('wakes the fetches of the partition that was written to, and no other', async () => {
    const clock = new ManualClock();
    const { broker, answered, all } = await parkFetches(1000, 30_000, clock);
    await produceTo(broker, 7, clock);
    await flush();
    expect(answered).toEqual(answered.map((_, partition) => (partition === 7 ? 10 : 0)));
    expect(broker.metrics().parkedFetches).toBe(990);
    await broker.stop();
    await all;
  });

  it('answers the fetches that waited in vain when their time is over, and not a millisecond before', async () => {
    const clock = new ManualClock();
    const { broker, answered, all } = await parkFetches(1000, 30_000, clock);
    const count = () => answered.reduce((sum, n) => sum + n, 0);
    await clock.advance(29_999);
    expect(count()).toBe(0);
    await clock.advance(1);
    await all;
    expect(count()).toBe(1000);
    expect(broker.metrics().parkedFetches).toBe(0);
    await broker.stop();
  });

  it('knows groups, their members and offsets again after a restart', async () => {
    expect(await groupsOverRestarts(20)).toEqual({ groups: 20, members: 200 });
  });
});
