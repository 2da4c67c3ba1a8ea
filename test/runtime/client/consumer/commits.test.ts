import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../../src/common/clock.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.js';
import { Heartbeat } from '../../../../src/protocol/messages/12-heartbeat.js';
import { connectionError } from '../../../../src/runtime/client/cluster/node-link.js';
import { GroupConsumerWorld } from '../../../support/group-consumer-world.js';
import { never } from '../../../support/scripted-cluster.js';

let world: GroupConsumerWorld;
beforeEach(() => {
  world = new GroupConsumerWorld();
});
afterEach(() => world.close());

describe('commits of a consumer in a group', () => {
  it('tries retriable answers again', async () => {
    await world.start();
    world.group.commitCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    const commit = world.consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
    await world.clock.advance(500);
    world.group.commitCode = 0;
    await world.settled(commit);
    expect(world.group.committed.get('orders-0')!.offset).toBe(5);
  });

  it('keeps the order of commits when the first one is repeated', async () => {
    await world.start();
    world.group.script.once(OffsetCommit, () => {
      throw connectionError('the answer was lost');
    });
    const older = world.consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
    const newer = world.consumer.commit([{ topic: 'orders', partition: 0, offset: 6 }]);
    await world.settled(Promise.all([older, newer]));
    expect(world.group.committed.get('orders-0')!.offset).toBe(6);
  });

  it('names a shared group id when heartbeats are fine', async () => {
    await world.start();
    await world.clock.advance(3_000);
    world.group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
    const commit = world.settled(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]));
    await expect(commit).rejects.toThrow(/a heartbeat was answered \d+ ms ago .* standalone consumer/);
  });

  it('names the missing heartbeats when the group has ended the session', async () => {
    await world.start();
    world.group.script.on(Heartbeat, never);
    await world.clock.advance(44_000);
    world.group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
    const commit = world.settled(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]));
    await expect(commit).rejects.toThrow(/No heartbeat was answered for 44\d{3} ms \(session.timeout.ms=45000\)/);
  });

  it('names a drain that took too long', async () => {
    await world.start({ maxPollIntervalMs: 10_000, sessionTimeoutMs: 60_000 });
    let commit: Promise<void> | undefined;
    world.listener.revoking = async () => {
      await sleep(world.clock, 11_000);
      world.group.commitCode = ErrorCode.UNKNOWN_MEMBER_ID;
      commit = world.consumer.commit([{ topic: 'orders', partition: 0, offset: 5 }]);
      await commit.catch(() => undefined);
      world.group.commitCode = 0;
      world.listener.revoking = () => undefined;
    };
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(14_500);
    world.group.heartbeatCode = 0;
    await expect(commit).rejects.toThrow(/Draining took 11\d{3} ms, the group waits for max.poll.interval.ms=10000/);
  });

  it('waits for a coordinator that is away just when it is to learn where the group begins', async () => {
    world.group.commitCode = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const started = world.make({ defaultApiTimeoutMs: 10_000 }).start(world.listener);
    await world.clock.advance(25_000);
    expect(world.group.committed.size).toBe(0);
    world.group.commitCode = 0;
    await world.settled(started);
    expect(world.group.committed.get('orders-0')!.offset).toBe(0);
    expect(world.consumer.assignment()).toHaveLength(2);
  });

  it('refuses offsets of partitions that are not assigned', async () => {
    await world.start();
    await expect(world.consumer.commit([{ topic: 'orders', partition: 9, offset: 1 }])).rejects.toThrow(
      /orders-9 is not assigned/,
    );
    expect(world.group.script.callsOf(OffsetCommit)).toHaveLength(1);
  });
});
