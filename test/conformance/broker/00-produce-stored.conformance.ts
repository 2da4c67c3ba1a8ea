import { describe, expect, it } from '@jest/globals';
import { compress } from '../../../src/protocol/compression.js';
import {
  attributes,
  compressionOf,
  isLogAppendTime,
  maxTimestamp,
  recordCount,
  setAttributes,
  setMaxTimestamp,
} from '../../../src/protocol/record-batch-header.js';
import { batch, batchesIn, damaged, recordsIn, sequenced } from './harness/batches.js';
import { conformance } from './harness/world.js';

const HOUR = 3_600_000;
const world = conformance();

describe('Produce: compression', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('keeps a batch in %s as it is', async (compression) => {
    const topic = await world.topic();
    const values = Array.from({ length: 100 }, (_, i) => `value number ${i}`);
    const sent = batch(values, { compression });
    await topic.produce(Buffer.from(sent));
    const stored = batchesIn(await topic.bytes())[0]!;
    expect([compressionOf(stored), recordCount(stored)]).toEqual([compressionOf(sent), 100]);
    expect(await topic.values()).toEqual(values);
  });

  it.each([3, 4, 5, 6])('v%i does not take zstd', async (version) => {
    const topic = await world.topic();
    const answer = await topic.produce(batch(['a'], { compression: 'zstd' }), { version });
    expect(answer.errorCode).toBe(76);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('takes snappy without the framing of Java', async () => {
    const topic = await world.topic();
    const plain = batch(['raw snappy']);
    const body = compress('snappy', plain.subarray(61));
    // The framed form begins with a magic of 16 bytes and the block's length; the raw block follows.
    const raw = body.subarray(0, 4).toString('latin1') === '\x82SNA' ? body.subarray(20) : body;
    const sent = damaged(Buffer.concat([plain.subarray(0, 61), raw]), (b) => {
      b.writeInt32BE(b.length - 12, 8);
      setAttributes(b, 0, 2);
    });
    expect((await topic.produce(sent)).errorCode).toBe(0);
    expect(await topic.values()).toEqual(['raw snappy']);
  });

  it.each([
    ['gzip', 1],
    ['snappy', 2],
    ['lz4', 3],
    ['zstd', 4],
    ['uncompressed', 0],
  ] as const)('brings batches to the compression.type %s of the topic', async (type, codec) => {
    const topic = await world.topic({ configs: { 'compression.type': type } });
    const values = Array.from({ length: 20 }, (_, i) => `value number ${i}`);
    const answer = await topic.produce(batch(values, { compression: type === 'gzip' ? 'lz4' : 'gzip' }));
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const stored = batchesIn(await topic.bytes());
    expect(stored.map((one) => compressionOf(one))).toEqual([codec]);
    expect(await topic.values()).toEqual(values);
  });

  it('compresses a plain batch for a topic that asks for it', async () => {
    const topic = await world.topic({ configs: { 'compression.type': 'gzip' } });
    await topic.write(['a', 'b', 'c']);
    expect(batchesIn(await topic.bytes()).map((one) => [compressionOf(one), recordCount(one)])).toEqual([[1, 3]]);
    expect(await topic.values()).toEqual(['a', 'b', 'c']);
  });

  const lying = () =>
    damaged(batch([{ key: Buffer.from('k'), value: Buffer.from('v') }], { compression: 'gzip' }), (b) => {
      b.writeInt32BE(4, 23);
      b.writeInt32BE(5, 57);
    });

  it('refuses a compressed batch whose records are not what its header says', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact' } });
    expect((await topic.produce(lying())).errorCode).toBe(87);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('takes the word of the header where nothing asks for a look at the records', async () => {
    const topic = await world.topic();
    // Apache Kafka unpacks every batch; a broker that does not gives the batch as many offsets as it claims.
    const { errorCode } = await topic.produce(lying());
    expect([0, 87]).toContain(errorCode);
    expect(await topic.ends()).toEqual([0, errorCode === 0 ? 5 : 0]);
  });

  it('refuses a batch that grows beyond the limit in the codec of the topic', async () => {
    const topic = await world.topic({ configs: { 'compression.type': 'uncompressed', 'max.message.bytes': '1000' } });
    expect((await topic.produce(batch(['x'.repeat(5000)], { compression: 'gzip' }))).errorCode).toBe(10);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('answers a batch that was sent again although it stored it in another codec', async () => {
    const topic = await world.topic({ configs: { 'compression.type': 'gzip' } });
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 3));
    expect(await topic.produce(sequenced(id, 0, 0, 3))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await topic.values()).toEqual(['s0', 's1', 's2']);
  });
});

describe('Produce: timestamps', () => {
  it('refuses a record more than an hour ahead and names it', async () => {
    const topic = await world.topic();
    const late = Date.now() + HOUR + 600_000;
    const answer = await topic.produce(batch(['now', { value: Buffer.from('late'), timestamp: late }]));
    expect(answer).toMatchObject({ errorCode: 32, baseOffset: -1 });
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
    expect(typeof answer.errorMessage).toBe('string');
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('v7, which has no place for them, gives the code without the records', async () => {
    const topic = await world.topic();
    const answer = await topic.produce(batch(['late'], { timestamp: Date.now() + 2 * HOUR }), { version: 7 });
    expect(answer).toMatchObject({ errorCode: 32, recordErrors: [], errorMessage: null });
  });

  it.each([
    ['59 minutes ahead', () => Date.now() + 59 * 60_000],
    ['from 1970', () => 1],
    ['without a time', () => -1],
  ])('takes a record %s', async (_, time) => {
    const topic = await world.topic();
    const timestamp = time();
    expect((await topic.produce(batch(['a'], { timestamp }))).errorCode).toBe(0);
    expect(recordsIn(await topic.bytes()).map((record) => record.timestamp)).toEqual([timestamp]);
  });

  it('refuses what is older than message.timestamp.before.max.ms', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.before.max.ms': '60000' } });
    expect((await topic.produce(batch(['old'], { timestamp: Date.now() - 120_000 }))).errorCode).toBe(32);
    expect((await topic.produce(batch(['new'], { timestamp: Date.now() - 1000 }))).errorCode).toBe(0);
    expect(await topic.values()).toEqual(['new']);
  });

  it('refuses the same in a compressed batch', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.after.max.ms': '1000' } });
    const answer = await topic.produce(batch(['a', 'b'], { timestamp: Date.now() + 60_000, compression: 'gzip' }));
    expect(answer.errorCode).toBe(32);
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1]);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('corrects a largest timestamp that is wrong', async () => {
    const topic = await world.topic();
    const time = Date.now() - 5000;
    await topic.produce(damaged(batch(['a'], { timestamp: time }), (b) => setMaxTimestamp(b, 0, time + 77)));
    expect(maxTimestamp(batchesIn(await topic.bytes())[0]!)).toBe(time);
    expect(await topic.offset(-3)).toMatchObject({ offset: 0, timestamp: time });
  });

  it('stamps its own time on a topic with LogAppendTime', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const before = Date.now();
    const answer = await topic.produce(batch(['a', 'b'], { timestamp: 1 }));
    expect(answer.errorCode).toBe(0);
    expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(before - 1000);
    expect(answer.logAppendTimeMs).toBeLessThanOrEqual(Date.now() + 1000);
    const stored = batchesIn(await topic.bytes())[0]!;
    expect([isLogAppendTime(stored), maxTimestamp(stored)]).toEqual([true, answer.logAppendTimeMs]);
    expect(recordsIn(stored).map(({ timestamp }) => timestamp)).toEqual([
      answer.logAppendTimeMs,
      answer.logAppendTimeMs,
    ]);
  });

  it('does not look at the times that producers give on such a topic', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const answer = await topic.produce(batch(['a'], { timestamp: Date.now() + 10 * HOUR, compression: 'gzip' }));
    expect(answer.errorCode).toBe(0);
    const stored = batchesIn(await topic.bytes())[0]!;
    expect(attributes(stored) & 0x0f).toBe(0x09);
    expect(recordsIn(stored).map(({ timestamp }) => timestamp)).toEqual([answer.logAppendTimeMs]);
  });

  it('takes a batch that says log append time as one with the times of its producer', async () => {
    const topic = await world.topic();
    const time = Date.now() - 1000;
    const answer = await topic.produce(damaged(batch(['a'], { timestamp: time }), (b) => setAttributes(b, 0, 0x08)));
    expect(answer).toMatchObject({ errorCode: 0, logAppendTimeMs: -1 });
    const stored = batchesIn(await topic.bytes())[0]!;
    expect([isLogAppendTime(stored), maxTimestamp(stored)]).toEqual([false, time]);
  });

  it('refuses a batch that says log append time where the broker stamps it', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const answer = await topic.produce(damaged(batch(['a']), (b) => setAttributes(b, 0, 0x08)));
    expect(answer.errorCode).toBe(32);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('keeps the attributes of a CreateTime batch', async () => {
    const topic = await world.topic();
    await topic.write(['a'], { compression: 'lz4' });
    expect(attributes(batchesIn(await topic.bytes())[0]!)).toBe(3);
  });
});
