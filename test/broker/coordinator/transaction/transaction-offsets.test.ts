import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClientVersion } from '../../../../src/broker/coordinator/transaction/transaction-metadata.js';
import { type Identity, TransactionBench } from '../../../support/transaction-bench.js';

const GROUP = 'g';
let bench: TransactionBench;
let producer: Identity;
beforeEach(async () => {
  bench = await TransactionBench.open();
  producer = await bench.init();
});

async function pending(offset: number, who = producer): Promise<void> {
  await bench.coordinator.addPartitions(who, [bench.offsetsOf(GROUP)], ClientVersion.V0);
  expect(await bench.commitOffset(who, GROUP, offset)).toBe(0);
}

/** A commit outside of transactions. */
async function plain(offset: number): Promise<void> {
  const asked = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' };
  const request = { groupId: GROUP, memberId: '', groupInstanceId: null, generationId: -1, retentionTimeMs: -1 };
  await bench.groups.offsets.commit({
    ...request,
    unknownGroupCode: 22,
    topics: [{ name: 'orders', partitions: [asked] }],
  });
}

/** With and without a restart before it. */
const lives = [
  ['at once', async () => undefined],
  ['after a restart', () => bench.restart()],
] as const;

describe.each(lives)('offsets of a transaction, looked at %s', (_, live) => {
  it('count from the commit on', async () => {
    await pending(5);
    await live();
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([-1, 'unstable']);
    expect(bench.committedOffset(GROUP, true, 1)).toBe(-1);
    await bench.end(producer, true);
    await live();
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([5, 5]);
  });

  it('are dropped by an abort', async () => {
    await plain(3);
    await pending(5);
    await live();
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([3, 'unstable']);
    await bench.end(producer, false);
    await live();
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([3, 3]);
  });

  it('give way to a commit that came after them, whenever the transaction ends', async () => {
    await pending(5);
    await plain(7);
    await live();
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([7, 'unstable']);
    await bench.end(producer, true);
    await live();
    expect(bench.committedOffset(GROUP, true)).toBe(7);
  });

  it('count in the order of the log, not in that of their ends', async () => {
    const other = await bench.init({}, 'other');
    await pending(5);
    await pending(6, other);
    await live();
    await bench.end(other, true);
    expect([bench.committedOffset(GROUP), bench.committedOffset(GROUP, true)]).toEqual([6, 'unstable']);
    await bench.end(producer, true);
    await live();
    expect(bench.committedOffset(GROUP, true)).toBe(6);
  });

  it('count with the last of several commits in one transaction', async () => {
    const other = await bench.init({}, 'other');
    await pending(5);
    await pending(6, other);
    await pending(8);
    await live();
    await bench.end(producer, true);
    await bench.end(other, true);
    await live();
    expect(bench.committedOffset(GROUP, true)).toBe(8);
  });

  it('are taken away by the deletion of their topic, or of the group', async () => {
    await pending(5);
    bench.groups.onTopicDeleted('orders');
    await live();
    expect(bench.committedOffset(GROUP, true)).toBe(-1);
    await pending(6);
    expect(await bench.groups.delete([GROUP])).toEqual([0]);
    await live();
    await bench.end(producer, true);
    await live();
    expect(bench.committedOffset(GROUP, true)).toBe(-1);
    expect(bench.groups.list().groups).toEqual([]);
  });

  it('make a group, which lives while their transaction is open', async () => {
    await pending(5);
    await live();
    bench.groups.expireOffsets();
    expect(bench.groups.list().groups).toMatchObject([{ groupId: GROUP, groupState: 'Empty' }]);
    await bench.end(producer, false);
    bench.groups.expireOffsets();
    expect(bench.groups.list().groups).toEqual([]);
  });
});

describe('offsets of an open transaction', () => {
  it('keep older ones of their partition from expiring', async () => {
    bench = await TransactionBench.open({ maxTimeoutMs: 2_000_000_000 });
    producer = await bench.init({ timeoutMs: 2_000_000_000 });
    await plain(3);
    await pending(5);
    await bench.clock.leap(8 * 86_400_000);
    bench.groups.expireOffsets();
    expect(bench.committedOffset(GROUP)).toBe(3);
    await bench.end(producer, false);
    bench.groups.expireOffsets();
    expect(bench.committedOffset(GROUP)).toBe(-1);
    expect(bench.groups.list().groups).toEqual([]);
  });

  it('are refused from a producer that is fenced', async () => {
    await pending(5);
    await bench.init();
    expect(await bench.commitOffset(producer, GROUP, 6)).toBe(47);
    expect(bench.committedOffset(GROUP, true)).toBe(-1);
  });

  it('are refused when group, generation or member are not right', async () => {
    const request = { groupInstanceId: null, producer, topics: [] as never[] };
    const codeOf = async (more: { memberId: string; generationId: number; groupId?: string }) => {
      const topics = [
        {
          name: 'orders',
          partitions: [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' }],
        },
      ];
      const results = await bench.groups.offsets.commitInTransaction({ groupId: GROUP, ...request, ...more, topics });
      return results[0]!.partitions[0]!.errorCode;
    };
    expect(await codeOf({ memberId: '', generationId: -1, groupId: '' })).toBe(24);
    expect(await codeOf({ memberId: 'm', generationId: 4 })).toBe(22);
    await pending(5);
    expect(await codeOf({ memberId: 'm', generationId: 4 })).toBe(25);
    expect(await codeOf({ memberId: '', generationId: -1 })).toBe(0);
  });
});
