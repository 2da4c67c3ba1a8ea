import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Identity, TransactionBench } from '../../../support/transaction-bench.js';

// What happens to transactional ids whose producers say nothing any more.

let bench: TransactionBench;
let producer: Identity;
beforeEach(async () => {
  bench = await TransactionBench.open();
  producer = await bench.init({ timeoutMs: 30_000 });
});

describe('a transaction that is open for longer than its producer asked for', () => {
  it('is aborted, its producer is fenced, and readers go on', async () => {
    await bench.add(producer);
    bench.append(producer, 'a', 0);
    await bench.clock.advance(30_000);
    expect(bench.summary()).toBe('Ongoing 0');
    await bench.clock.advance(10_000);
    expect(bench.summary()).toBe('CompleteAbort 1');
    expect(bench.partitions[0]!.lastStableOffset).toBe(2);
    expect((await bench.end(producer, true)).errorCode).toBe(90);
    expect(bench.append(producer, 'b', 1)).toBe(47);
    expect(await bench.add(producer)).toBe(90);
  });

  it('lets its producer go on with the next epoch when it says who it was', async () => {
    await bench.add(producer);
    await bench.clock.advance(40_000);
    const next = await bench.init({ expected: producer });
    expect([next.errorCode, next.producerEpoch]).toEqual([0, 1]);
  });

  it('is counted from its first partition, not from the last', async () => {
    await bench.add(producer, 0);
    await bench.clock.advance(20_000);
    await bench.add(producer, 1);
    await bench.clock.advance(20_000);
    expect(bench.summary()).toBe('CompleteAbort 1');
  });

  it('is aborted by the next process, too', async () => {
    await bench.add(producer);
    await bench.clock.advance(5_000);
    await bench.restart();
    expect(bench.summary()).toBe('Ongoing 0');
    await bench.clock.advance(40_000);
    expect(bench.summary()).toBe('CompleteAbort 1');
  });

  it('stays open while the log refuses, without a second epoch', async () => {
    await bench.add(producer);
    bench.log.errorCode = 56;
    await bench.clock.advance(60_000);
    expect(bench.summary()).toBe('Ongoing 0');
    bench.log.errorCode = 0;
    await bench.clock.advance(10_000);
    expect(bench.summary()).toBe('CompleteAbort 1');
  });

  it('does not keep others waiting whose log is slow', async () => {
    await bench.add(producer);
    bench.partitions[0]!.errorCode = 56;
    const other = await bench.init({ timeoutMs: 30_000 }, 'other');
    await bench.add(other, 1);
    await bench.clock.advance(40_000);
    expect(bench.summary('other')).toBe('CompleteAbort 1');
  });
});

describe('an id that nobody uses', () => {
  const WEEK = 604_800_000;
  const HOUR = 3_600_000;

  it('is forgotten after transactional.id.expiration.ms, and begins anew', async () => {
    await bench.clock.advance(WEEK - HOUR);
    expect(bench.summary()).toBe('Empty 0');
    await bench.clock.advance(2 * HOUR);
    expect(bench.coordinator.describe('t')).toBeUndefined();
    expect(await bench.add(producer)).toBe(49);
    await bench.restart();
    expect(bench.coordinator.describe('t')).toBeUndefined();
    expect(await bench.init()).toMatchObject({ producerId: 1_001n, producerEpoch: 0 });
  }, 30_000);

  it('is kept while its transaction is open or being ended', async () => {
    bench = await TransactionBench.open({ idExpirationMs: 1_000, removeExpiredIntervalMs: 1_000 });
    producer = await bench.init({ timeoutMs: 60_000 });
    await bench.add(producer);
    await bench.clock.advance(5_000);
    expect(bench.summary()).toBe('Ongoing 0');
    bench.partitions[0]!.errorCode = 56;
    await bench.end(producer, true);
    await bench.clock.advance(5_000);
    expect(bench.summary()).toBe('PrepareCommit 0');
    bench.partitions[0]!.errorCode = 0;
    await bench.clock.advance(1_000);
    expect(bench.summary()).toBe('CompleteCommit 0');
    await bench.clock.advance(2_000);
    expect(bench.coordinator.describe('t')).toBeUndefined();
  });
});

describe('a coordinator that is not ready', () => {
  it('says so instead of taking an id for unknown', async () => {
    const other = bench.another(bench.groups);
    expect((await other.initialize('t', { timeoutMs: 1, expected: undefined })).errorCode).toBe(15);
    const starting = other.start();
    expect(other.verify(producer, { topic: 'orders', partition: 0 })).toBe(14);
    expect(other.list().errorCode).toBe(14);
    await starting;
    expect(other.list()).toMatchObject({ errorCode: 0, transactions: [['t', { state: 'Empty' }]] });
    await other.stop();
    expect((await other.end('t', { ...producer, committed: true, clientVersion: 0 })).errorCode).toBe(15);
    expect(other.describe('t')).toBe(15);
  });
});
