import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../../src/common/clock.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.js';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../../../src/protocol/messages/12-heartbeat.js';
import { LeaveGroup } from '../../../../src/protocol/messages/13-leave-group.js';
import { SyncGroup } from '../../../../src/protocol/messages/14-sync-group.js';
import { connectionError } from '../../../../src/runtime/client/cluster/node-link.js';
import {
  decodeSubscription,
  encodeAssignment,
} from '../../../../src/runtime/client/consumer/membership/consumer-protocol.js';
import { GroupConsumerWorld } from '../../../support/group-consumer-world.js';

// A session ends by the member's own clock: who is cut off from the group is told by nobody that it was given up.

const SESSION_MS = 9_000;

let world: GroupConsumerWorld;
beforeEach(() => {
  world = new GroupConsumerWorld();
});
afterEach(() => world.close());

/** The group cannot be reached any more: neither heartbeats nor joins. Gives what heals it. */
function cut(): () => void {
  const { script } = world.group;
  const usual = [script.handler(Heartbeat), script.handler(JoinGroup)] as const;
  const gone = (): never => {
    throw connectionError('the network is cut');
  };
  script.on(Heartbeat, gone).on(JoinGroup, gone);
  return () => void script.on(Heartbeat, usual[0]).on(JoinGroup, usual[1]);
}

describe('the session of a member that is cut off', () => {
  const lost = () => world.listener.log.filter((line) => line.startsWith('lost'));

  it('ends by its own clock: the partitions are lost, commits say why, and it joins again as who it was', async () => {
    await world.start({ sessionTimeoutMs: SESSION_MS, heartbeatIntervalMs: 3_000 });
    await world.clock.advance(1_000);
    world.group.append('orders', 0, 'a');
    const heal = cut();
    await world.clock.advance(7_900);
    expect(lost()).toEqual([]);
    await world.clock.advance(200);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
    expect(world.consumer.assignment()).toEqual([]);
    expect(await world.poll()).toEqual([]);
    await expect(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])).rejects.toThrow(
      /No heartbeat of group 'billing' was answered for 9000 ms \(session.timeout.ms=9000\)/,
    );
    heal();
    await world.clock.advance(5_000);
    expect(world.listener.log.slice(1)).toEqual(['lost orders-0,orders-1', 'assigned orders-0,orders-1 kept none']);
    // Should the group have waited for it after all, it is no stranger; and it does not put out who has its place.
    expect(world.group.script.callsOf(JoinGroup).at(-1)!.request.memberId).toBe('member-1');
    await world.consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }]);
  });

  it('counts from when the last confirmed heartbeat was sent, not from its answer', async () => {
    await world.start({ sessionTimeoutMs: SESSION_MS, heartbeatIntervalMs: 3_000 });
    world.group.script.once(Heartbeat, async () => {
      await sleep(world.clock, 2_500);
      cut();
      return { errorCode: 0 };
    });
    await world.clock.advance(3_000);
    const [beat] = world.group.script.callsOf(Heartbeat);
    expect(beat).toBeDefined();
    await world.clock.advance(SESSION_MS - 200);
    expect(lost()).toEqual([]);
    await world.clock.advance(200);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
  });

  it('lasts while the group answers, also that it rebalances', async () => {
    let drained = 0;
    world.listener.revoking = async () => {
      await sleep(world.clock, 4 * SESSION_MS);
      world.group.heartbeatCode = 0;
      drained++;
    };
    await world.start({ sessionTimeoutMs: SESSION_MS });
    await world.clock.advance(4 * SESSION_MS);
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(5 * SESSION_MS);
    world.listener.revoking = () => undefined;
    expect(drained).toBe(1);
    expect(lost()).toEqual([]);
  });

  it('has ended after a pause of the whole process, before the next heartbeat is answered', async () => {
    await world.start({ sessionTimeoutMs: SESSION_MS });
    world.group.script.on(Heartbeat, () => sleep(world.clock, 5).then(() => ({ errorCode: 0 })));
    await world.clock.leap(SESSION_MS + 1);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
  });
});

describe('a member that goes by its own wish', () => {
  it('has given its partitions up before the group hears of it', async () => {
    await world.start();
    const { script } = world.group;
    const usual = script.handler(LeaveGroup);
    let before: readonly string[] = [];
    script.on(LeaveGroup, (request, call) => {
      before = [...world.listener.log];
      return usual(request, call);
    });
    world.consumer.leaveUntil('a handler takes too long', () => Promise.resolve(() => Promise.resolve()));
    await world.clock.advance(1_000);
    expect(before).toEqual(['assigned orders-0,orders-1 kept none', 'lost orders-0,orders-1']);
    expect(world.listener.log.at(-1)).toBe('assigned orders-0,orders-1 kept none');
  });
});

describe('the session of a cooperative member that joins again and goes on', () => {
  const OPTIONS = { sessionTimeoutMs: SESSION_MS, partitionAssignmentStrategy: ['cooperative-sticky'] };
  const lost = () => world.listener.log.filter((line) => line.startsWith('lost'));
  let release: () => void;

  /** Its second join waits for other members. */
  async function crossing(): Promise<void> {
    await world.start(OPTIONS);
    const { script } = world.group;
    const usual = script.handler(JoinGroup);
    const released = new Promise<void>((resolve) => (release = resolve));
    script.on(JoinGroup, async (request, call) => {
      await released;
      return usual(request, call);
    });
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(3_000);
    expect(script.callsOf(JoinGroup)).toHaveLength(3);
  }

  afterEach(() => release());

  it('lasts as long as heartbeats on other connections are answered, however long the join takes', async () => {
    await crossing();
    const before = world.group.script.callsOf(Heartbeat).length;
    await world.clock.advance(SESSION_MS);
    world.group.heartbeatCode = ErrorCode.ILLEGAL_GENERATION;
    await world.clock.advance(4 * SESSION_MS);
    expect(world.group.script.callsOf(Heartbeat).length).toBeGreaterThanOrEqual(before + 14);
    await world.consumer.commit([{ topic: 'orders', partition: 0, offset: 3 }]);
    expect(lost()).toEqual([]);
    world.group.heartbeatCode = 0;
    release();
    await world.clock.advance(1_000);
    expect(world.listener.log).toEqual([
      'assigned orders-0,orders-1 kept none',
      'assigned none kept orders-0,orders-1',
    ]);
  });

  it('ends when they are not', async () => {
    await crossing();
    cut();
    await world.clock.advance(SESSION_MS + 100);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
    await expect(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 3 }])).rejects.toThrow(
      /No heartbeat of group 'billing' was answered/,
    );
  });

  it('takes its commits along: one that was under way does not count when the partitions come back', async () => {
    await crossing();
    const answered = deferred();
    world.group.script.once(OffsetCommit, async ({ topics }) => {
      await answered.promise;
      const errorCode = ErrorCode.ILLEGAL_GENERATION;
      const refused = { partitionIndex: 0, errorCode };
      return { topics: topics.map(({ name }) => ({ name, partitions: [refused] })) };
    });
    const commit = world.consumer.commit([{ topic: 'orders', partition: 0, offset: 3 }]).catch((error) => error);
    const heal = cut();
    await world.clock.advance(SESSION_MS + 100);
    heal();
    world.group.heartbeatCode = 0;
    world.group.committed.set('orders-0', { offset: 7, metadata: '' });
    release();
    await world.clock.advance(2_000);
    expect(world.listener.log.slice(1)).toEqual(['lost orders-0,orders-1', 'assigned orders-0,orders-1 kept none']);
    answered.resolve();
    await world.clock.advance(100);
    expect(await commit).toMatchObject({
      code: 'KAFKA_COMMIT_FAILED',
      message: expect.stringContaining('given up while the group was asked'),
    });
    expect(world.group.committed.get('orders-0')!.offset).toBe(7);
  });

  it("does not end with partitions that are nobody's: what it had claimed is handed on by a rebalance more", async () => {
    await crossing();
    const { script } = world.group;
    const heal = cut();
    await world.clock.advance(SESSION_MS + 100);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
    heal();
    world.group.heartbeatCode = 0;
    // The leader sees the claim alone, and gives what another one is to have to nobody before it is given up.
    const usual = script.handler(SyncGroup);
    const partitions = [{ topic: 'orders', partition: 0 }];
    const assignment = encodeAssignment({ partitions, userData: null });
    script.once(SyncGroup, () => ({ errorCode: 0, protocolType: 'consumer', assignment }));
    release();
    await world.clock.advance(1_000);
    script.on(SyncGroup, usual);
    await world.clock.advance(1_000);
    const claims = script.callsOf(JoinGroup).map(({ request }) => {
      return decodeSubscription(request.protocols[0]!.metadata).ownedPartitions.map(({ partition }) => partition);
    });
    expect(claims.slice(2)).toEqual([[0, 1], [0]]);
    expect(world.listener.log.at(-1)).toBe('assigned orders-1 kept orders-0');
  });

  it('ends when the group says that it is no member', async () => {
    await crossing();
    world.group.heartbeatCode = ErrorCode.UNKNOWN_MEMBER_ID;
    await world.clock.advance(3_000);
    expect(lost()).toEqual(['lost orders-0,orders-1']);
    world.group.heartbeatCode = 0;
    release();
    await world.clock.advance(1_000);
    expect(world.listener.log.at(-1)).toBe('assigned orders-0,orders-1 kept none');
  });
});
