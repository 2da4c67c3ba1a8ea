import { beforeEach, describe, expect, it } from '@jest/globals';
import { TransactionClient } from '../../support/transaction-client.js';
import { Transactions } from './harness/transactions.js';
import { conformance } from './harness/world.js';

const world = conformance();
let tx: Transactions;
beforeEach(() => {
  tx = new Transactions(world);
});

describe('DescribeTransactions', () => {
  it('tells the state of an open transaction', async () => {
    const topic = await world.topic({ partitions: 3 });
    const producer = await tx.producer({ transactionTimeoutMs: 54_321 });
    const before = Date.now();
    await tx.addPartitions(producer, { [topic.name]: [2, 0] });
    const [found] = await tx.describe(producer.id);
    expect(found).toMatchObject({
      errorCode: 0,
      transactionalId: producer.id,
      transactionState: 'Ongoing',
      transactionTimeoutMs: 54_321,
      producerId: producer.producerId,
      producerEpoch: 0,
    });
    expect(Math.abs(found!.transactionStartTimeMs - before)).toBeLessThan(60_000);
    expect(found!.topics.map((one) => [one.topic, [...one.partitions].sort((a, b) => a - b)])).toEqual([
      [topic.name, [0, 2]],
    ]);
  });

  it('tells of no partitions and no start where nothing is open', async () => {
    const producer = await tx.producer();
    expect((await tx.describe(producer.id))[0]).toMatchObject({
      transactionState: 'Empty',
      transactionStartTimeMs: -1,
      topics: [],
    });
  });

  it('knows what it does not know', async () => {
    await tx.producer();
    const answers = await tx.describe(world.name('none'), '');
    expect(answers.map(({ errorCode, transactionState }) => [errorCode, transactionState])).toEqual([
      [105, ''],
      [42, ''],
    ]);
  });
});

describe('DescribeTransactions and ListTransactions', () => {
  it('show an end that is in work as open, prepared or complete', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    const other = new TransactionClient(await world.connect());
    const [ended, [described], { transactionStates }] = await Promise.all([
      tx.end(producer, true, 4),
      other.describe(producer.id),
      other.list({}),
    ]);
    expect(ended.errorCode).toBe(0);
    const states = ['Ongoing', 'PrepareCommit', 'CompleteCommit'];
    expect(states).toContain(described!.transactionState);
    const listed = transactionStates.find(({ transactionalId }) => transactionalId === producer.id);
    expect(states).toContain(listed!.transactionState);
    expect(await tx.settled(producer.id)).toBe('CompleteCommit 0');
  });
});

describe('ListTransactions', () => {
  it.each([0, 1, 2])('v%i lists by state', async (version) => {
    const topic = await world.topic();
    const [empty, open] = [await tx.producer(), await tx.producer()];
    await tx.addPartitions(open, { [topic.name]: [0] });
    const listed = async (...stateFilters: string[]) => {
      const { errorCode, unknownStateFilters, transactionStates } = await tx.list({ stateFilters }, version);
      expect([errorCode, unknownStateFilters]).toEqual([0, []]);
      const mine = transactionStates.filter(({ transactionalId }) => [empty.id, open.id].includes(transactionalId));
      return mine.map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`).sort();
    };
    expect(await listed()).toEqual([`${empty.id} Empty`, `${open.id} Ongoing`].sort());
    expect(await listed('Ongoing')).toEqual([`${open.id} Ongoing`]);
    expect(await listed('Ongoing', 'Empty')).toHaveLength(2);
    expect(await listed('CompleteCommit')).toEqual([]);
  });

  it('echoes states that are none, and lists nothing for them', async () => {
    await tx.producer();
    const answer = await tx.list({ stateFilters: ['Nonsense', 'ongoing'] });
    expect([...answer.unknownStateFilters].sort()).toEqual(['Nonsense', 'ongoing']);
    expect([answer.errorCode, answer.transactionStates]).toEqual([0, []]);
  });

  it('lists by producer id', async () => {
    const [one, other] = [await tx.producer(), await tx.producer()];
    const { transactionStates } = await tx.list({ producerIdFilters: [other.producerId, 1n << 40n] });
    expect(transactionStates.map(({ transactionalId }) => transactionalId)).toEqual([other.id]);
    expect(one.producerId).not.toBe(other.producerId);
  });

  it('lists by how long a transaction is open', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    const has = async (durationFilter: number) => {
      const { transactionStates } = await tx.list({ durationFilter, stateFilters: ['Ongoing'] });
      return transactionStates.some(({ transactionalId }) => transactionalId === producer.id);
    };
    expect([await has(-1), await has(600_000)]).toEqual([true, false]);
  });

  it('lists ids that match a pattern as a whole', async () => {
    const { id } = await tx.producer();
    const matched = async (transactionalIdPattern: string) => {
      const { errorCode, transactionStates } = await tx.list({ transactionalIdPattern });
      return [errorCode, transactionStates.some(({ transactionalId }) => transactionalId === id)];
    };
    expect(await matched(`${id.slice(0, -1)}.`)).toEqual([0, true]);
    expect(await matched(id.slice(0, -1))).toEqual([0, false]);
    expect(await matched(`none|${id}`)).toEqual([0, true]);
    expect(await matched('')).toEqual([0, true]);
    expect(await matched('[')).toEqual([128, false]);
  });
});

describe('DescribeProducers', () => {
  it('tells what a partition knows of a producer, in its transaction and after', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await topic.write(['first']);
    await tx.produce(producer, topic.name, ['a', 'b'], { version: 12 });
    const known = { producerId: producer.producerId, producerEpoch: 0, lastSequence: 1 };
    expect((await tx.producers(topic.name)).activeProducers).toMatchObject([
      { ...known, coordinatorEpoch: -1, currentTxnStartOffset: 1 },
    ]);
    await tx.finish(producer, true, 4);
    expect((await tx.producers(topic.name)).activeProducers).toMatchObject([
      { ...known, coordinatorEpoch: 0, currentTxnStartOffset: -1 },
    ]);
  });

  it('forgets the sequences of an epoch that is over', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    await tx.finish(producer, true, 5);
    expect((await tx.producers(topic.name)).activeProducers).toMatchObject([
      { producerEpoch: 1, lastSequence: -1, coordinatorEpoch: 0, currentTxnStartOffset: -1 },
    ]);
  });

  it('knows what it does not know', async () => {
    const topic = await world.topic();
    expect(await tx.producers(topic.name)).toMatchObject({ errorCode: 0, activeProducers: [] });
    expect(await tx.producers(topic.name, 7)).toMatchObject({ errorCode: 3, activeProducers: [] });
    expect((await tx.producers(world.name('none'))).errorCode).toBe(3);
  });
});

describe('DescribeProducers in a race', () => {
  it('shows a producer whose transaction is just ending as in it, or out of it', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    const other = new TransactionClient(await world.connect());
    const [seen] = await Promise.all([other.producers(topic.name), tx.finish(producer, false, 4)]);
    expect([0, -1]).toContain(seen.activeProducers[0]!.currentTxnStartOffset);
    expect((await tx.producers(topic.name)).activeProducers).toMatchObject([{ currentTxnStartOffset: -1 }]);
  });
});

describe('WriteTxnMarkers', () => {
  it.each([1, 2])('v%i ends a transaction that nobody ends', async (version) => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.addPartitions(producer, { [topic.name]: [0] });
    await tx.produce(producer, topic.name, ['a']);
    const asked = { [topic.name]: [0, 9], [world.name('none')]: [0] };
    expect(await tx.writeMarkers(producer, asked, { version })).toEqual([0, 3, 3]);
    expect(await tx.read(topic.name)).toMatchObject({ lastStableOffset: 2, highWatermark: 2 });
    expect((await tx.read(topic.name)).aborted).toHaveLength(1);
  });

  it('is refused with an old epoch, of the coordinator or of the producer', async () => {
    const topic = await world.topic();
    const producer = await tx.producer();
    await tx.produce(producer, topic.name, ['a'], { version: 12 });
    const partitions = { [topic.name]: [0] };
    expect(await tx.writeMarkers({ ...producer, producerEpoch: 3 }, partitions, { coordinatorEpoch: 5 })).toEqual([0]);
    expect(await tx.writeMarkers({ ...producer, producerEpoch: 3 }, partitions, { coordinatorEpoch: 4 })).toEqual([52]);
    expect(await tx.writeMarkers(producer, partitions, { coordinatorEpoch: 5 })).toEqual([47]);
  });

  it('makes committed offsets count, or not', async () => {
    const topic = await world.topic();
    const group = await world.group();
    const producer = await tx.producer();
    await tx.commitOffset(producer, group, topic.name, 5, {}, 5);
    const [{ topics }] = (await tx.describe(producer.id)) as [Awaited<ReturnType<typeof tx.describe>>[number]];
    const place = { __consumer_offsets: [...topics[0]!.partitions] };
    expect(await tx.writeMarkers(producer, place, { committed: true })).toEqual([0]);
    expect(await tx.committed(group, topic.name, true)).toBe(5);
  });
});
