import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { encodeRequestFrame } from '../../../src/protocol/frame.js';
import { FindCoordinator, Metadata, Produce } from '../../../src/protocol/messages/index.js';
import { BrokerFixture, batchOf } from '../../support/broker-fixture.js';
import { flush } from '../../support/manual-clock.js';
import { SocketClient } from '../../support/raw-client.js';

describe('Produce', () => {
  let fixture: BrokerFixture;
  beforeEach(async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('orders', 2);
  });
  afterEach(() => fixture.stop());

  it('gives each batch the next offsets of its partition', async () => {
    expect(await fixture.appendValues('orders', ['a', 'b'])).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
      logAppendTimeMs: -1,
      logStartOffset: 0,
    });
    expect(await fixture.appendValues('orders', ['c'])).toMatchObject({ baseOffset: 2 });
    expect(await fixture.appendValues('orders', ['d'], { partition: 1 })).toMatchObject({ baseOffset: 0 });
  });

  it('answers each partition for itself', async () => {
    const partitionData = [
      { index: 0, records: batchOf(['a']) },
      { index: 9, records: batchOf(['b']) },
      { index: 1, records: null },
    ];
    const unknown = { name: 'nowhere', partitionData: [{ index: 0, records: batchOf(['c']) }] };
    const topicData = [{ name: 'orders', partitionData }, unknown];
    const { responses } = await fixture.client.send(Produce, 8, { acks: 1, timeoutMs: 1, topicData });
    expect(responses.map((topic) => topic.partitionResponses.map((p) => [p.index, p.errorCode, p.baseOffset]))).toEqual(
      [
        [
          [0, 0, 0],
          [9, 3, -1],
          [1, 87, -1],
        ],
        [[0, 3, -1]],
      ],
    );
  });

  it('refuses what the protocol refuses', async () => {
    const corrupt = batchOf(['a']);
    corrupt[corrupt.length - 1]! ^= 1;
    expect(await fixture.append('orders', corrupt)).toMatchObject({ errorCode: 2 });
    const zstd = batchOf(['a']);
    zstd[22] = 4;
    expect(await fixture.append('orders', zstd, { version: 6 })).toMatchObject({ errorCode: 76 });
    const transactional = batchOf(['a'], { producerId: 5n, producerEpoch: 0, baseSequence: 0, transactional: true });
    expect(await fixture.append('orders', transactional)).toMatchObject({ errorCode: 53 });
    await fixture.createTopic('small', 1, { 'max.message.bytes': '100' });
    expect(await fixture.appendValues('small', ['x'.repeat(200)])).toMatchObject({ errorCode: 10 });
    await fixture.createTopic('compacted', 1, { 'cleanup.policy': 'compact' });
    expect(await fixture.appendValues('compacted', ['no key'])).toMatchObject({
      errorCode: 87,
      recordErrors: [{ batchIndex: 0 }],
    });
  });

  it('refuses unknown acks everywhere and appends nothing', async () => {
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    const { responses } = await fixture.client.send(Produce, 8, { acks: 2, timeoutMs: 1, topicData });
    expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 21, baseOffset: -1 });
    expect(await fixture.offset('orders', -1)).toMatchObject({ offset: 0 });
  });

  it('keeps clients out of internal topics, but not admin tools', async () => {
    await fixture.client.send(FindCoordinator, 2, { key: 'g', keyType: 0 });
    expect(await fixture.appendValues('__consumer_offsets', ['a'])).toMatchObject({ errorCode: 17 });
  });

  it('recognises a batch that is sent again', async () => {
    const again = () => batchOf(['a', 'b'], { producerId: 5n, producerEpoch: 0, baseSequence: 0 });
    expect(await fixture.append('orders', again())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await fixture.append('orders', again())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const gap = batchOf(['c'], { producerId: 5n, producerEpoch: 0, baseSequence: 7 });
    expect(await fixture.append('orders', gap)).toMatchObject({ errorCode: 45 });
    expect(await fixture.offset('orders', -1)).toMatchObject({ offset: 2 });
  });

  it('finds topics by id from version 13 on', async () => {
    const { topics } = await fixture.client.send(Metadata, 12, { topics: [{ name: 'orders' }] });
    const { topicId } = topics[0]!;
    const data = (id: string) => [{ topicId: id, partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    const good = await fixture.client.send(Produce, 13, { acks: 1, timeoutMs: 1, topicData: data(topicId) });
    expect(good.responses[0]).toMatchObject({ topicId, partitionResponses: [{ errorCode: 0 }] });
    const bad = await fixture.client.send(Produce, 13, {
      acks: 1,
      timeoutMs: 1,
      topicData: data('AAAAAAAAAAAAAAAAAAAABQ'),
    });
    expect(bad.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 100 });
  });

  it('says nothing to acks=0, and ends the connection when that fails', async () => {
    const client = await SocketClient.connect(fixture.broker.port);
    const silent = (name: string) => ({
      acks: 0,
      timeoutMs: 1,
      topicData: [{ name, partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    });
    client.post(Produce, 7, silent('orders'));
    const { topics } = await client.send(Metadata, 5, { topics: [{ name: 'orders' }] });
    expect(topics[0]!.errorCode).toBe(0);
    expect(await fixture.offset('orders', -1)).toMatchObject({ offset: 1 });
    client.post(Produce, 7, silent('nowhere'));
    await client.closed;
  });

  it('closes the connection of a Produce that it only advertises', async () => {
    const frame = Buffer.concat(
      encodeRequestFrame(Produce, 3, 1, 'c', { acks: 1, timeoutMs: 1, topicData: [] }),
    ).subarray(4);
    frame.writeInt16BE(2, 2);
    expect(await fixture.broker.exchange(frame)).toBe('close');
  });

  it('acknowledges from the page cache, or where the topic asks for it only what is on the device', async () => {
    const fileSystem = new MemoryFileSystem();
    const durable = await BrokerFixture.start({ fileSystem });
    await durable.createTopic('cached');
    await durable.createTopic('synced', 1, { 'flush.messages': '1' });
    const device = deferred();
    fileSystem.beforeSync = () => device.promise;
    expect(await durable.appendValues('cached', ['a'])).toMatchObject({ errorCode: 0 });
    let acknowledged = false;
    const answer = durable.appendValues('synced', ['a']).finally(() => {
      acknowledged = true;
    });
    await flush();
    expect(acknowledged).toBe(false);
    device.resolve();
    expect(await answer).toMatchObject({ errorCode: 0, baseOffset: 0 });

    fileSystem.beforeSync = () => Promise.reject(new Error('EIO'));
    expect(await durable.appendValues('synced', ['b'])).toMatchObject({ errorCode: 56, baseOffset: -1 });
    // Nobody knows what a device holds that once failed to sync: the partition stays shut, and the stop says so.
    fileSystem.beforeSync = undefined;
    expect(await durable.appendValues('synced', ['c'])).toMatchObject({ errorCode: 56 });
    await expect(durable.stop()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_FAILED' });
  });

  it('tells of a full disk, and only for the partition that it met', async () => {
    const fileSystem = new MemoryFileSystem();
    const full = await BrokerFixture.start({ fileSystem });
    await full.createTopic('orders', 2);
    fileSystem.onOperation = (operation, path) =>
      operation === 'write' && path.includes('orders-0') ? { code: 'ENOSPC', afterBytes: 10 } : undefined;
    expect(await full.appendValues('orders', ['a'])).toMatchObject({ errorCode: 56 });
    expect(await full.appendValues('orders', ['a'], { partition: 1 })).toMatchObject({ errorCode: 0, baseOffset: 0 });
    fileSystem.onOperation = undefined;
    expect(await full.appendValues('orders', ['b'])).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await full.stop();
  });
});
