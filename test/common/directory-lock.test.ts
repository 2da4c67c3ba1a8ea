import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { acquireDirectoryLock, findLockHolder } from '../../src/common/directory-lock.js';

const noStale = () => undefined;

describe('directory lock', () => {
  it('is held by one at a time and free again after release', async () => {
    const identity = randomUUID();
    const first = await acquireDirectoryLock(identity, noStale);
    expect(first).toBeDefined();
    expect(await acquireDirectoryLock(identity, noStale)).toBeUndefined();
    await first!.release();
    const second = await acquireDirectoryLock(identity, noStale);
    expect(second).toBeDefined();
    await second!.release();
  });

  it('lets exactly one of many have it', async () => {
    const identity = randomUUID();
    const locks = await Promise.all(Array.from({ length: 20 }, () => acquireDirectoryLock(identity, noStale)));
    const held = locks.filter((lock) => lock !== undefined);
    expect(held).toHaveLength(1);
    await held[0]!.release();
  });

  it('tells those who watch the address, early or late, and when it ends', async () => {
    const identity = randomUUID();
    expect(await findLockHolder(identity)).toBeUndefined();
    const lock = (await acquireDirectoryLock(identity, noStale))!;
    const early = (await findLockHolder(identity))!;
    lock.announce('127.0.0.1:9092');
    expect(await early.bootstrapServers).toBe('127.0.0.1:9092');
    const late = (await findLockHolder(identity))!;
    expect(await late.bootstrapServers).toBe('127.0.0.1:9092');
    await lock.release();
    await Promise.all([early.ended, late.ended]);
  });

  it('says so when the holder ends before it has an address', async () => {
    const identity = randomUUID();
    const lock = (await acquireDirectoryLock(identity, noStale))!;
    const watcher = (await findLockHolder(identity))!;
    await lock.release();
    expect(await watcher.bootstrapServers).toBeUndefined();
  });
});
