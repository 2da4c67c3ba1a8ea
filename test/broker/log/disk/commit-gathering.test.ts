import { describe, expect, it } from '@jest/globals';
import { CommitGathering } from '../../../../src/broker/log/disk/commit-gathering.js';
import { DevicePace } from '../../../../src/broker/log/disk/device-pace.js';
import { GroupCommit } from '../../../../src/broker/log/disk/group-commit.js';
import { ManualClock } from '../../../support/manual-clock.js';

/** A log on a device whose every fsync takes so long, with what each of them covered. */
function logOn(syncMs: number) {
  const clock = new ManualClock();
  const covered: number[] = [];
  let waiting = 0;
  const commits = new GroupCommit(new CommitGathering(clock, new DevicePace()), async () => {
    covered.push(waiting);
    waiting = 0;
    await new Promise<void>((resolve) => clock.schedule(syncMs, resolve));
  });
  return {
    clock,
    covered,
    commit() {
      waiting++;
      return commits.commit();
    },
  };
}

type Log = ReturnType<typeof logOn>;

/** Sends again as soon as it is answered, `thinkMs` later. */
async function producer(log: Log, thinkMs: number, sends: number): Promise<void> {
  for (let i = 0; i < sends; i++) {
    await log.commit();
    await new Promise<void>((resolve) => log.clock.schedule(thinkMs, resolve));
  }
}

async function run(log: Log, ms: number): Promise<void> {
  for (let i = 0; i < ms * 4; i++) await log.clock.advance(0.25);
}

describe('CommitGathering', () => {
  it('waits on a slow device for those that were just answered, so that one fsync serves all', async () => {
    const log = logOn(8);
    void producer(log, 1, 40);
    void producer(log, 1, 40);
    await run(log, 4); // two come while the first fsync runs: without waiting they would for ever take turns with them
    void producer(log, 1, 40);
    void producer(log, 1, 40);
    await run(log, 96);
    expect(log.covered[0]).toBe(2);
    expect(log.covered.slice(1, 9)).toEqual(Array.from({ length: 8 }, () => 4));
  });

  it('lets a quick device begin at once', async () => {
    const log = logOn(1.5);
    void producer(log, 0.25, 40);
    await run(log, 1);
    void producer(log, 0.25, 40);
    await run(log, 24);
    expect(log.covered.length).toBeGreaterThanOrEqual(14);
    expect(Math.max(...log.covered)).toBe(1);
  });

  it('waits a quarter of an fsync at most, and more and more rarely where nobody comes', async () => {
    const log = logOn(8);
    // Senders that wait for no answer: each comes once.
    for (let i = 0; i < 400; i++) {
      void log.commit();
      await log.clock.advance(3);
    }
    // 1,200 ms hold 150 fsyncs of 8 ms; waiting 2 ms before each of them would leave 120.
    expect(log.covered.length).toBeGreaterThan(140);
    expect(log.covered.length).toBeLessThan(150);
  });

  it('serves the one who is alone at once', async () => {
    const log = logOn(8);
    void producer(log, 0.25, 100);
    await run(log, 82);
    expect(log.covered).toEqual(Array.from({ length: 10 }, () => 1));
  });
});
