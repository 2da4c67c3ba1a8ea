import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ListOffsets, OffsetForLeaderEpoch } from '../../../src/protocol/messages/index.js';
import { encodeRecords } from '../../../src/protocol/record-batch.js';
import { BrokerFixture } from '../../support/broker-fixture.js';

const TIME = Date.now() - 10_000;

describe('ListOffsets', () => {
  let fixture: BrokerFixture;
  beforeEach(async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('orders', 2);
    const records = [0, 50, 20].map((later) => ({ key: null, value: Buffer.from('v'), timestamp: TIME + later }));
    await fixture.append('orders', encodeRecords(records, { timestamp: 0 }));
    await fixture.append('orders', encodeRecords([{ ...records[0]!, timestamp: TIME + 30 }], { timestamp: 0 }));
  });
  afterEach(() => fixture.stop());

  it('knows the ends, and the newest record', async () => {
    expect(await fixture.offset('orders', -1)).toMatchObject({
      errorCode: 0,
      offset: 4,
      timestamp: -1,
      leaderEpoch: 0,
    });
    expect(await fixture.offset('orders', -2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1 });
    expect(await fixture.offset('orders', -3)).toMatchObject({ errorCode: 0, offset: 1, timestamp: TIME + 50 });
    expect(await fixture.offset('orders', -4)).toMatchObject({ errorCode: 0, offset: 0 });
    expect(await fixture.offset('orders', -5)).toMatchObject({ errorCode: 0, offset: -1, leaderEpoch: -1 });
    expect(await fixture.offset('orders', -3, 1)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  it('finds the first record, not batch, at or after a time', async () => {
    expect(await fixture.offset('orders', TIME + 1)).toMatchObject({ offset: 1, timestamp: TIME + 50 });
    expect(await fixture.offset('orders', TIME)).toMatchObject({ offset: 0, timestamp: TIME });
    expect(await fixture.offset('orders', TIME + 51)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  it('refuses special times of later versions, unknown partitions and what is asked twice', async () => {
    expect(await fixture.offset('orders', -3, 0, 6)).toMatchObject({ errorCode: 35 });
    expect(await fixture.offset('orders', -9)).toMatchObject({ errorCode: 35 });
    expect(await fixture.offset('orders', -1, 2)).toMatchObject({ errorCode: 3, offset: -1 });
    const partition = { partitionIndex: 0, timestamp: -1 };
    const topics = [{ name: 'orders', partitions: [partition, partition] }];
    const { topics: answers } = await fixture.client.send(ListOffsets, 5, { replicaId: -1, topics });
    expect(answers[0]!.partitions.map((p) => p.errorCode)).toEqual([42, 42]);
  });

  it('tells where a leader epoch ended', async () => {
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
      const topics = [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }];
      const answer = await fixture.client.send(OffsetForLeaderEpoch, 3, { topics });
      return answer.topics[0]!.partitions[0];
    };
    expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 4 });
    expect(await ask(5)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(0, 5)).toMatchObject({ errorCode: 75 });
  });
});
