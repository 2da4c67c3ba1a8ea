import { describe, expect, it } from '@jest/globals';
import { DeleteRecords } from '../../../src/protocol/messages/index.js';
import { batch, damaged, sequenced } from './harness/batches.js';
import { conformance } from './harness/world.js';

const world = conformance();
const MAX = 0x7fff_ffff;

describe('Produce: idempotence', () => {
  it('takes batches in sequence', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    for (const first of [0, 3, 6]) {
      expect(await topic.produce(sequenced(id, 0, first, 3))).toMatchObject({ errorCode: 0, baseOffset: first });
    }
    expect(await topic.ends()).toEqual([0, 9]);
  });

  it('answers a batch that was sent again with its first offset and stores it once', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 2));
    await topic.produce(sequenced(id, 0, 2, 2));
    expect(await topic.produce(sequenced(id, 0, 0, 2))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await topic.produce(sequenced(id, 0, 2, 2))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await topic.values()).toEqual(['s0', 's1', 's2', 's3']);
  });

  it('knows the last five batches again, in any order, and goes on', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    for (let i = 0; i < 6; i++) await topic.produce(sequenced(id, 0, i));
    for (const known of [5, 1, 3, 2, 4]) {
      expect(await topic.produce(sequenced(id, 0, known))).toMatchObject({ errorCode: 0, baseOffset: known });
    }
    expect(await topic.produce(sequenced(id, 0, 6))).toMatchObject({ errorCode: 0, baseOffset: 6 });
    expect(await topic.ends()).toEqual([0, 7]);
  });

  it('refuses the sixth last as out of order', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    for (let i = 0; i < 6; i++) await topic.produce(sequenced(id, 0, i));
    const answer = await topic.produce(sequenced(id, 0, 0));
    expect(answer).toMatchObject({ errorCode: 45, baseOffset: -1 });
    expect(await topic.ends()).toEqual([0, 6]);
  });

  it.each([
    ['a gap', 5],
    ['an overlap', 2],
    ['a step back', 1],
  ])('refuses %s', async (_, sequence) => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 3));
    expect((await topic.produce(sequenced(id, 0, sequence, 2))).errorCode).toBe(45);
    expect(await topic.produce(sequenced(id, 0, 3))).toMatchObject({ errorCode: 0, baseOffset: 3 });
  });

  it('refuses the same first sequence with another length', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 3));
    expect((await topic.produce(sequenced(id, 0, 0, 2))).errorCode).toBe(45);
    expect(await topic.ends()).toEqual([0, 3]);
  });

  it('takes any first sequence of a producer that it has not seen', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    expect(await topic.produce(sequenced(id, 0, 17))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect((await topic.produce(sequenced(id, 0, 19))).errorCode).toBe(45);
    expect((await topic.produce(sequenced(id, 0, 18))).errorCode).toBe(0);
  });

  it('goes from the largest sequence to 0', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    expect((await topic.produce(sequenced(id, 0, MAX - 1, 2))).errorCode).toBe(0);
    expect(await topic.produce(sequenced(id, 0, 0))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await topic.produce(sequenced(id, 0, MAX - 1, 2))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('lets the sequence wrap inside a batch', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    expect((await topic.produce(sequenced(id, 0, MAX - 1, 5))).errorCode).toBe(0); // … MAX, 0, 1, 2
    expect((await topic.produce(sequenced(id, 0, 2))).errorCode).toBe(45);
    expect(await topic.produce(sequenced(id, 0, 3))).toMatchObject({ errorCode: 0, baseOffset: 5 });
    expect(await topic.produce(sequenced(id, 0, MAX - 1, 5))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await topic.ends()).toEqual([0, 6]);
  });

  it('begins a newer epoch at 0', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 3));
    expect((await topic.produce(sequenced(id, 1, 3))).errorCode).toBe(45);
    expect(await topic.produce(sequenced(id, 1, 0))).toMatchObject({ errorCode: 0, baseOffset: 3 });
    expect(await topic.ends()).toEqual([0, 4]);
  });

  it('refuses an older epoch, a batch that it knows as well', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 3, 0));
    await topic.produce(sequenced(id, 4, 0));
    expect((await topic.produce(sequenced(id, 3, 1))).errorCode).toBe(47);
    expect((await topic.produce(sequenced(id, 3, 0))).errorCode).toBe(47);
    expect(await topic.ends()).toEqual([0, 2]);
  });

  it('forgets the batches of an older epoch', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0));
    await topic.produce(sequenced(id, 1, 0));
    // The same sequence: a duplicate only of the batch of its own epoch.
    expect(await topic.produce(sequenced(id, 1, 0))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(await topic.ends()).toEqual([0, 2]);
  });

  it('keeps producers apart', async () => {
    const topic = await world.topic();
    const [a, b] = [await world.producerId(), await world.producerId()];
    await topic.produce(sequenced(a, 0, 0));
    await topic.produce(sequenced(b, 0, 0));
    expect(await topic.produce(sequenced(a, 0, 1))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await topic.produce(sequenced(b, 0, 0))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  it('keeps partitions apart', async () => {
    const topic = await world.topic({ partitions: 2 });
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 2), { partition: 0 });
    expect(await topic.produce(sequenced(id, 0, 0, 2), { partition: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    expect((await topic.produce(sequenced(id, 0, 3), { partition: 1 })).errorCode).toBe(45);
    expect([await topic.ends(0), await topic.ends(1)]).toEqual([
      [0, 2],
      [0, 2],
    ]);
  });

  it('remembers producers whose records were deleted', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0, 3));
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 3 }] }];
    await world.send(DeleteRecords, 2, { topics, timeoutMs: 5000 });
    expect(await topic.produce(sequenced(id, 0, 0, 3))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect((await topic.produce(sequenced(id, 0, 7))).errorCode).toBe(45);
    expect(await topic.produce(sequenced(id, 0, 3))).toMatchObject({ errorCode: 0, baseOffset: 3 });
  });

  it('keeps five requests in flight in their order', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    const answers = await Promise.all([0, 1, 2, 3, 4].map((i) => topic.produce(sequenced(id, 0, i))));
    expect(answers.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual(
      [0, 1, 2, 3, 4].map((i) => [0, i]),
    );
  });

  it('after a lost answer stores the retry of a second connection once', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    const [one, other] = [await world.connect(), await world.connect()];
    const answers = await Promise.all([
      topic.produce(sequenced(id, 0, 0, 2), { client: one }),
      topic.produce(sequenced(id, 0, 0, 2), { client: other }),
    ]);
    expect(answers.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await topic.ends()).toEqual([0, 2]);
  });

  it('refuses what follows a batch that was refused', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0));
    const broken = damaged(sequenced(id, 0, 1), (b) => b.writeInt8(1, b.length - 2), false);
    const answers = await Promise.all([topic.produce(broken), topic.produce(sequenced(id, 0, 2))]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([2, 45]);
    expect((await topic.produce(sequenced(id, 0, 1))).errorCode).toBe(0);
    expect((await topic.produce(sequenced(id, 0, 2))).errorCode).toBe(0);
    expect(await topic.values()).toEqual(['s0', 's1', 's2']);
  });

  it('does not look at sequence and epoch without a producer id', async () => {
    const topic = await world.topic();
    for (let i = 0; i < 2; i++) {
      const answer = await topic.produce(batch(['a'], { producerId: -1n, producerEpoch: 0, baseSequence: 0 }));
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: i });
    }
  });

  it('finds a duplicate in a compressed batch', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    const packed = () => sequenced(id, 0, 0, 3, { compression: 'gzip', timestamp: 1000 });
    await topic.produce(packed());
    expect(await topic.produce(packed())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await topic.ends()).toEqual([0, 3]);
  });

  it('answers a duplicate on a topic with LogAppendTime with the time of the first', async () => {
    const topic = await world.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const id = await world.producerId();
    const first = await topic.produce(sequenced(id, 0, 0));
    const again = await topic.produce(sequenced(id, 0, 0));
    expect([again.errorCode, again.baseOffset]).toEqual([0, 0]);
    expect(again.logAppendTimeMs).toBe(first.logAppendTimeMs);
    expect(await topic.ends()).toEqual([0, 1]);
  });
});
