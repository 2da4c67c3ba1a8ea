import { describe, expect, it } from '@jest/globals';
import { DeleteTopics, ListOffsets, Produce } from '../../../src/protocol/messages/index.js';
import { setAttributes } from '../../../src/protocol/record-batch-header.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { batch, damaged } from './harness/batches.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('Produce: batches that are refused', () => {
  const good = () => batch(['a', 'b']);
  const cases: [string, number[], () => Buffer | null][] = [
    ['empty records', [87], () => Buffer.alloc(0)],
    ['two batches', [87], () => Buffer.concat([good(), good()])],
    ['magic 1', [87], () => damaged(good(), (b) => b.writeInt8(1, 16), false)],
    ['magic 0', [87], () => damaged(good(), (b) => b.writeInt8(0, 16), false)],
    ['magic 3', [2], () => damaged(good(), (b) => b.writeInt8(3, 16), false)],
    ['a wrong checksum', [2], () => damaged(good(), (b) => b.writeInt32BE(1, 17), false)],
    ['a flipped bit in a value', [2], () => damaged(good(), (b) => b.writeInt8(0x7f, b.length - 2), false)],
    ['base offset 1', [87], () => damaged(good(), (b) => b.writeBigInt64BE(1n, 0))],
    ['a last offset delta above count − 1', [87], () => damaged(good(), (b) => b.writeInt32BE(2, 23))],
    ['a last offset delta below count − 1', [87], () => damaged(good(), (b) => b.writeInt32BE(0, 23))],
    ['a negative last offset delta', [87], () => damaged(good(), (b) => b.writeInt32BE(-1, 23))],
    ['a count of 0', [87], () => damaged(good(), (b) => b.writeInt32BE(0, 57))],
    ['a count of −1', [87], () => damaged(good(), (b) => b.writeInt32BE(-1, 57))],
    [
      'a count beyond its records',
      [87],
      () => {
        return damaged(good(), (b) => {
          b.writeInt32BE(2, 23);
          b.writeInt32BE(3, 57);
        });
      },
    ],
    [
      'a count below its records',
      [87],
      () => {
        return damaged(good(), (b) => {
          b.writeInt32BE(0, 23);
          b.writeInt32BE(1, 57);
        });
      },
    ],
    ['the control bit', [87], () => damaged(good(), (b) => setAttributes(b, 0, 0x20))],
    ['a producer id without a sequence', [87], () => batch(['a'], { producerId: 5n, producerEpoch: 0 })],
    // Apache Kafka fails inside on these two; a broker that says what is wrong does better.
    ['a codec that nobody knows', [-1, 87], () => damaged(good(), (b) => setAttributes(b, 0, 7))],
    ['bytes that its codec cannot read', [-1, 87], () => damaged(good(), (b) => setAttributes(b, 0, 1))],
    ['a record longer than the batch', [87], () => damaged(good(), (b) => b.writeInt8(0x7e, 61))],
    ['a batch length beyond the bytes sent', [87], () => damaged(good(), (b) => b.writeInt32BE(5000, 8), false)],
    ['a batch length below the header', [2], () => damaged(good(), (b) => b.writeInt32BE(20, 8), false)],
  ];
  it.each(cases)('%s', async (_, codes, make) => {
    const topic = await world.topic();
    await topic.write(['before']);
    const answer = await topic.produce(make());
    expect(codes).toContain(answer.errorCode);
    expect(answer.baseOffset).toBe(-1);
    expect(await topic.values()).toEqual(['before']);
    expect(await topic.write(['after'])).toBe(1);
  });
});

describe('Produce: limits of the topic', () => {
  it('refuses a batch above max.message.bytes and takes one of exactly that size', async () => {
    const exact = batch(['x'.repeat(500)]);
    const topic = await world.topic({ configs: { 'max.message.bytes': String(exact.length) } });
    const answer = await topic.produce(batch(['x'.repeat(501)]));
    expect(answer).toMatchObject({ errorCode: 10, baseOffset: -1 });
    expect((await topic.produce(exact)).errorCode).toBe(0);
    expect(await topic.ends()).toEqual([0, 1]);
  });

  it('compares the batch, not the request', async () => {
    const topic = await world.topic({ partitions: 2, configs: { 'max.message.bytes': '700' } });
    const partitionData = [0, 1].map((index) => ({ index, records: batch(['x'.repeat(500)]) }));
    const answer = await world.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic.name, partitionData }],
    });
    expect(answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  });

  it('refuses above the default limit of a megabyte', async () => {
    const topic = await world.topic();
    expect((await topic.produce(batch(['x'.repeat(1_048_600)]))).errorCode).toBe(10);
    expect((await topic.produce(batch(['x'.repeat(1_048_000)]))).errorCode).toBe(0);
    expect(await topic.ends()).toEqual([0, 1]);
  });

  it('refuses a batch above segment.bytes', async () => {
    const topic = await world.topic({ configs: { 'segment.bytes': '1048576', 'max.message.bytes': '3000000' } });
    expect((await topic.produce(batch(['x'.repeat(1_100_000)]))).errorCode).toBe(18);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('refuses records without a key on a compacted topic and names them', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact' } });
    const key = Buffer.from('k');
    const answer = await topic.produce(batch([{ key, value: key }, 'keyless', { key, value: null }, 'too']));
    expect(answer).toMatchObject({ errorCode: 87, baseOffset: -1 });
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('refuses them in a compressed batch too', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact,delete' } });
    expect((await topic.produce(batch(['keyless'], { compression: 'zstd' }))).errorCode).toBe(87);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('takes keyed records and tombstones on a compacted topic', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact' } });
    const key = Buffer.from('k');
    expect(
      (
        await topic.produce(
          batch([
            { key, value: key },
            { key, value: null },
          ]),
        )
      ).errorCode,
    ).toBe(0);
    expect(await topic.values()).toEqual(['k', null]);
  });

  it('moves on from a deleted topic: the same name later has another log', async () => {
    const topic = await world.topic();
    await topic.write(['old', 'old']);
    await world.send(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 5000 });
    await eventually(async () => expect((await topic.produce(batch(['x']))).errorCode).toBe(3));
    const again = await world.topic({ name: topic.name });
    expect(again.id).not.toBe(topic.id);
    expect(await again.write(['new'])).toBe(0);
    expect(await again.values()).toEqual(['new']);
    const old = await topic.produce(batch(['x']), { version: 13 });
    expect(old.errorCode).toBe(100);
  });

  it('shows a write to the very next request', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
    const [, end] = await Promise.all([
      topic.produce(batch(['a', 'b']), { client }),
      client.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics }),
    ]);
    expect(end.topics[0]!.partitions[0]!.offset).toBe(2);
  });
});
