import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../../../src/common/clock.js';
import { ErrorCode } from '../../../../../src/protocol/error-codes.js';
import { OffsetCommit } from '../../../../../src/protocol/messages/08-offset-commit.js';
import { JoinGroup } from '../../../../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../../../../src/protocol/messages/12-heartbeat.js';
import { LeaveGroup } from '../../../../../src/protocol/messages/13-leave-group.js';
import { SyncGroup } from '../../../../../src/protocol/messages/14-sync-group.js';
import { connectionError } from '../../../../../src/runtime/client/cluster/node-link.js';
import { GroupConsumerWorld, values } from '../../../../support/group-consumer-world.js';
import { never } from '../../../../support/scripted-cluster.js';
import { failedJoin } from '../../../../support/scripted-group.js';

let world: GroupConsumerWorld;
beforeEach(() => {
  world = new GroupConsumerWorld();
});
afterEach(() => world.close());

describe('a member joining its group', () => {
  it('joins again with the id that the group gave', async () => {
    await world.start();
    expect(world.group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual(['', 'member-1']);
    expect(world.events).toContainEqual({ type: 'joined', generationId: 1, memberId: 'member-1', assigned: 2 });
    expect(world.listener.log).toEqual(['assigned orders-0,orders-1 kept none']);
  });

  it.each([14, 15, 16])('finds the coordinator again after %i and keeps its member id', async (code) => {
    let finds = 0;
    world.group.script.coordinator = () => ++finds;
    let refusals = 2;
    const usual = world.group.script.handler(JoinGroup);
    world.group.script.on(JoinGroup, (request, call) =>
      request.memberId !== '' && refusals-- > 0 ? failedJoin(code) : usual(request, call),
    );
    await world.start();
    expect(world.group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual([
      '',
      'member-1',
      'member-1',
      'member-1',
    ]);
    expect(finds).toBe(code === 14 ? 1 : 3);
  });

  it.each(['JoinGroup', 'SyncGroup'])('joins again with its id when the answer to %s is lost', async (name) => {
    let losses = 1;
    const join = world.group.script.handler(JoinGroup);
    world.group.script.on(JoinGroup, async (request, call) => {
      const answer = await join(request, call);
      if (name === 'JoinGroup' && request.memberId !== '' && losses-- > 0) throw connectionError('the answer is lost');
      return answer;
    });
    const sync = world.group.script.handler(SyncGroup);
    world.group.script.on(SyncGroup, async (request, call) => {
      const answer = await sync(request, call);
      if (name === 'SyncGroup' && losses-- > 0) throw connectionError('the answer is lost');
      return answer;
    });
    await world.start();
    expect(world.group.script.callsOf(JoinGroup).map(({ request }) => request.memberId)).toEqual([
      '',
      'member-1',
      'member-1',
    ]);
    expect(world.events.filter(({ type }) => type === 'disconnected')).toHaveLength(1);
  });

  it('says what a refused session time-out means', async () => {
    world.group.script.on(JoinGroup, () => failedJoin(ErrorCode.INVALID_SESSION_TIMEOUT));
    await expect(world.start()).rejects.toThrow(/session.timeout.ms=45000 must lie between/);
    await expect(world.poll()).rejects.toThrow(/session.timeout.ms/);
    expect(world.events.at(-1)).toMatchObject({ type: 'failed' });
  });

  it('waits for a broker that is not there yet', async () => {
    let tries = 0;
    world.group.script.connect = () => {
      if (++tries < 4) throw connectionError('nobody listens at scripted:1');
    };
    await world.start();
    expect(world.listener.log).toHaveLength(1);
    expect(world.warnings.join()).toMatch(/nobody listens at scripted:1/);
  });

  it('waits for a topic that does not exist and reads it from its beginning, even under latest', async () => {
    world.group.script.topics.clear();
    await world.start({ autoOffsetReset: 'latest' });
    expect(world.warnings.join()).toMatch(/topic 'orders' of group 'billing' does not exist/);
    expect(world.consumer.assignment()).toEqual([]);
    world.group.script.topics.set('orders', 1);
    world.group.append('orders', 0, 'early');
    expect(values(await world.settled(world.consumer.poll({ maxRecords: 10, maxWaitMs: 5_000 })))).toEqual(['early']);
  });

  it('refuses a heartbeat interval above a third of the session time-out', () => {
    expect(() => world.make({ sessionTimeoutMs: 6_000, heartbeatIntervalMs: 3_000 })).toThrow(
      /heartbeat.interval.ms=3000 must be at most a third of session.timeout.ms=6000/,
    );
    world.make();
  });
});

describe('a member in a generation', () => {
  it('beats by the clock, whatever its listener does', async () => {
    world.listener.assigning = () => sleep(world.clock, 10_000);
    await world.start();
    expect(world.group.script.callsOf(Heartbeat).length).toBe(3);
    await world.clock.advance(9_000);
    expect(world.group.script.callsOf(Heartbeat).length).toBe(6);
  });

  it('keeps id and assignment while its coordinator is away, and beats again soon', async () => {
    await world.start();
    const usual = world.group.script.handler(Heartbeat);
    world.group.script.on(Heartbeat, () => {
      throw connectionError('the broker is gone');
    });
    await world.clock.advance(20_000);
    expect(world.events.filter(({ type }) => type === 'disconnected')).toHaveLength(1);
    world.group.script.on(Heartbeat, usual);
    const before = world.group.script.callsOf(Heartbeat).length;
    await world.clock.advance(1_200);
    expect(world.group.script.callsOf(Heartbeat).length).toBe(before + 1);
    expect(world.group.script.callsOf(JoinGroup)).toHaveLength(2);
    expect(world.listener.log).toEqual(['assigned orders-0,orders-1 kept none']);
  });

  it.each([
    [ErrorCode.UNKNOWN_MEMBER_ID, ''],
    [ErrorCode.ILLEGAL_GENERATION, 'member-1'],
  ])('loses its partitions on %i and joins as %p', async (code, rejoinedAs) => {
    await world.start();
    world.group.committed.set('orders-0', { offset: 7, metadata: 'gap' });
    world.group.heartbeatCode = code;
    await world.clock.advance(3_000);
    world.group.heartbeatCode = 0;
    await world.clock.advance(1_000);
    expect(world.listener.log).toEqual([
      'assigned orders-0,orders-1 kept none',
      'lost orders-0,orders-1',
      'assigned orders-0,orders-1 kept none',
    ]);
    expect(world.group.script.callsOf(JoinGroup)[2]!.request.memberId).toBe(rejoinedAs);
    expect(world.listener.added[0]).toMatchObject({
      position: 7,
      metadata: 'gap',
      source: 'committed',
      assignmentEpoch: 2,
    });
  });

  it('fails for good when another consumer took its instance id', async () => {
    await world.start({ groupInstanceId: 'one' });
    world.group.heartbeatCode = ErrorCode.FENCED_INSTANCE_ID;
    await world.clock.advance(3_000);
    await expect(world.poll()).rejects.toThrow(/group.instance.id=one and took over/);
    expect(world.listener.log.at(-1)).toBe('lost orders-0,orders-1');
    expect(world.group.script.callsOf(LeaveGroup)).toHaveLength(0);
  });
});

describe('a member stopping', () => {
  it('revokes, leaves and closes while a long poll is waiting', async () => {
    await world.start();
    const polled = world.consumer.poll({ maxRecords: 1, maxWaitMs: 60_000 });
    const before = world.clock.monotonic();
    await world.consumer.stop();
    expect(world.clock.monotonic() - before).toBe(0);
    expect(await polled).toEqual([]);
    expect(world.group.script.callsOf(LeaveGroup)[0]!.request.members[0]!.memberId).toBe('member-1');
    expect(world.listener.log.slice(1)).toEqual(['revoked orders-0,orders-1', 'drained']);
    expect(world.group.script.clusters.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it('leaves over other connections while a JoinGroup is waiting', async () => {
    const usual = world.group.script.handler(JoinGroup);
    world.group.script.on(JoinGroup, (request, call) => (request.memberId === '' ? usual(request, call) : never()));
    const starting = world.make().start(world.listener);
    const started = starting.catch((error) => error);
    await world.clock.advance(100);
    await world.consumer.stop();
    expect(await started).toMatchObject({ code: 'KAFKA_STOPPED' });
    const [join] = world.group.script.callsOf(JoinGroup);
    const [leave] = world.group.script.callsOf(LeaveGroup);
    expect(leave!.cluster).not.toBe(join!.cluster);
  });

  it('does not leave as a static member, and says its instance id everywhere', async () => {
    await world.start({ groupInstanceId: 'one' });
    await world.clock.advance(3_000);
    await world.consumer.stop();
    expect(world.group.script.callsOf(LeaveGroup)).toHaveLength(0);
    for (const api of [JoinGroup, SyncGroup, Heartbeat, OffsetCommit] as const) {
      for (const { request } of world.group.script.callsOf(api as typeof Heartbeat))
        expect(request.groupInstanceId).toBe('one');
    }
  });

  it('leaves even as a static member when what it gave up is still to be handed on', async () => {
    world.group.gives('orders', 0, 1);
    await world.start({ groupInstanceId: 'one', partitionAssignmentStrategy: ['cooperative-sticky'] });
    world.group.gives('orders', 0);
    const usual = world.group.script.handler(JoinGroup);
    let joins = 0;
    world.group.script.on(JoinGroup, (request, call) => (joins++ === 0 ? usual(request, call) : never()));
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(3_000);
    world.group.heartbeatCode = 0;
    await world.clock.advance(1_000);
    expect(world.listener.log).toContain('revoked orders-1');
    await world.settled(world.consumer.stop());
    expect(world.group.script.callsOf(LeaveGroup)[0]!.request.members[0]!.groupInstanceId).toBe('one');
  });

  it('stops while it waits for a broker', async () => {
    world.group.script.connect = () => {
      throw connectionError('nobody there');
    };
    const started = world
      .make()
      .start(world.listener)
      .catch((error) => error);
    await world.clock.advance(1_000);
    await world.settled(world.consumer.stop());
    expect(await started).toMatchObject({ code: 'KAFKA_STOPPED' });
  });
});
