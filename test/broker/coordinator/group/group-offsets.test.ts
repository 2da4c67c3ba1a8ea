import { describe, expect, it } from '@jest/globals';
import { type CommitTopic } from '../../../../src/broker/coordinator/group/offset-commit.js';
import { encodeGroupRecord } from '../../../../src/broker/coordinator/offset-records.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import { coordinatorPartition } from '../../../../src/protocol/java-hash.js';
import { encodeControlBatch, encodeRecords } from '../../../../src/protocol/record-batch.js';
import { GROUP, GroupBench, subscription } from '../../../support/group-bench.js';
import { flush } from '../../../support/manual-clock.js';

const DAY = 86_400_000;

function topic(name: string, ...offsets: number[]): CommitTopic {
  const partitions = offsets.map((committedOffset, partitionIndex) => ({
    partitionIndex,
    committedOffset,
    committedLeaderEpoch: 3,
    committedMetadata: null,
  }));
  return { name, partitions };
}

describe('a commit', () => {
  it('without membership makes a group that only stores offsets', async () => {
    const bench = await GroupBench.open();
    expect(await bench.commit({ topics: [topic('orders', 5, 6)] })).toBe(0);
    expect(bench.coordinator.list().groups).toEqual([
      { groupId: GROUP, protocolType: '', groupState: 'Empty', groupType: 'classic' },
    ]);
    expect(bench.committed()).toEqual({ 'orders-0': 5, 'orders-1': 6 });
    await bench.restart();
    expect(bench.coordinator.list().groups).toMatchObject([{ groupId: GROUP, groupState: 'Empty' }]);
    expect(bench.committed()).toEqual({ 'orders-0': 5, 'orders-1': 6 });
  });

  it('by a member of no group is refused, with the code of the version', async () => {
    const bench = await GroupBench.open();
    expect(await bench.commit({ memberId: 'x', generationId: 1 })).toBe(22);
    expect(await bench.commit({ memberId: 'x', generationId: 1, unknownGroupCode: 69 })).toBe(69);
  });

  it('is checked: member, instance, generation, state', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const { memberId, generationId } = leader!;
    expect(await bench.commit()).toBe(25);
    expect(await bench.commit({ memberId: 'x', generationId })).toBe(25);
    expect(await bench.commit({ memberId, generationId, groupInstanceId: 'x' })).toBe(25);
    expect(await bench.commit({ memberId, generationId: 0 })).toBe(22);
    expect(await bench.commit({ memberId, generationId })).toBe(0);
    const newcomer = bench.join();
    expect(bench.state).toBe('PreparingRebalance');
    expect(await bench.commit({ memberId, generationId })).toBe(0);
    const rejoin = bench.join({ memberId });
    await flush();
    expect(bench.state).toBe('CompletingRebalance');
    expect(await bench.commit({ memberId, generationId: rejoin.answer!.generationId })).toBe(27);
    bench.leave(rejoin.answer!, newcomer.answer!);
    expect(await bench.commit({ offset: 9 })).toBe(0);
    expect(bench.committed()).toEqual({ 'orders-0': 9 });
  });

  it('is refused per partition: unknown, too much metadata, an offset no number holds', async () => {
    const bench = await GroupBench.open({ offsetMetadataMaxBytes: 3 });
    expect(await bench.commit({ topics: [topic('unknown', 1)] })).toBe(3);
    const results = await bench.coordinator.offsets.commit({
      groupId: GROUP,
      memberId: '',
      groupInstanceId: null,
      generationId: -1,
      retentionTimeMs: -1,
      unknownGroupCode: 22,
      topics: [topic('orders', 1, 2, 3, 4, 5)],
    });
    expect(results[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0, 3]);
    expect(await bench.commit({ metadata: 'äöü' })).toBe(0);
    expect(await bench.commit({ metadata: '1234' })).toBe(12);
    expect(await bench.commit({ offset: Number.MAX_SAFE_INTEGER })).toBe(28);
  });

  it('is echoed with metadata and leader epoch; what is not committed is -1 and no error', async () => {
    const bench = await GroupBench.open();
    const partition = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 3, committedMetadata: 'gap:8-9' };
    await bench.commit({ topics: [{ name: 'orders', partitions: [partition] }] });
    const asked = [{ name: 'orders', partitionIndexes: [0, 1] }];
    const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 };
    const seven = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 3, metadata: 'gap:8-9', errorCode: 0 };
    expect(bench.coordinator.offsets.fetch(GROUP, asked)).toEqual({
      errorCode: 0,
      topics: [{ name: 'orders', partitions: [seven, { partitionIndex: 1, ...nothing }] }],
    });
    expect(bench.coordinator.offsets.fetch('unknown', [{ name: 'x', partitionIndexes: [9] }])).toEqual({
      errorCode: 0,
      topics: [{ name: 'x', partitions: [{ partitionIndex: 9, ...nothing }] }],
    });
    expect(bench.coordinator.offsets.fetch('unknown', null)).toEqual({ errorCode: 0, topics: [] });
  });

  it('changes nothing when it cannot be stored', async () => {
    const bench = await GroupBench.open();
    await bench.commit({ offset: 1 });
    for (const [code, answer] of [
      [3, 15],
      [56, 16],
      [10, 28],
    ] as const) {
      bench.log.errorCode = code;
      expect(await bench.commit({ offset: 2 })).toBe(answer);
    }
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
  });

  it('is answered when it is durable', async () => {
    const bench = await GroupBench.open();
    const gate = deferred();
    bench.log.durability = gate.promise;
    let code: number | undefined;
    void bench.commit().then((answer) => {
      code = answer;
    });
    await flush();
    expect(code).toBeUndefined();
    gate.resolve();
    await flush();
    expect(code).toBe(0);
    bench.log.durability = Promise.reject(new Error('disk'));
    await expect(bench.commit()).rejects.toThrow('disk');
  });
});

describe('expiry', () => {
  const WEEK = 7 * DAY;

  it('keeps the offsets of an empty group for a week from the moment it became empty', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const { memberId, generationId } = leader!;
    await bench.commit({ memberId, generationId });
    await bench.clock.advance(5_000);
    bench.leave(leader!);
    await bench.clock.advance(WEEK - 1);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
    await bench.clock.advance(1);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({});
    expect(bench.state).toBeUndefined();
    await bench.restart();
    expect([bench.state, bench.committed()]).toEqual([undefined, {}]);
  });

  it('takes from a stable group what nobody reads, by the time of the commit', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1, () => ({ sessionTimeoutMs: 1_800_000 }));
    const { memberId, generationId } = leader!;
    await bench.commit({ memberId, generationId, topics: [topic('orders', 1), topic('paid', 2)] });
    for (let waited = 0; waited < WEEK; waited += 1_500_000) {
      bench.heartbeat(leader!);
      await bench.clock.advance(1_500_000);
    }
    expect(bench.state).toBe('Stable');
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
  });

  it('goes by the commit in a group without members, or by the retention it asked for', async () => {
    const bench = await GroupBench.open();
    await bench.commit({ topics: [topic('orders', 1)] });
    await bench.commit({ topics: [topic('paid', 1)], retentionTimeMs: DAY });
    await bench.clock.advance(DAY);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
    await bench.restart();
    await bench.clock.advance(WEEK - DAY - 1);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
    await bench.clock.advance(1);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({});
  });

  it('runs by itself', async () => {
    const bench = await GroupBench.open();
    await bench.commit();
    await bench.clock.advance(WEEK + 600_000);
    expect(bench.committed()).toEqual({});
  });

  it('spares a group whose first member is on its way', async () => {
    const bench = await GroupBench.open();
    const { memberId } = await bench.join({ requireKnownMemberId: true }).promise;
    bench.coordinator.expireOffsets();
    bench.join({ memberId });
    expect(bench.state).toBe('PreparingRebalance');
  });
});

describe('a deleted topic', () => {
  it('takes its offsets along, in every group', async () => {
    const bench = await GroupBench.open();
    for (const groupId of [GROUP, 'other'])
      await bench.commit({ groupId, topics: [topic('orders', 1), topic('paid', 2)] });
    bench.coordinator.onTopicDeleted('orders');
    const left = { 'paid-0': 2 };
    expect([bench.committed(), bench.committed('other')]).toEqual([left, left]);
    await bench.restart();
    expect([bench.committed(), bench.committed('other')]).toEqual([left, left]);
  });

  it('is noticed at the start, unless no topics are known at all', async () => {
    const bench = await GroupBench.open();
    await bench.commit();
    const [orders, internal] = [bench.topics.get('orders')!, bench.topics.get('__consumer_offsets')!];
    bench.topics.clear();
    await bench.restart();
    expect(bench.committed()).toEqual({ 'orders-0': 1 });
    bench.topics.set('__consumer_offsets', internal);
    await bench.restart();
    bench.topics.set('orders', orders);
    expect(bench.committed()).toEqual({});
  });
});

describe('deleting offsets', () => {
  const partitions = (...indexes: number[]) => indexes.map((partitionIndex) => ({ partitionIndex }));

  it('spares what a consumer reads', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const { memberId, generationId } = leader!;
    await bench.commit({ memberId, generationId, topics: [topic('orders', 1), topic('paid', 2, 3)] });
    const answer = await bench.coordinator.offsets.delete(GROUP, [
      { name: 'orders', partitions: partitions(0) },
      { name: 'paid', partitions: partitions(1, 3, 4) },
      { name: 'unknown', partitions: partitions(0) },
    ]);
    const codes = answer.topics.map((result) => result.partitions.map(({ errorCode }) => errorCode));
    expect([answer.errorCode, codes]).toEqual([0, [[86], [0, 0, 3], [3]]]);
    expect(bench.committed()).toEqual({ 'orders-0': 1, 'paid-0': 2 });
    await bench.restart();
    expect(bench.committed()).toEqual({ 'orders-0': 1, 'paid-0': 2 });
  });

  it('is refused without a group, and where the protocol says nothing of topics', async () => {
    const bench = await GroupBench.open();
    expect((await bench.coordinator.offsets.delete('', [])).errorCode).toBe(24);
    expect((await bench.coordinator.offsets.delete('unknown', [])).errorCode).toBe(69);
    await bench.stable(1, () => ({ protocolType: 'connect', protocols: [{ name: 'x', metadata: subscription() }] }));
    expect((await bench.coordinator.offsets.delete(GROUP, [])).errorCode).toBe(68);
  });
});

describe('offsets of transactions in the log', () => {
  it('count from the commit marker on, and not without one', async () => {
    const bench = await GroupBench.open();
    const partition = coordinatorPartition(GROUP, bench.log.partitions);
    const commit = (producerId: bigint, index: number, offset: number) => {
      const value = { offset, leaderEpoch: -1, metadata: '', commitTimestamp: 0, expireTimestamp: -1 };
      const record = encodeGroupRecord({ type: 'offset', groupId: GROUP, topic: 'orders', partition: index, value });
      bench.log.append(
        partition,
        encodeRecords([record], { timestamp: 0, producerId, producerEpoch: 0, transactional: true }),
      );
    };
    const end = (producerId: bigint, type: 'commit' | 'abort') =>
      bench.log.append(
        partition,
        encodeControlBatch({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0 }),
      );
    commit(1n, 0, 10);
    commit(2n, 1, 20);
    commit(3n, 2, 30);
    end(2n, 'abort');
    end(1n, 'commit');
    await bench.restart();
    expect(bench.committed()).toEqual({ 'orders-0': 10 });
  });
});
