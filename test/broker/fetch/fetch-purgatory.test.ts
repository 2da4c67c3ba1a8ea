import { describe, expect, it } from '@jest/globals';
import { FetchPurgatory, type FetchWait } from '../../../src/broker/fetch/fetch-purgatory.js';
import { type LogListener } from '../../../src/broker/log/log-listeners.js';
import { type PartitionLog } from '../../../src/broker/log/partition-log.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

/** The part of a log that the purgatory sees. */
class FakeLog {
  readable = 0;
  readonly listeners = new Set<LogListener<PartitionLog>>();

  readableBytes(): number {
    return this.readable;
  }

  subscribe(listener: LogListener<PartitionLog>): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  append(bytes: number): void {
    this.readable += bytes;
    for (const listener of this.listeners) listener(this as unknown as PartitionLog, 'append');
  }

  close(): void {
    for (const listener of this.listeners) listener(this as unknown as PartitionLog, 'closed');
  }
}

function setUp() {
  const clock = new ManualClock();
  const purgatory = new FetchPurgatory(clock);
  const logs = [new FakeLog(), new FakeLog()];
  const client = new AbortController();
  const park = async (change: Partial<FetchWait> & { maxBytes?: number } = {}) => {
    const { maxBytes = 1000 } = change;
    let woken = false;
    const partitions = logs.map((log) => ({
      log: log as unknown as PartitionLog,
      offset: 0,
      isolation: 'read_uncommitted' as const,
      maxBytes,
    }));
    const parked = purgatory.park({ partitions, minBytes: 100, maxWaitMs: 500, closed: client.signal, ...change });
    void parked.then(() => {
      woken = true;
    });
    await flush();
    return { isWoken: () => flush().then(() => woken) };
  };
  return { clock, purgatory, logs, client, park };
}

describe('FetchPurgatory', () => {
  it('wakes a fetch when its partitions together have enough', async () => {
    const { logs, park, purgatory, clock } = setUp();
    const fetch = await park();
    logs[0]!.append(60);
    expect(await fetch.isWoken()).toBe(false);
    logs[1]!.append(40);
    expect(await fetch.isWoken()).toBe(true);
    expect([purgatory.size, clock.pending, logs[0]!.listeners.size]).toEqual([0, 0, 0]);
  });

  it('counts of a partition only what the fetch could take', async () => {
    const { logs, park } = setUp();
    const fetch = await park({ maxBytes: 60 });
    logs[0]!.append(500);
    expect(await fetch.isWoken()).toBe(false);
    logs[1]!.append(500);
    expect(await fetch.isWoken()).toBe(true);
  });

  it('wakes at once when enough came between the look and the parking', async () => {
    const { logs, park } = setUp();
    logs[0]!.readable = 100;
    expect(await (await park()).isWoken()).toBe(true);
  });

  it.each<[string, (s: ReturnType<typeof setUp>) => unknown]>([
    ['its time is over', ({ clock }) => clock.advance(500)],
    ['a partition is gone', ({ logs }) => logs[1]!.close()],
    ['the client is gone', ({ client }) => client.abort()],
    ['the broker stops', ({ purgatory }) => purgatory.close()],
  ])('wakes a fetch when %s, and forgets it', async (_what, act) => {
    const set = setUp();
    const fetch = await set.park();
    expect(set.purgatory.size).toBe(1);
    await act(set);
    expect(await fetch.isWoken()).toBe(true);
    expect([set.purgatory.size, set.clock.pending, set.logs[0]!.listeners.size]).toEqual([0, 0, 0]);
  });

  it('lets nobody wait once the broker stops', async () => {
    const { purgatory, park } = setUp();
    purgatory.close();
    expect(await (await park()).isWoken()).toBe(true);
  });

  it('leaves a log that nobody waits on alone', async () => {
    const { logs, park, clock } = setUp();
    await park();
    await clock.advance(500);
    expect(logs.map(({ listeners }) => listeners.size)).toEqual([0, 0]);
  });
});
