import { beforeEach, describe, expect, it } from '@jest/globals';
import { Produce } from '../../../src/protocol/messages/index.js';
import { batch, batchesIn, sequenced } from './harness/batches.js';
import { eventually } from './harness/eventually.js';
import { Transactions } from './harness/transactions.js';
import { conformance } from './harness/world.js';

const world = conformance();
let tx: Transactions;
beforeEach(() => {
  tx = new Transactions(world);
});

describe('InitProducerId with a transactional id', () => {
  it.each([0, 1, 2, 3, 4, 5])('v%i gives the next epoch each time', async (version) => {
    const { id, producerId } = await tx.producer();
    const next = await tx.init(id, {}, version);
    expect(next).toMatchObject({ errorCode: 0, producerId, producerEpoch: 1 });
  });

  it.each([0, -1, 900_001])('refuses a time-out of %i', async (transactionTimeoutMs) => {
    const { id } = await tx.producer();
    expect((await tx.init(id, { transactionTimeoutMs })).errorCode).toBe(50);
    expect(await tx.state(id)).toBe('Empty 0');
  });

  it('lets a producer go on from its epoch, and gives the lost answer again', async () => {
    const { id, producerId } = await tx.producer();
    for (let i = 0; i < 2; i++) {
      expect(await tx.init(id, { producerId, producerEpoch: 0 })).toMatchObject({ errorCode: 0, producerEpoch: 1 });
    }
    expect(await tx.state(id)).toBe('Empty 1');
  });

  it.each([
    [4, 90],
    [3, 47],
  ])('v%i fences who was replaced, with code %i', async (version, errorCode) => {
    const { id, producerId } = await tx.producer();
    await tx.producer({}, id);
    await tx.producer({}, id);
    expect(await tx.init(id, { producerId, producerEpoch: 0 }, version)).toMatchObject({ errorCode, producerId: -1n });
    expect((await tx.init(id, { producerId: 1n << 40n, producerEpoch: 2 }, version)).errorCode).toBe(errorCode);
    expect(await tx.state(id)).toBe('Empty 2');
  });

  it('refuses an id without an epoch and an epoch without an id', async () => {
    const { id, producerId } = await tx.producer();
    expect((await tx.init(id, { producerId })).errorCode).toBe(42);
    expect((await tx.init(id, { producerEpoch: 0 })).errorCode).toBe(42);
  });

  it('ends the open transaction of the one before, who is fenced then', async () => {
    const topic = await world.topic();
    const old = await tx.producer();
    await tx.addPartitions(old, { [topic.name]: [0] });
    await tx.produce(old, topic.name, ['a']);
    expect(await tx.init(old.id)).toMatchObject({ errorCode: 51, producerId: -1n, producerEpoch: -1 });
    await tx.settled(old.id);
    expect(await tx.state(old.id)).toBe('CompleteAbort 1');
    expect((await tx.end(old, true)).errorCode).toBe(90);
    expect((await tx.end(old, true, 1)).errorCode).toBe(47);
    expect(await tx.addPartitions(old, { [topic.name]: [0] })).toEqual([90]);
    expect((await tx.produce(old, topic.name, ['b'], { baseSequence: 1 })).errorCode).toBe(47);
    expect(await tx.init(old.id)).toMatchObject({ errorCode: 0, producerEpoch: 2 });
    expect((await tx.read(topic.name)).lastStableOffset).toBe(2);
  });
});

describe('AddPartitionsToTxn', () => {
  it.each([0, 1, 2, 3])('v%i opens a transaction', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const producer = await tx.producer();
    expect(await tx.addPartitions(producer, { [topic.name]: [0, 1] }, version)).toEqual([0, 0]);
    expect(await tx.addPartitions(producer, { [topic.name]: [1] }, version)).toEqual([0]);
    expect(await tx.state(producer.id)).toBe('Ongoing 0');
    const [{ topics }] = (await tx.describe(producer.id)) as [Awaited<ReturnType<typeof tx.describe>>[number]];
    expect(topics.map((one) => [one.topic, [...one.partitions].sort((a, b) => a - b)])).toEqual([[topic.name, [0, 1]]]);
  });

  it('refuses strangers and other epochs', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    const partitions = { [topic.name]: [0] };
    expect(await tx.addPartitions({ ...producer, id: world.name('none') }, partitions)).toEqual([49]);
    expect(await tx.addPartitions({ ...producer, producerId: 1n << 40n }, partitions)).toEqual([49]);
    expect(await tx.addPartitions({ ...producer, producerEpoch: 5 }, partitions)).toEqual([90]);
    expect(await tx.addPartitions({ ...producer, producerEpoch: 5 }, partitions, 1)).toEqual([47]);
    expect(await tx.addPartitions({ ...producer, id: '' }, partitions)).toEqual([42]);
    expect(await tx.state(producer.id)).toBe('Empty 0');
  });

  it('adds none when one does not exist', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    const asked = { [topic.name]: [0, 9], [world.name('none')]: [0] };
    expect(await tx.addPartitions(producer, asked)).toEqual([55, 3, 3]);
    expect(await tx.addPartitionsBatched(producer, asked)).toEqual([55, 3, 3]);
    expect(await tx.state(producer.id)).toBe('Empty 0');
  });

  it('opens a transaction without any partition', async () => {
    const producer = await tx.producer();
    expect(await tx.addPartitions(producer, {})).toEqual([]);
    expect(await tx.state(producer.id)).toBe('Ongoing 0');
    await tx.finish(producer, true);
    expect(await tx.state(producer.id)).toBe('CompleteCommit 0');
  });

  it.each([4, 5])('v%i adds or only looks', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const producer = await tx.producer();
    const look = { version, verifyOnly: true };
    expect(await tx.addPartitionsBatched(producer, { [topic.name]: [0] }, look)).toEqual([120]);
    expect(await tx.addPartitionsBatched(producer, { [topic.name]: [0] }, { version })).toEqual([0]);
    expect(await tx.addPartitionsBatched(producer, { [topic.name]: [0, 1] }, look)).toEqual([0, 120]);
    const old = { ...producer, producerEpoch: 4 };
    expect(await tx.addPartitionsBatched(old, { [topic.name]: [0] }, look)).toEqual([90]);
    expect(await tx.addPartitionsBatched({ ...producer, id: 'none' }, { [topic.name]: [0] }, look)).toEqual([49]);
  });
});

describe('Produce in a transaction', () => {
  it.each([
    [9, 48],
    [10, 48],
    [11, 120],
  ])('v%i is refused with %i where the partition is not part of it', async (version, errorCode) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    expect(await tx.produce(producer, topic.name, ['a'], { version })).toMatchObject({ errorCode, baseOffset: -1 });
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it.each([9, 11, 12])('v%i is refused from strangers and other epochs', async (version) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    const codeOf = async (wrong: Partial<typeof producer>) =>
      (await tx.produce({ ...producer, ...wrong }, topic.name, ['a'], { version })).errorCode;
    expect(await codeOf({ id: world.name('none') })).toBe(49);
    expect(await codeOf({ producerEpoch: 7 })).toBe(47);
    expect(await codeOf({ producerId: 1n << 40n })).toBe(49);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('is refused as a whole without a transactional id', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    const answer = await tx.produce(producer, topic.name, ['a'], { transactionalId: null });
    expect(answer).toMatchObject({ errorCode: 53, baseOffset: -1 });
  });

  it('is refused as a whole when two producers are in it', async () => {
    const topic = await world.topic({ partitions: 2 });
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0, 1] });
    const records = [producer.producerId, producer.producerId + 1n].map((id) =>
      sequenced(id, 0, 0, 1, { transactional: true }),
    );
    const partitionData = records.map((one, index) => ({ index, records: one }));
    const request = { acks: -1, timeoutMs: 5_000, topicData: [{ name: topic.name, partitionData }] };
    const answer = await world.send(Produce, 9, { transactionalId: producer.id, ...request });
    expect(answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([49, 49]);
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('takes no batch outside of the open transaction', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    const plain = { baseSequence: 1, transactional: false, transactionalId: null };
    expect((await tx.produce(producer, topic.name, ['b'], plain)).errorCode).toBe(48);
  });

  it('takes no batch after the end, until the next begin', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    await tx.finish(producer, true);
    expect((await tx.produce(producer, topic.name, ['b'], { baseSequence: 1 })).errorCode).toBe(48);
    await tx.addPartitions(producer, { [topic.name]: [0] });
    expect((await tx.produce(producer, topic.name, ['b'], { baseSequence: 1 })).errorCode).toBe(0);
  });

  it('answers a batch that was sent again with its first offset', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    expect(await tx.produce(producer, topic.name, ['a', 'b'])).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await tx.produce(producer, topic.name, ['a', 'b'])).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await topic.ends()).toEqual([0, 2]);
  });

  it('v12 lets the partition join with its first batch, which has sequence 0', async () => {
    const topic = await world.topic({ partitions: 2 });
    const producer = await tx.producer();
    const late = await tx.produce(producer, topic.name, ['x'], { version: 12, baseSequence: 3, partition: 1 });
    expect(late.errorCode).toBe(45);
    expect((await tx.produce(producer, topic.name, ['a'], { version: 12 })).errorCode).toBe(0);
    expect((await tx.produce(producer, topic.name, ['b'], { version: 12, baseSequence: 1 })).errorCode).toBe(0);
    expect(await tx.state(producer.id)).toBe('Ongoing 0');
    await tx.finish(producer, true, 5);
    expect((await tx.read(topic.name)).values).toEqual(['a', 'b']);
  });
});

describe('EndTxn', () => {
  it.each([0, 1, 2, 3, 4])('v%i commits', async (version) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    expect((await tx.read(topic.name)).values).toEqual([]);
    await tx.finish(producer, true, version);
    expect(await tx.state(producer.id)).toBe('CompleteCommit 0');
    expect((await tx.read(topic.name)).values).toEqual(['a']);
    expect((await tx.end(producer, true, version)).errorCode).toBe(0);
    expect((await tx.end(producer, false, version)).errorCode).toBe(48);
  });

  it('writes a marker of one record, which takes an offset', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    await tx.finish(producer, true);
    const [, marker] = batchesIn(await topic.bytes()) as [Buffer, Buffer];
    expect(await topic.ends()).toEqual([0, 2]);
    expect([marker.length, marker.readInt16BE(21), marker.readBigInt64BE(43), marker.readInt16BE(51)]).toEqual([
      78,
      0x30,
      producer.producerId,
      0,
    ]);
    expect([marker.readInt32BE(53), marker.subarray(61, 72).toString('hex')]).toEqual([-1, '2000000008000000010c00']);
  });

  it.each([3, 5])('v%i aborts', async (version) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    await tx.finish(producer, false, version);
    const read = await tx.read(topic.name);
    expect(read).toMatchObject({ highWatermark: 2, lastStableOffset: 2 });
    expect(read.aborted).toEqual([{ producerId: producer.producerId, firstOffset: 0 }]);
    expect((await tx.read(topic.name, { committed: false })).aborted).toBeNull();
  });

  it.each([3, 5])('v%i is refused from strangers and other epochs', async (version) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    const codeOf = async (wrong: object) => (await tx.end({ ...producer, ...wrong }, true, version)).errorCode;
    expect(await codeOf({ producerEpoch: 5 })).toBe(90);
    expect(await codeOf({ producerId: 1n << 40n })).toBe(49);
    expect(await codeOf({ id: world.name('none') })).toBe(49);
    expect(await codeOf({ id: '' })).toBe(42);
    expect(await tx.state(producer.id)).toBe('Ongoing 0');
  });

  it('v3 has nothing to end when nothing was begun', async () => {
    const producer = await tx.producer();
    expect((await tx.end(producer, true)).errorCode).toBe(48);
    expect((await tx.end(producer, false)).errorCode).toBe(48);
  });

  it('v5 raises the epoch with every end, and knows a repetition by it', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    const next = await tx.finish(producer, true, 5);
    expect(next).toMatchObject({ errorCode: 0, producerId: producer.producerId, producerEpoch: 1 });
    expect(await tx.end(producer, true, 5)).toMatchObject({ errorCode: 0, producerEpoch: 1 });
    expect((await tx.end(producer, false, 5)).errorCode).toBe(48);
    expect((await tx.end(next, true, 5)).errorCode).toBe(48);
    expect((await tx.produce(producer, topic.name, ['b'], { version: 12, baseSequence: 1 })).errorCode).toBe(47);
    expect(await tx.state(producer.id)).toBe('CompleteCommit 1');
  });

  it('v5 takes an abort of nothing', async () => {
    const producer = await tx.producer();
    expect((await tx.end(producer, true, 5)).errorCode).toBe(48);
    expect(await tx.finish(producer, false, 5)).toMatchObject({ producerEpoch: 1 });
    expect(await tx.state(producer.id)).toBe('CompleteAbort 1');
  });
});

describe('readers', () => {
  it('of committed records stop at the oldest open transaction; others do not', async () => {
    const topic = await world.topic();
    const [first, second] = [await tx.producer(), await tx.producer()];
    await topic.write(['plain']);
    await tx.produce(first, topic.name, ['a'], { version: 12 });
    await tx.produce(second, topic.name, ['b'], { version: 12 });
    await tx.finish(second, true, 5);
    await topic.write(['later']);
    expect(await tx.read(topic.name)).toMatchObject({ lastStableOffset: 1, highWatermark: 5, values: ['plain'] });
    expect((await tx.read(topic.name, { committed: false })).values).toEqual(['plain', 'a', 'b', 'later']);
    expect([await tx.offset(topic.name), await tx.offset(topic.name, { committed: false })]).toEqual([1, 5]);
    await tx.finish(first, true, 5);
    expect((await tx.read(topic.name)).values).toEqual(['plain', 'a', 'b', 'later']);
    expect(await tx.offset(topic.name)).toBe(6);
  });

  it('are told of aborted transactions, also of those that began before', async () => {
    const topic = await world.topic();
    const [first, second] = [await tx.producer(), await tx.producer()];
    await tx.produce(first, topic.name, ['a'], { version: 12 });
    await tx.produce(second, topic.name, ['b'], { version: 12 });
    await tx.finish(second, false, 5);
    await tx.produce(first, topic.name, ['c'], { version: 12, baseSequence: 1 });
    await tx.finish(first, false, 5);
    await topic.write(['end']);
    const both = [
      { producerId: first.producerId, firstOffset: 0 },
      { producerId: second.producerId, firstOffset: 1 },
    ];
    const { aborted } = await tx.read(topic.name);
    // Apache Kafka names them by their ends; ours by their beginnings, as some clients take them.
    expect([...aborted!].sort((a, b) => a.firstOffset - b.firstOffset)).toEqual(both);
    expect((await tx.read(topic.name, { offset: 3 })).aborted).toEqual([both[0]]);
    expect((await tx.read(topic.name, { offset: 5 })).aborted).toEqual([]);
  });

  it('that wait are woken when the transaction ends', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    const reader = await world.connect();
    const started = performance.now();
    const fetch = topic.fetch(0, { client: reader, isolationLevel: 1, maxWaitMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await tx.finish(producer, true, 5);
    const { records } = await fetch;
    expect(batchesIn(records)).toHaveLength(2);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('by time find no record behind the last stable offset', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await topic.produce(batch(['old'], { timestamp: Date.now() - 60_000 }));
    await tx.produce(producer, topic.name, ['new'], { version: 12 });
    const timestamp = Date.now() - 30_000;
    expect(await tx.offset(topic.name, { timestamp })).toBe(-1);
    expect(await tx.offset(topic.name, { timestamp, committed: false })).toBe(1);
    await tx.finish(producer, true, 5);
    expect(await tx.offset(topic.name, { timestamp })).toBe(1);
  });
});

describe('a transaction that takes longer than its time-out', () => {
  it.each([
    [9, 3],
    [12, 5],
  ])('is aborted, and its producer fenced (Produce v%i)', async (produceVersion, endVersion) => {
    const topic = await world.topic();
    const producer = await tx.producer({ transactionTimeoutMs: 200 });
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a'], { version: produceVersion });
    await eventually(async () => expect(await tx.state(producer.id)).toBe('CompleteAbort 1'));
    expect((await tx.read(topic.name)).aborted).toHaveLength(1);
    expect((await tx.end(producer, true, endVersion)).errorCode).toBe(endVersion === 3 ? 90 : 48);
    const late = await tx.produce(producer, topic.name, ['b'], { baseSequence: 1, version: produceVersion });
    expect(late.errorCode).toBe(47);
    const { producerId, producerEpoch } = producer;
    expect(await tx.init(producer.id, { producerId, producerEpoch })).toMatchObject({ errorCode: 0, producerEpoch: 1 });
  });
});
