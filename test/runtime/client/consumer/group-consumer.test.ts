import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../../src/common/clock.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import { type TopicPartition } from '../../../../src/common/topic-partition.js';
import { brokerError, ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Fetch } from '../../../../src/protocol/messages/01-fetch.js';
import { ListOffsets } from '../../../../src/protocol/messages/02-list-offsets.js';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.js';
import { OffsetFetch } from '../../../../src/protocol/messages/09-offset-fetch.js';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../../../src/protocol/messages/12-heartbeat.js';
import { LeaveGroup } from '../../../../src/protocol/messages/13-leave-group.js';
import { SyncGroup } from '../../../../src/protocol/messages/14-sync-group.js';
import { connectionError } from '../../../../src/runtime/client/cluster/node-link.js';
import { type ConsumerOptions } from '../../../../src/runtime/client/consumer/consumer-options.js';
import { encodeAssignment } from '../../../../src/runtime/client/consumer/consumer-protocol.js';
import { GroupConsumer } from '../../../../src/runtime/client/consumer/group-consumer.js';
import {
  type AssignedPartition,
  type ConsumerEvent,
  type PartitionRecords,
  type RebalanceListener,
} from '../../../../src/runtime/client/consumer-client.js';
import { flush, ManualClock } from '../../../support/manual-clock.js';
import { never } from '../../../support/scripted-cluster.js';
import { failedJoin, ScriptedGroup } from '../../../support/scripted-group.js';

class Recorder implements RebalanceListener {
  readonly log: string[] = [];
  added: readonly AssignedPartition[] = [];
  kept: readonly AssignedPartition[] = [];
  assigning: (added: readonly AssignedPartition[]) => void | Promise<void> = () => undefined;
  revoking: (deadline: AbortSignal) => void | Promise<void> = () => undefined;

  async onAssigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): Promise<void> {
    this.log.push(`assigned ${names(added)} kept ${names(kept)}`);
    this.added = added;
    this.kept = kept;
    await this.assigning(added);
  }

  async onRevoked(partitions: readonly TopicPartition[], deadline: AbortSignal): Promise<void> {
    this.log.push(`revoked ${names(partitions)}`);
    await this.revoking(deadline);
    this.log.push('drained');
  }

  onLost(partitions: readonly TopicPartition[]): void {
    this.log.push(`lost ${names(partitions)}`);
  }
}

function names(partitions: readonly TopicPartition[]): string {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(',') || 'none';
}

function values(polled: readonly PartitionRecords[]): string[] {
  return polled.flatMap(({ records }) => records.map(({ value }) => value!.toString()));
}

describe('a consumer in a group', () => {
  let clock: ManualClock;
  let group: ScriptedGroup;
  let listener: Recorder;
  let events: ConsumerEvent[];
  let consumer: GroupConsumer;
  let warnings: string[];

  function make(options: Partial<ConsumerOptions> = {}): GroupConsumer {
    consumer = new GroupConsumer({
      groupId: 'billing',
      topics: ['orders'],
      createCluster: group.script.open,
      autoOffsetReset: 'earliest',
      random: { next: () => 0.5, bytes: (length) => Buffer.alloc(length) },
      logger: { log: () => undefined, warn: (text) => warnings.push(text), error: (text) => warnings.push(text) },
      clock,
      ...options,
    });
    consumer.onEvent((event) => events.push(event));
    return consumer;
  }

  async function start(options: Partial<ConsumerOptions> = {}): Promise<GroupConsumer> {
    await settled(make(options).start(listener));
    return consumer;
  }

  /** Moves the clock until the promise settles. */
  async function settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    void promise.catch(() => undefined).finally(done);
    for (let i = 0; i < 2_000 && !isDone; i++) await clock.advance(10);
    return promise;
  }

  const poll = (maxRecords = 500): Promise<PartitionRecords[]> =>
    settled(consumer.poll({ maxRecords, maxWaitMs: 1_000 }));

  beforeEach(() => {
    clock = new ManualClock();
    group = new ScriptedGroup({ orders: 2 }, clock);
    listener = new Recorder();
    events = [];
    warnings = [];
  });

  afterEach(async () => {
    await settled(consumer.stop());
    // A timer that outlives its consumer is a leak.
    if (clock.pending > group.parked) throw new Error(`${clock.pending - group.parked} timers left behind`);
  });

  describe('joining', () => {
    it('joins again with the id that the group gave', async () => {
      await start();
      expect(group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual(['', 'member-1']);
      expect(events).toContainEqual({ type: 'joined', generationId: 1, memberId: 'member-1', assigned: 2 });
      expect(listener.log).toEqual(['assigned orders-0,orders-1 kept none']);
    });

    it.each([14, 15, 16])('finds the coordinator again after %i and keeps its member id', async (code) => {
      let finds = 0;
      group.script.coordinator = () => ++finds;
      let refusals = 2;
      const usual = group.script.handler(JoinGroup);
      group.script.on(JoinGroup, (request, call) =>
        request.memberId !== '' && refusals-- > 0 ? failedJoin(code) : usual(request, call),
      );
      await start();
      expect(group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual([
        '',
        'member-1',
        'member-1',
        'member-1',
      ]);
      expect(finds).toBe(code === 14 ? 1 : 3);
    });

    it.each(['JoinGroup', 'SyncGroup'])('joins again with its id when the answer to %s is lost', async (name) => {
      let losses = 1;
      const join = group.script.handler(JoinGroup);
      group.script.on(JoinGroup, async (request, call) => {
        const answer = await join(request, call);
        if (name === 'JoinGroup' && request.memberId !== '' && losses-- > 0)
          throw connectionError('the answer is lost');
        return answer;
      });
      const sync = group.script.handler(SyncGroup);
      group.script.on(SyncGroup, async (request, call) => {
        const answer = await sync(request, call);
        if (name === 'SyncGroup' && losses-- > 0) throw connectionError('the answer is lost');
        return answer;
      });
      await start();
      expect(group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual([
        '',
        'member-1',
        'member-1',
      ]);
      expect(events.filter(({ type }) => type === 'disconnected')).toHaveLength(1);
    });

    it('says what a refused session time-out means', async () => {
      group.script.on(JoinGroup, () => failedJoin(ErrorCode.INVALID_SESSION_TIMEOUT));
      await expect(start()).rejects.toThrow(/session.timeout.ms=45000 must lie between/);
      await expect(poll()).rejects.toThrow(/session.timeout.ms/);
      expect(events.at(-1)).toMatchObject({ type: 'failed' });
    });

    it('waits for a broker that is not there yet', async () => {
      let tries = 0;
      group.script.connect = () => {
        if (++tries < 4) throw connectionError('nobody listens at scripted:1');
      };
      await start();
      expect(listener.log).toHaveLength(1);
      expect(warnings.join()).toMatch(/nobody listens at scripted:1/);
    });

    it('waits for a topic that does not exist and reads it from its beginning, even under latest', async () => {
      group.script.topics.clear();
      await start({ autoOffsetReset: 'latest' });
      expect(warnings.join()).toMatch(/topic 'orders' of group 'billing' does not exist/);
      expect(consumer.assignment()).toEqual([]);
      group.script.topics.set('orders', 1);
      group.append('orders', 0, 'early');
      expect(values(await settled(consumer.poll({ maxRecords: 10, maxWaitMs: 5_000 })))).toEqual(['early']);
    });

    it('refuses a heartbeat interval above a third of the session time-out', () => {
      expect(() => make({ sessionTimeoutMs: 6_000, heartbeatIntervalMs: 3_000 })).toThrow(
        /heartbeat.interval.ms=3000 must be at most a third of session.timeout.ms=6000/,
      );
      make();
    });
  });

  describe('living in a generation', () => {
    it('beats by the clock, whatever its listener does', async () => {
      listener.assigning = () => sleep(clock, 10_000);
      await start();
      expect(group.script.callsOf(Heartbeat).length).toBe(3);
      await clock.advance(9_000);
      expect(group.script.callsOf(Heartbeat).length).toBe(6);
    });

    it('keeps id and assignment while its coordinator is away, and beats again soon', async () => {
      await start();
      const usual = group.script.handler(Heartbeat);
      group.script.on(Heartbeat, () => {
        throw connectionError('the broker is gone');
      });
      await clock.advance(20_000);
      expect(events.filter(({ type }) => type === 'disconnected')).toHaveLength(1);
      group.script.on(Heartbeat, usual);
      const before = group.script.callsOf(Heartbeat).length;
      await clock.advance(1_200);
      expect(group.script.callsOf(Heartbeat).length).toBe(before + 1);
      expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
      expect(listener.log).toEqual(['assigned orders-0,orders-1 kept none']);
    });

    it.each([
      [ErrorCode.UNKNOWN_MEMBER_ID, ''],
      [ErrorCode.ILLEGAL_GENERATION, 'member-1'],
    ])('loses its partitions on %i and joins as %p', async (code, rejoinedAs) => {
      await start();
      group.committed.set('orders-0', { offset: 7, metadata: 'gap' });
      group.heartbeatCode = code;
      await clock.advance(3_000);
      group.heartbeatCode = 0;
      await clock.advance(1_000);
      expect(listener.log).toEqual([
        'assigned orders-0,orders-1 kept none',
        'lost orders-0,orders-1',
        'assigned orders-0,orders-1 kept none',
      ]);
      expect(group.script.callsOf(JoinGroup)[2]!.request.memberId).toBe(rejoinedAs);
      expect(listener.added[0]).toMatchObject({
        position: 7,
        metadata: 'gap',
        source: 'committed',
        assignmentEpoch: 2,
      });
    });

    it('fails for good when another consumer took its instance id', async () => {
      await start({ groupInstanceId: 'one' });
      group.heartbeatCode = ErrorCode.FENCED_INSTANCE_ID;
      await clock.advance(3_000);
      await expect(poll()).rejects.toThrow(/group.instance.id=one and took over/);
      expect(listener.log.at(-1)).toBe('lost orders-0,orders-1');
      expect(group.script.callsOf(LeaveGroup)).toHaveLength(0);
    });
  });

  describe('a rebalance', () => {
    async function rebalance(): Promise<void> {
      group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
      await clock.advance(3_000);
      group.heartbeatCode = 0;
    }

    it('drains with heartbeats going on, commits under the old generation, then joins with the same id', async () => {
      await start({ sessionTimeoutMs: 9_000 });
      const commits: number[] = [];
      listener.revoking = async () => {
        await sleep(clock, 20_000);
        commits.push(group.script.callsOf(JoinGroup).length);
        await consumer.commit([{ topic: 'orders', partition: 0, offset: 3, metadata: 'gap' }]);
      };
      group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
      await clock.advance(23_500);
      group.heartbeatCode = 0;
      await flush();
      const beats = group.script.callsOf(Heartbeat);
      expect(beats.length).toBeGreaterThanOrEqual(7);
      expect(commits).toEqual([2]);
      expect(group.committed.get('orders-0')).toEqual({ offset: 3, metadata: 'gap' });
      expect(group.script.callsOf(OffsetCommit).at(-1)!.request.generationIdOrMemberEpoch).toBe(1);
      expect(group.script.callsOf(JoinGroup).at(-1)!.request.memberId).toBe('member-1');
      expect(listener.log).toEqual([
        'assigned orders-0,orders-1 kept none',
        'revoked orders-0,orders-1',
        'drained',
        'assigned none kept orders-0,orders-1',
      ]);
    });

    it('tells the listener when the rebalance time-out is about to pass', async () => {
      await start({ maxPollIntervalMs: 60_000 });
      let abortedAt = 0;
      listener.revoking = (deadline) =>
        new Promise<void>((resolve) => {
          deadline.addEventListener('abort', () => {
            abortedAt = clock.monotonic();
            resolve();
          });
        });
      await rebalance();
      const began = clock.monotonic();
      await clock.advance(60_000);
      expect(abortedAt - began).toBeGreaterThan(50_000);
      expect(abortedAt - began).toBeLessThan(57_000);
      listener.revoking = () => undefined;
      expect(group.script.callsOf(JoinGroup)).toHaveLength(3);
    });

    it('goes on from its own position for kept partitions, with what was fetched and paused', async () => {
      group.append('orders', 0, 'a', 'b', 'c');
      group.append('orders', 1, 'x');
      await start();
      consumer.pause([{ topic: 'orders', partition: 1 }], 'user');
      consumer.pause([{ topic: 'orders', partition: 1 }], 'commit');
      expect(values(await poll(2))).toEqual(['a', 'b']);
      await rebalance();
      expect(listener.kept.map(({ position, assignmentEpoch }) => [position, assignmentEpoch])).toEqual([
        [2, 2],
        [0, 2],
      ]);
      const fetches = group.script.callsOf(Fetch).length;
      consumer.resume([{ topic: 'orders', partition: 1 }], 'commit');
      const [rest] = await poll();
      expect(rest).toMatchObject({ topic: 'orders', partition: 0, nextOffset: 3, assignmentEpoch: 2 });
      expect(group.script.callsOf(Fetch).length - fetches).toBeLessThanOrEqual(1);
      consumer.resume([{ topic: 'orders', partition: 1 }], 'user');
      expect(values(await poll())).toEqual(['x']);
    });

    it('starts over from the committed offset when it missed a generation', async () => {
      group.append('orders', 0, 'a', 'b', 'c');
      await start();
      await poll();
      group.committed.set('orders-0', { offset: 1, metadata: '' });
      group.script.once(SyncGroup, () => {
        group.generationId++;
        return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS, assignment: Buffer.alloc(0) };
      });
      await rebalance();
      expect(listener.kept).toEqual([]);
      expect(listener.added[0]).toMatchObject({ partition: 0, position: 1, source: 'committed' });
      expect(values(await poll())).toEqual(['b', 'c']);
    });

    it('loses what it kept when the group forgot it during the drain', async () => {
      await start();
      let wasAborted = false;
      listener.revoking = async (deadline) => {
        group.heartbeatCode = ErrorCode.UNKNOWN_MEMBER_ID;
        await sleep(clock, 3_100);
        wasAborted = deadline.aborted;
        await expect(consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])).rejects.toThrow(/between two/);
        group.heartbeatCode = 0;
        listener.revoking = () => undefined;
      };
      group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
      await clock.advance(6_500);
      expect(wasAborted).toBe(true);
      expect(listener.log.slice(1)).toEqual([
        'revoked orders-0,orders-1',
        'drained',
        'lost orders-0,orders-1',
        'assigned orders-0,orders-1 kept none',
      ]);
    });

    it('follows when partitions are added and reads them from their beginning under latest', async () => {
      await start({ autoOffsetReset: 'latest', metadataMaxAgeMs: 10_000 });
      group.script.topics.set('orders', 3);
      group.append('orders', 2, 'before the discovery');
      await clock.advance(10_000);
      expect(listener.log.slice(1)).toEqual([
        'revoked orders-0,orders-1',
        'drained',
        'assigned orders-2 kept orders-0,orders-1',
      ]);
      expect(values(await poll())).toEqual(['before the discovery']);
    });

    it('hands nothing over and refuses commits until the next assignment', async () => {
      group.append('orders', 0, 'a');
      await start();
      const usual = group.script.handler(JoinGroup);
      group.script.on(JoinGroup, never);
      await rebalance();
      expect(await poll()).toEqual([]);
      await expect(consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])).rejects.toMatchObject({
        code: 'KAFKA_COMMIT_FAILED',
        retriable: true,
      });
      group.script.on(JoinGroup, usual);
    });

    it('commits nothing that the new generation gave to others, also before the new positions are known', async () => {
      group = new ScriptedGroup({ orders: 3 }, clock);
      const give = (...numbers: number[]): void => {
        const partitions = numbers.map((partition) => ({ topic: 'orders', partition }));
        const assignment = encodeAssignment({ partitions, userData: null });
        group.script.on(SyncGroup, () => ({ errorCode: 0, protocolType: 'consumer', assignment }));
      };
      give(0, 1);
      await start();
      const usual = group.script.handler(OffsetFetch);
      const held = deferred();
      // The leader looks for grown topics without waiting for open transactions: that is not the one to hold up.
      group.script.on(OffsetFetch, async (request, call) => {
        if (request.requireStable) await held.promise;
        return usual(request, call);
      });
      give(1, 2);
      await rebalance();
      await clock.advance(1_000);
      await expect(consumer.commit([{ topic: 'orders', partition: 0, offset: 8 }])).rejects.toThrow(
        /orders-0 is not assigned/,
      );
      await settled(consumer.commit([{ topic: 'orders', partition: 1, offset: 9 }]));
      expect([group.committed.get('orders-0')?.offset, group.committed.get('orders-1')?.offset]).toEqual([0, 9]);
      held.resolve();
    });
  });

  describe('positions', () => {
    it('commits where it begins, before it fetches', async () => {
      group.append('orders', 0, 'old');
      await start({ autoOffsetReset: 'latest' });
      expect(group.committed.get('orders-0')).toEqual({ offset: 1, metadata: '' });
      const order = group.script.calls.map(({ api }) => api.name);
      expect(order.indexOf('OffsetCommit')).toBeLessThan(order.indexOf('Fetch'));
      expect(events).toContainEqual({
        type: 'offset-reset',
        topic: 'orders',
        partition: 0,
        from: null,
        to: 1,
        skipped: 1,
      });
    });

    it('finds its start although no metadata of the topic had come before', async () => {
      group.append('orders', 0, 'a');
      const usual = group.script.handler(ListOffsets);
      group.script.on(ListOffsets, (_, call) => {
        for (const cluster of group.script.clusters) cluster.forget('orders');
        group.script.on(ListOffsets, usual);
        throw brokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, call.api.name);
      });
      await start();
      expect(values(await poll())).toEqual(['a']);
    });

    it('begins where the listener sought, and commits that', async () => {
      group.append('orders', 0, 'a', 'b', 'c');
      listener.assigning = () => consumer.seek('orders', 0, 2);
      await start();
      expect(group.committed.get('orders-0')!.offset).toBe(2);
      expect(values(await poll())).toEqual(['c']);
    });

    it('does not commit a start position over unfinished work after a rebalance', async () => {
      group.append('orders', 0, 'a', 'b', 'c');
      const usual = group.script.handler(OffsetCommit);
      let refusals = 1;
      group.script.on(OffsetCommit, async (request, call) => {
        group.commitCode = refusals-- > 0 ? ErrorCode.REBALANCE_IN_PROGRESS : 0;
        return usual(request, call);
      });
      await start();
      expect(values(await poll(2))).toEqual(['a', 'b']);
      expect(listener.kept).toHaveLength(2);
      expect(group.committed.get('orders-0')!.offset).toBe(0);
    });

    it('fails with KAFKA_NO_OFFSET under none', async () => {
      await expect(start({ autoOffsetReset: 'none' })).rejects.toMatchObject({ code: 'KAFKA_NO_OFFSET' });
    });

    it('resets a position that the log does not hold and says how many records are gone', async () => {
      group.committed.set('orders-0', { offset: 4, metadata: '' });
      const log = group.log('orders-0');
      log.start = 10;
      log.end = 10;
      group.append('orders', 0, 'k');
      await start();
      expect(values(await poll())).toEqual(['k']);
      expect(events).toContainEqual({
        type: 'offset-reset',
        topic: 'orders',
        partition: 0,
        from: 4,
        to: 10,
        skipped: 6,
      });
    });

    it('fails on such a position under none, after draining and leaving', async () => {
      group.committed.set('orders-0', { offset: 4, metadata: '' });
      group.committed.set('orders-1', { offset: 0, metadata: '' });
      await start({ autoOffsetReset: 'none' });
      await expect(poll()).rejects.toMatchObject({ code: 'KAFKA_OFFSET_OUT_OF_RANGE' });
      expect(listener.log).toContain('drained');
      expect(group.script.callsOf(LeaveGroup)).toHaveLength(1);
    });
  });

  describe('commits', () => {
    it('tries retriable answers again', async () => {
      await start();
      group.commitCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      const commit = consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
      await clock.advance(500);
      group.commitCode = 0;
      await settled(commit);
      expect(group.committed.get('orders-0')!.offset).toBe(5);
    });

    it('keeps the order of commits when the first one is repeated', async () => {
      await start();
      group.script.once(OffsetCommit, () => {
        throw connectionError('the answer was lost');
      });
      const older = consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
      const newer = consumer.commit([{ topic: 'orders', partition: 0, offset: 6 }]);
      await settled(Promise.all([older, newer]));
      expect(group.committed.get('orders-0')!.offset).toBe(6);
    });

    it('names a shared group id when heartbeats are fine', async () => {
      await start();
      await clock.advance(3_000);
      group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
      const commit = settled(consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]));
      await expect(commit).rejects.toThrow(/a heartbeat was answered \d+ ms ago .* standalone consumer/);
    });

    it('names the missing heartbeats when the session has passed', async () => {
      await start();
      group.script.on(Heartbeat, never);
      await clock.advance(50_000);
      group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
      const commit = settled(consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]));
      await expect(commit).rejects.toThrow(/No heartbeat was answered for 5\d{4} ms \(session.timeout.ms=45000\)/);
    });

    it('names a drain that took too long', async () => {
      await start({ maxPollIntervalMs: 10_000, sessionTimeoutMs: 60_000 });
      let commit: Promise<void> | undefined;
      listener.revoking = async () => {
        await sleep(clock, 11_000);
        group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
        commit = consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
        await commit.catch(() => undefined);
        group.commitCode = 0;
        listener.revoking = () => undefined;
      };
      group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
      await clock.advance(14_500);
      group.heartbeatCode = 0;
      await expect(commit).rejects.toThrow(/Draining took 11\d{3} ms, the group waits for max.poll.interval.ms=10000/);
    });

    it('refuses offsets of partitions that are not assigned', async () => {
      await start();
      await expect(consumer.commit([{ topic: 'orders', partition: 9, offset: 1 }])).rejects.toThrow(
        /orders-9 is not assigned/,
      );
      expect(group.script.callsOf(OffsetCommit)).toHaveLength(1);
    });
  });

  describe('stopping', () => {
    it('revokes, leaves and closes while a long poll is waiting', async () => {
      await start();
      const polled = consumer.poll({ maxRecords: 1, maxWaitMs: 60_000 });
      const before = clock.monotonic();
      await consumer.stop();
      expect(clock.monotonic() - before).toBe(0);
      expect(await polled).toEqual([]);
      expect(group.script.callsOf(LeaveGroup)[0]!.request.members[0]!.memberId).toBe('member-1');
      expect(listener.log.slice(1)).toEqual(['revoked orders-0,orders-1', 'drained']);
      expect(group.script.clusters.every(({ isClosed }) => isClosed)).toBe(true);
    });

    it('leaves over other connections while a JoinGroup is waiting', async () => {
      const usual = group.script.handler(JoinGroup);
      group.script.on(JoinGroup, (request, call) => (request.memberId === '' ? usual(request, call) : never()));
      const starting = make().start(listener);
      const started = starting.catch((error) => error);
      await clock.advance(100);
      await consumer.stop();
      expect(await started).toMatchObject({ code: 'KAFKA_STOPPED' });
      const [join] = group.script.callsOf(JoinGroup);
      const [leave] = group.script.callsOf(LeaveGroup);
      expect(leave!.cluster).not.toBe(join!.cluster);
    });

    it('does not leave as a static member, and says its instance id everywhere', async () => {
      await start({ groupInstanceId: 'one' });
      await clock.advance(3_000);
      await consumer.stop();
      expect(group.script.callsOf(LeaveGroup)).toHaveLength(0);
      for (const api of [JoinGroup, SyncGroup, Heartbeat, OffsetCommit] as const) {
        for (const { request } of group.script.callsOf(api as typeof Heartbeat))
          expect(request.groupInstanceId).toBe('one');
      }
    });

    it('leaves even as a static member when what it gave up is still to be handed on', async () => {
      const give = (...numbers: number[]): void => {
        const partitions = numbers.map((partition) => ({ topic: 'orders', partition }));
        const assignment = encodeAssignment({ partitions, userData: null });
        group.script.on(SyncGroup, () => ({ errorCode: 0, protocolType: 'consumer', assignment }));
      };
      give(0, 1);
      await start({ groupInstanceId: 'one', partitionAssignmentStrategy: ['cooperative-sticky'] });
      give(0);
      const usual = group.script.handler(JoinGroup);
      let joins = 0;
      group.script.on(JoinGroup, (request, call) => (joins++ === 0 ? usual(request, call) : never()));
      group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
      await clock.advance(3_000);
      group.heartbeatCode = 0;
      await clock.advance(1_000);
      expect(listener.log).toContain('revoked orders-1');
      await settled(consumer.stop());
      expect(group.script.callsOf(LeaveGroup)[0]!.request.members[0]!.groupInstanceId).toBe('one');
    });

    it('stops while it waits for a broker', async () => {
      group.script.connect = () => {
        throw connectionError('nobody there');
      };
      const started = make()
        .start(listener)
        .catch((error) => error);
      await clock.advance(1_000);
      await settled(consumer.stop());
      expect(await started).toMatchObject({ code: 'KAFKA_STOPPED' });
    });
  });
});
