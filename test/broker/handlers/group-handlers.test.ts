import { beforeEach, describe, expect, it } from '@jest/globals';
import { offsetCommitHandler } from '../../../src/broker/handlers/08-offset-commit.js';
import { offsetFetchHandler } from '../../../src/broker/handlers/09-offset-fetch.js';
import { findCoordinatorHandler } from '../../../src/broker/handlers/10-find-coordinator.js';
import { joinGroupHandler } from '../../../src/broker/handlers/11-join-group.js';
import { heartbeatHandler } from '../../../src/broker/handlers/12-heartbeat.js';
import { leaveGroupHandler } from '../../../src/broker/handlers/13-leave-group.js';
import { syncGroupHandler } from '../../../src/broker/handlers/14-sync-group.js';
import { describeGroupsHandler } from '../../../src/broker/handlers/15-describe-groups.js';
import { listGroupsHandler } from '../../../src/broker/handlers/16-list-groups.js';
import { deleteGroupsHandler } from '../../../src/broker/handlers/42-delete-groups.js';
import { offsetDeleteHandler } from '../../../src/broker/handlers/47-offset-delete.js';
import { type TopicEntry } from '../../../src/broker/metadata/topic-registry.js';
import { silentLogger } from '../../../src/common/logger.js';
import { GROUP, GroupBench, INITIAL_DELAY_MS, SESSION_MS, subscription } from '../../support/group-bench.js';
import { exchange, failure, versionsOf } from '../../support/handler-exchange.js';

let bench: GroupBench;
beforeEach(async () => {
  bench = await GroupBench.open();
});

const ORDERS_ID = 'AAAAAAAAAAAAAAAAAAAAFw';
const orders = { name: 'orders', topicId: ORDERS_ID } as TopicEntry;
const ids = {
  get: (name: string) => (name === 'orders' ? orders : undefined),
  byId: (topicId: string) => (topicId === ORDERS_ID ? orders : undefined),
};
const since = (from: number, version: number) => version >= from;
const protocols = [{ name: 'range', metadata: subscription('orders') }];
const joinRequest = { groupId: GROUP, sessionTimeoutMs: SESSION_MS, memberId: '', protocolType: 'consumer', protocols };

describe('JoinGroup and SyncGroup', () => {
  const join = () => joinGroupHandler(bench.coordinator);

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('make a stable group in JoinGroup v%i', async (version) => {
    const memberId = since(4, version) ? (await exchange(join(), version, joinRequest)).memberId : '';
    const joining = exchange(join(), version, { ...joinRequest, memberId });
    await bench.clock.advance(INITIAL_DELAY_MS);
    const joined = await joining;
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: joined.memberId });
    expect(joined.protocolType).toBe(since(7, version) ? 'consumer' : null);
    expect(joined.members).toMatchObject([{ memberId: joined.memberId, metadata: subscription('orders') }]);
    const syncVersion = Math.min(version, 5);
    const synced = await exchange(syncGroupHandler(bench.coordinator), syncVersion, {
      groupId: GROUP,
      generationId: 1,
      memberId: joined.memberId,
      assignments: [{ memberId: joined.memberId, assignment: Buffer.from('mine') }],
    });
    expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('mine') });
    expect(synced.protocolName).toBe(since(5, syncVersion) ? 'range' : null);
  });

  it.each([4, 5, 6, 7, 8, 9])('give a newcomer its id first in JoinGroup v%i', async (version) => {
    const first = await exchange(join(), version, joinRequest);
    expect(first).toMatchObject({ errorCode: 79, generationId: -1, leader: '', members: [] });
    expect(first.memberId).toMatch(/^c-/);
    expect(first.protocolName).toBe(since(7, version) ? null : '');
  });

  it('answer every version with an error too', async () => {
    for (const version of versionsOf(join())) {
      expect((await exchange(join(), version, { ...joinRequest, groupId: '' })).errorCode).toBe(24);
      expect(failure(join(), version, { ...joinRequest, memberId: 'm' }, 56)).toMatchObject({
        errorCode: 16,
        memberId: 'm',
      });
    }
    const sync = syncGroupHandler(bench.coordinator);
    const request = { groupId: GROUP, generationId: 1, memberId: 'm', assignments: [] };
    for (const version of versionsOf(sync)) {
      expect(await exchange(sync, version, request)).toMatchObject({ errorCode: 25, assignment: Buffer.alloc(0) });
      expect(failure(sync, version, request, -1).errorCode).toBe(-1);
    }
  });

  it('keep nothing of the request’s bytes', async () => {
    const metadata = subscription('orders');
    const asked = { ...joinRequest, rebalanceTimeoutMs: 1, groupInstanceId: null, reason: null };
    const context = {
      apiVersion: 0,
      clientId: 'c',
      clientHost: '/h',
      advertised: { host: 'h', port: 1 },
      closed: new AbortController().signal,
    };
    const joining = join().handle({ ...asked, protocols: [{ name: 'range', metadata }] }, context);
    metadata.fill(0);
    await bench.clock.advance(INITIAL_DELAY_MS);
    expect(await joining).toMatchObject({ members: [{ metadata: subscription('orders') }] });
  });
});

describe('Heartbeat and LeaveGroup', () => {
  it('answer every version', async () => {
    const heartbeat = heartbeatHandler(bench.coordinator);
    const leave = leaveGroupHandler(bench.coordinator);
    for (const version of versionsOf(heartbeat)) {
      const [member] = await bench.stable(1);
      const { memberId, generationId } = member!;
      const beat = { groupId: GROUP, memberId, generationId };
      expect((await exchange(heartbeat, version, beat)).errorCode).toBe(0);
      expect((await exchange(heartbeat, version, { ...beat, memberId: 'x' })).errorCode).toBe(25);
      const leaving = (id: string) =>
        since(3, version) ? { groupId: GROUP, members: [{ memberId: id }] } : { groupId: GROUP, memberId: id };
      const unknown = await exchange(leave, version, leaving('x'));
      const gone = await exchange(leave, version, leaving(memberId));
      const inList = (id: string, errorCode: number) => ({ errorCode: 0, members: [{ memberId: id, errorCode }] });
      expect(unknown).toMatchObject(since(3, version) ? inList('x', 25) : { errorCode: 25 });
      expect(gone).toMatchObject(since(3, version) ? inList(memberId, 0) : { errorCode: 0 });
    }
    expect((await exchange(leave, 5, { groupId: '' })).errorCode).toBe(24);
    expect(failure(leave, 5, { groupId: '' }, 15).errorCode).toBe(15);
    expect(failure(heartbeat, 4, { groupId: '', memberId: '', generationId: 0 }, 15).errorCode).toBe(15);
  });
});

describe('OffsetCommit and OffsetFetch', () => {
  const partition = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 2, committedMetadata: 'm' };
  const topics = [{ name: 'orders', topicId: ORDERS_ID, partitions: [partition] }];

  it('commit and fetch in every version', async () => {
    const commit = offsetCommitHandler(bench.coordinator, ids);
    const fetch = offsetFetchHandler(bench.coordinator, ids);
    for (const version of versionsOf(commit)) {
      const answer = await exchange(commit, version, { groupId: GROUP, memberId: '', topics });
      const topic = since(10, version) ? { topicId: ORDERS_ID } : { name: 'orders' };
      expect(answer.topics).toMatchObject([{ ...topic, partitions: [{ partitionIndex: 0, errorCode: 0 }] }]);
      const stranger = { groupId: 'none', memberId: 'x', generationIdOrMemberEpoch: 1, topics };
      const refused = await exchange(commit, version, stranger);
      expect(refused.topics[0]!.partitions[0]!.errorCode).toBe(since(9, version) ? 69 : 22);
      expect(failure(commit, version, stranger, 56).topics[0]!.partitions[0]!.errorCode).toBe(16);
    }
    const asked = [{ name: 'orders', topicId: ORDERS_ID, partitionIndexes: [0, 1] }];
    for (const version of versionsOf(fetch)) {
      const one = { groupId: GROUP, topics: asked };
      const answer = await exchange(fetch, version, since(8, version) ? { groups: [one] } : one);
      const found = since(8, version) ? answer.groups[0]! : answer;
      expect(found.errorCode).toBe(0);
      expect(found.topics[0]!.partitions).toMatchObject([
        { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: since(5, version) ? 2 : -1, metadata: 'm' },
        { partitionIndex: 1, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
      ]);
    }
    for (const version of [2, 7]) {
      const all = await exchange(fetch, version, { groupId: GROUP, topics: null });
      expect(all.topics).toMatchObject([{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 7 }] }]);
    }
    const { groups } = await exchange(fetch, 8, { groups: [{ groupId: GROUP, topics: null }] });
    expect(groups[0]!.topics).toMatchObject([{ name: 'orders', partitions: [{ partitionIndex: 0 }] }]);
  });

  it('know topics by id from version 10 on, and refuse an id that no topic has with 100', async () => {
    const commit = offsetCommitHandler(bench.coordinator, ids);
    const fetch = offsetFetchHandler(bench.coordinator, ids);
    const unknown = { topicId: 'AAAAAAAAAAAAAAAAAAAABQ', partitions: [partition] };
    const request = { groupId: GROUP, memberId: '' };
    const mixed = await exchange(commit, 10, { ...request, topics: [...topics, unknown] });
    expect(mixed.topics).toMatchObject([
      { topicId: unknown.topicId, partitions: [{ errorCode: 100 }] },
      { topicId: ORDERS_ID, partitions: [{ errorCode: 0 }] },
    ]);
    // Nothing that exists is left of it: not even the group is asked.
    const stranger = { ...request, memberId: 'x', generationIdOrMemberEpoch: 1, topics: [unknown] };
    expect((await exchange(commit, 10, stranger)).topics[0]!.partitions[0]!.errorCode).toBe(100);
    expect(failure(commit, 10, stranger, 56).topics).toMatchObject([
      { topicId: unknown.topicId, partitions: [{ errorCode: 16 }] },
    ]);
    const asked = [ORDERS_ID, unknown.topicId].map((topicId) => ({ topicId, partitionIndexes: [0] }));
    const { groups } = await exchange(fetch, 10, { groups: [{ groupId: GROUP, topics: asked }] });
    expect(groups[0]!.topics).toMatchObject([
      { topicId: ORDERS_ID, partitions: [{ committedOffset: 7, errorCode: 0 }] },
      { topicId: unknown.topicId, partitions: [{ committedOffset: -1, errorCode: 100 }] },
    ]);
    const all = await exchange(fetch, 10, { groups: [{ groupId: GROUP, topics: null }] });
    expect(all.groups[0]!.topics).toMatchObject([{ topicId: ORDERS_ID, partitions: [{ committedOffset: 7 }] }]);
  });

  it('has the retention time of old commits act', async () => {
    const commit = offsetCommitHandler(bench.coordinator, ids);
    await exchange(commit, 2, { groupId: GROUP, memberId: '', retentionTimeMs: 1_000, topics });
    await bench.clock.advance(1_000);
    bench.coordinator.expireOffsets();
    expect(bench.committed()).toEqual({});
  });

  it('tells of a coordinator that is not there where the version has a place for it', async () => {
    await bench.coordinator.stop();
    const fetch = offsetFetchHandler(bench.coordinator, ids);
    const asked = { groupId: GROUP, topics: [{ name: 'orders', partitionIndexes: [0] }] };
    expect((await exchange(fetch, 1, asked)).topics[0]!.partitions[0]!.errorCode).toBe(15);
    expect(await exchange(fetch, 2, asked)).toMatchObject({ errorCode: 15, topics: [] });
    expect((await exchange(fetch, 8, { groups: [asked] })).groups).toMatchObject([{ groupId: GROUP, errorCode: 15 }]);
    expect(failure(fetch, 1, asked, -1).topics[0]!.partitions[0]!.errorCode).toBe(-1);
    expect(failure(fetch, 8, { groups: [asked] }, -1).groups[0]!.errorCode).toBe(-1);
  });
});

describe('FindCoordinator', () => {
  const nothing = () => undefined;
  const places = { nodeId: 1, logger: silentLogger, ensureOffsetsTopic: nothing, ensureTransactionTopic: nothing };
  const here = { errorCode: 0, nodeId: 1, host: 'here', port: 9092 };
  const nowhere = { nodeId: -1, host: '', port: -1 };

  it('answers with the address the client came by, for groups, once the topic is there', async () => {
    let made = 0;
    const ensureOffsetsTopic = async () => void made++;
    const handler = findCoordinatorHandler({ ...places, ensureOffsetsTopic });
    for (const version of versionsOf(handler)) {
      const answer = await exchange(handler, version, { key: 'g', coordinatorKeys: ['g', ''] });
      const both = { coordinators: ['g', ''].map((key) => ({ key, ...here })) };
      expect(answer).toMatchObject(since(4, version) ? both : here);
    }
    expect(made).toBe(7);
  });

  it('says so when there is none for that kind of key, or no topic', async () => {
    const handler = findCoordinatorHandler(places);
    expect(await exchange(handler, 1, { key: 't', keyType: 2 })).toMatchObject({ errorCode: 42, ...nowhere });
    expect(await exchange(handler, 1, { key: 't', keyType: 1 })).toMatchObject(here);
    const broken = findCoordinatorHandler({ ...places, ensureOffsetsTopic: () => Promise.reject(new Error('disk')) });
    const answer = await exchange(broken, 4, { coordinatorKeys: ['g'] });
    expect(answer.coordinators).toMatchObject([{ key: 'g', errorCode: 15, ...nowhere }]);
    expect(failure(handler, 0, { key: 'g' }, -1)).toMatchObject({ errorCode: -1, ...nowhere });
  });
});

describe('DescribeGroups and ListGroups', () => {
  it('show a stable group, one that rebalances, and none', async () => {
    const [member] = await bench.stable(1, () => ({ groupInstanceId: 'i' }));
    const handler = describeGroupsHandler(bench.coordinator);
    const request = { groups: [GROUP, 'none'], includeAuthorizedOperations: true };
    for (const version of versionsOf(handler)) {
      const [stable, none] = (await exchange(handler, version, request)).groups;
      expect(stable).toMatchObject({
        errorCode: 0,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        authorizedOperations: since(3, version) ? 0xd48 : -0x8000_0000,
      });
      expect(stable!.members).toEqual([
        {
          memberId: member!.memberId,
          groupInstanceId: since(4, version) ? 'i' : null,
          clientId: 'c',
          clientHost: '/127.0.0.1',
          memberMetadata: subscription('orders'),
          memberAssignment: Buffer.from([0]),
        },
      ]);
      expect(none).toMatchObject({ errorCode: since(6, version) ? 69 : 0, groupState: 'Dead', members: [] });
    }
    bench.join();
    const [rebalancing] = (await exchange(handler, 6, request)).groups;
    expect(rebalancing).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' });
    expect(rebalancing!.members[0]!.memberMetadata).toEqual(Buffer.alloc(0));
    expect(failure(handler, 6, request, 15).groups.map(({ errorCode }) => errorCode)).toEqual([15, 15]);
  });

  it('list what passes the filters', async () => {
    await bench.stable(1);
    await bench.commit({ groupId: 'simple' });
    const handler = listGroupsHandler(bench.coordinator);
    const ids = async (version: number, filters: object = {}) =>
      (await exchange(handler, version, filters)).groups.map(({ groupId }) => groupId).sort();
    for (const version of versionsOf(handler)) expect(await ids(version)).toEqual([GROUP, 'simple']);
    expect(await ids(4, { statesFilter: ['stable'] })).toEqual([GROUP]);
    expect(await ids(5, { statesFilter: ['Empty', 'nonsense'], typesFilter: ['CLASSIC'] })).toEqual(['simple']);
    expect(await ids(5, { typesFilter: ['share'] })).toEqual([]);
    expect((await exchange(handler, 5, {})).groups).toContainEqual({
      groupId: GROUP,
      protocolType: 'consumer',
      groupState: 'Stable',
      groupType: 'classic',
    });
    expect(failure(handler, 5, {}, -1).errorCode).toBe(-1);
  });
});

describe('DeleteGroups and OffsetDelete', () => {
  it('answer every version', async () => {
    const remove = deleteGroupsHandler(bench.coordinator);
    for (const version of versionsOf(remove)) {
      await bench.commit();
      const { results } = await exchange(remove, version, { groupsNames: [GROUP, 'none'] });
      expect(results).toEqual([
        { groupId: GROUP, errorCode: 0 },
        { groupId: 'none', errorCode: 69 },
      ]);
    }
    expect(failure(remove, 2, { groupsNames: [GROUP] }, 56).results[0]!.errorCode).toBe(16);
    await bench.commit();
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }];
    const offsets = offsetDeleteHandler(bench.coordinator);
    expect(await exchange(offsets, 0, { groupId: GROUP, topics })).toMatchObject({
      errorCode: 0,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0 }] }],
    });
    expect(bench.committed()).toEqual({});
    expect(failure(offsets, 0, { groupId: GROUP, topics }, 56)).toMatchObject({ errorCode: 16, topics: [] });
  });
});
