import { afterEach, describe, expect, it } from '@jest/globals';
import { type BrokerOptions } from '../../src/broker/broker.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Fetch } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { BrokerFixture, batchOf } from '../support/broker-fixture.js';
import { flush, ManualClock } from '../support/manual-clock.js';
import { SocketClient } from '../support/raw-client.js';

// What a broker says of itself: what it did with the bytes, and what is wrong.

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function started(options: BrokerOptions = {}) {
  const clock = new ManualClock();
  const fileSystem = new MemoryFileSystem({ clock });
  const fixture = await BrokerFixture.start({ clock, fileSystem, ...options });
  cleanUp.push(() => fixture.stop().catch(() => undefined));
  return { fixture, clock, fileSystem };
}

/** As of the time at which the clock of these tests starts. */
const stamped = (values: readonly string[], compression: 'none' | 'gzip' | 'lz4') =>
  batchOf(values, { timestamp: 1_700_000_000_000, compression });

const VALUES = ['a', 'b', 'c'].map((letter) => letter.repeat(1000));

describe('metrics of storage', () => {
  it('count a batch that was stored in another codec, and what was unpacked for it', async () => {
    const { fixture } = await started();
    await fixture.createTopic('kept');
    await fixture.createTopic('packed', 1, { 'compression.type': 'gzip' });
    const before = fixture.broker.metrics().storage;
    expect((await fixture.append('kept', stamped(VALUES, 'lz4'))).errorCode).toBe(0);
    const kept = fixture.broker.metrics().storage;
    expect(kept.appendedBatches - before.appendedBatches).toBe(1);
    expect(kept.recompressedBatches).toBe(0);
    expect((await fixture.append('packed', stamped(VALUES, 'lz4'))).errorCode).toBe(0);
    const packed = fixture.broker.metrics().storage;
    expect(packed.recompressedBatches).toBe(1);
    expect(packed.decompressedBytes - kept.decompressedBytes).toBeGreaterThan(3000);
    // One that has the topic's codec already stays as it is.
    await fixture.append('packed', stamped(VALUES, 'gzip'));
    expect(fixture.broker.metrics().storage.recompressedBatches).toBe(1);
  });

  it('unpack nothing for a topic without rules that need it, and something where a key is asked for', async () => {
    const { fixture } = await started();
    await fixture.createTopic('plain');
    await fixture.createTopic('compacted', 1, { 'cleanup.policy': 'compact' });
    for (let i = 0; i < 20; i++) {
      expect((await fixture.append('plain', stamped(VALUES, 'lz4'))).errorCode).toBe(0);
    }
    const { decompressedBytes, examinedRecords, appendedBytes } = fixture.broker.metrics().storage;
    expect({ decompressedBytes, examinedRecords }).toEqual({ decompressedBytes: 0, examinedRecords: 0 });
    expect(appendedBytes).toBeGreaterThan(0);
    const keyed = VALUES.map((value) => ({ key: Buffer.from('k'), value: Buffer.from(value) }));
    const batch = encodeRecords(keyed, { timestamp: 1_700_000_000_000, compression: 'gzip' });
    expect((await fixture.append('compacted', batch)).errorCode).toBe(0);
    const looked = fixture.broker.metrics().storage;
    expect(looked.decompressedBytes).toBeGreaterThan(3000);
    expect(looked.examinedRecords).toBe(3);
  });

  it('a fetch looks at no record, and what it reads from the file is what it answers with', async () => {
    const { fixture, fileSystem } = await started();
    await fixture.createTopic('t');
    for (let i = 0; i < 8; i++) await fixture.append('t', stamped(VALUES, i % 2 === 0 ? 'none' : 'lz4'));
    const read: Buffer[] = [];
    const open = fileSystem.open.bind(fileSystem);
    fileSystem.open = (path, options) => {
      const handle = open(path, options);
      const plainRead = handle.read.bind(handle);
      handle.read = (target, start, length, position) => {
        if (path.endsWith('.log')) read.push(target);
        return plainRead(target, start, length, position);
      };
      return handle;
    };
    // Descriptors that are open already read as before: a new one is opened for the segment.
    await fixture.stop();
    const again = await BrokerFixture.start({ fileSystem, clock: new ManualClock() });
    cleanUp.push(() => again.stop());
    read.length = 0;
    const { records, errorCode } = await again.read('t', 0);
    expect(errorCode).toBe(0);
    expect(records!.length).toBeGreaterThan(12_000);
    expect(again.broker.metrics().storage).toMatchObject({ decompressedBytes: 0, examinedRecords: 0 });
    // All of the answer came from the file into one piece of memory by one read: what else is read are headers.
    const whole = read.filter((target) => target.length >= records!.length);
    expect(whole).toHaveLength(1);
    expect(whole[0]!.subarray(0, records!.length).equals(records!)).toBe(true);
  });

  it('count connections, fetches that wait, partitions and fsyncs', async () => {
    const { fixture, clock } = await started();
    await fixture.createTopic('t', 3, { 'flush.messages': '1' });
    const idle = fixture.broker.metrics();
    expect(idle).toMatchObject({ connections: 0, parkedFetches: 0 });
    expect(idle.partitions).toBeGreaterThanOrEqual(3);
    const client = await SocketClient.connect(fixture.broker.port);
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const request = { maxWaitMs: 500, minBytes: 1, isolationLevel: 0, topics: [{ topic: 't', partitions }] };
    const waiting = client.send(Fetch, 11, request);
    while (fixture.broker.metrics().parkedFetches === 0) await flush();
    expect(fixture.broker.metrics()).toMatchObject({ connections: 1, parkedFetches: 1 });
    await fixture.append('t', stamped(['v'], 'none'));
    expect((await waiting).responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(0);
    expect(fixture.broker.metrics().storage.syncs).toBeGreaterThan(idle.storage.syncs);
    client.close();
    await clock.advance(0);
  });
});

describe('health', () => {
  it('names a partition that cannot be written to', async () => {
    const { fixture, fileSystem } = await started();
    await fixture.createTopic('t');
    await fixture.createTopic('u');
    expect(fixture.broker.health()).toEqual({ status: 'up', problems: [] });
    fileSystem.onOperation = (operation, path) =>
      operation === 'write' && path.includes('/t-0/') ? { code: 'EIO' } : undefined;
    const refused = await fixture.append('t', stamped(['v'], 'none'));
    expect(refused.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.append('u', stamped(['v'], 'none'))).errorCode).toBe(0);
    expect(fixture.broker.health()).toEqual({
      status: 'degraded',
      problems: [{ partition: 't-0', kind: 'not-writable', reason: expect.stringContaining('EIO') }],
    });
  });

  it('names a partition that compaction fails on, until it succeeds', async () => {
    const { fixture, clock, fileSystem } = await started();
    const config = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576', 'min.cleanable.dirty.ratio': '0' };
    await fixture.createTopic('t', 1, config);
    const value = Buffer.alloc(400_000);
    const record = { key: Buffer.from('k'), value };
    const append = () => fixture.append('t', encodeRecords([record], { timestamp: clock.now() }));
    for (let i = 0; i < 8; i++) await append();
    fileSystem.onOperation = (operation, path) =>
      operation === 'write' && path.includes('.cleaned') ? { code: 'ENOSPC' } : undefined;
    await clock.advance(20_000);
    expect(fixture.broker.metrics().cleaner).toMatchObject({
      cleanings: 0,
      uncleaned: [{ topicPartition: { topic: 't', partition: 0 }, isForGood: false }],
    });
    expect(fixture.broker.health().problems).toEqual([
      { partition: 't-0', kind: 'not-compacted', reason: expect.stringContaining('ENOSPC') },
    ]);
    fileSystem.onOperation = undefined;
    await clock.advance(20_000);
    expect(fixture.broker.health()).toEqual({ status: 'up', problems: [] });
    const { cleanings, bytesBefore, bytesAfter } = fixture.broker.metrics().cleaner;
    expect(cleanings).toBe(1);
    expect(bytesAfter).toBeLessThan(bytesBefore);
  });
});
