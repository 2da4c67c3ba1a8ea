import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../../src/common/clock.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Fetch } from '../../../../src/protocol/messages/01-fetch.js';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.js';
import { OffsetFetch } from '../../../../src/protocol/messages/09-offset-fetch.js';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../../../src/protocol/messages/12-heartbeat.js';
import { SyncGroup } from '../../../../src/protocol/messages/14-sync-group.js';
import { GroupConsumerWorld, values } from '../../../support/group-consumer-world.js';
import { flush } from '../../../support/manual-clock.js';
import { never } from '../../../support/scripted-cluster.js';
import { ScriptedGroup } from '../../../support/scripted-group.js';

let world: GroupConsumerWorld;
beforeEach(() => {
  world = new GroupConsumerWorld();
});
afterEach(() => world.close());

describe('a rebalance of a consumer in a group', () => {
  async function rebalance(): Promise<void> {
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(3_000);
    world.group.heartbeatCode = 0;
  }

  it('drains with heartbeats going on, commits under the old generation, then joins with the same id', async () => {
    await world.start({ sessionTimeoutMs: 9_000 });
    const commits: number[] = [];
    world.listener.revoking = async () => {
      await sleep(world.clock, 20_000);
      commits.push(world.group.script.callsOf(JoinGroup).length);
      await world.consumer.commit([{ topic: 'orders', partition: 0, offset: 3, metadata: 'gap' }]);
    };
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(23_500);
    world.group.heartbeatCode = 0;
    await flush();
    const beats = world.group.script.callsOf(Heartbeat);
    expect(beats.length).toBeGreaterThanOrEqual(7);
    expect(commits).toEqual([2]);
    expect(world.group.committed.get('orders-0')).toEqual({ offset: 3, metadata: 'gap' });
    expect(world.group.script.callsOf(OffsetCommit).at(-1)!.request.generationIdOrMemberEpoch).toBe(1);
    expect(world.group.script.callsOf(JoinGroup).at(-1)!.request.memberId).toBe('member-1');
    expect(world.listener.log).toEqual([
      'assigned orders-0,orders-1 kept none',
      'revoked orders-0,orders-1',
      'drained',
      'assigned none kept orders-0,orders-1',
    ]);
  });

  it('tells the listener when the rebalance time-out is about to pass', async () => {
    await world.start({ maxPollIntervalMs: 60_000 });
    let abortedAt = 0;
    world.listener.revoking = (deadline) =>
      new Promise<void>((resolve) => {
        deadline.addEventListener('abort', () => {
          abortedAt = world.clock.monotonic();
          resolve();
        });
      });
    await rebalance();
    const began = world.clock.monotonic();
    await world.clock.advance(60_000);
    expect(abortedAt - began).toBeGreaterThan(50_000);
    expect(abortedAt - began).toBeLessThan(57_000);
    world.listener.revoking = () => undefined;
    expect(world.group.script.callsOf(JoinGroup)).toHaveLength(3);
  });

  it('goes on from its own position for kept partitions, with what was fetched and paused', async () => {
    world.group.append('orders', 0, 'a', 'b', 'c');
    world.group.append('orders', 1, 'x');
    await world.start();
    world.consumer.pause([{ topic: 'orders', partition: 1 }], 'user');
    world.consumer.pause([{ topic: 'orders', partition: 1 }], 'commit');
    expect(values(await world.poll(2))).toEqual(['a', 'b']);
    await rebalance();
    expect(world.listener.kept.map(({ position, assignmentEpoch }) => [position, assignmentEpoch])).toEqual([
      [2, 2],
      [0, 2],
    ]);
    const fetches = world.group.script.callsOf(Fetch).length;
    world.consumer.resume([{ topic: 'orders', partition: 1 }], 'commit');
    const [rest] = await world.poll();
    expect(rest).toMatchObject({ topic: 'orders', partition: 0, nextOffset: 3, assignmentEpoch: 2 });
    expect(world.group.script.callsOf(Fetch).length - fetches).toBeLessThanOrEqual(1);
    world.consumer.resume([{ topic: 'orders', partition: 1 }], 'user');
    expect(values(await world.poll())).toEqual(['x']);
  });

  it('starts over from the committed offset when it missed a generation', async () => {
    world.group.append('orders', 0, 'a', 'b', 'c');
    await world.start();
    await world.poll();
    world.group.committed.set('orders-0', { offset: 1, metadata: '' });
    world.group.script.once(SyncGroup, () => {
      world.group.generationId++;
      return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS, assignment: Buffer.alloc(0) };
    });
    await rebalance();
    expect(world.listener.kept).toEqual([]);
    expect(world.listener.added[0]).toMatchObject({ partition: 0, position: 1, source: 'committed' });
    expect(values(await world.poll())).toEqual(['b', 'c']);
  });

  it('loses what it kept when the group forgot it during the drain', async () => {
    await world.start();
    let wasAborted = false;
    world.listener.revoking = async (deadline) => {
      world.group.heartbeatCode = ErrorCode.UNKNOWN_MEMBER_ID;
      await sleep(world.clock, 3_100);
      wasAborted = deadline.aborted;
      await expect(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])).rejects.toThrow(
        /a heartbeat of group 'billing' was answered UNKNOWN_MEMBER_ID \(25\)/,
      );
      world.group.heartbeatCode = 0;
      world.listener.revoking = () => undefined;
    };
    world.group.heartbeatCode = ErrorCode.REBALANCE_IN_PROGRESS;
    await world.clock.advance(6_500);
    expect(wasAborted).toBe(true);
    expect(world.listener.log.slice(1)).toEqual([
      'revoked orders-0,orders-1',
      'drained',
      'lost orders-0,orders-1',
      'assigned orders-0,orders-1 kept none',
    ]);
  });

  it('follows when partitions are added and reads them from their beginning under latest', async () => {
    await world.start({ autoOffsetReset: 'latest', metadataMaxAgeMs: 10_000 });
    world.group.script.topics.set('orders', 3);
    world.group.append('orders', 2, 'before the discovery');
    await world.clock.advance(10_000);
    expect(world.listener.log.slice(1)).toEqual([
      'revoked orders-0,orders-1',
      'drained',
      'assigned orders-2 kept orders-0,orders-1',
    ]);
    expect(values(await world.poll())).toEqual(['before the discovery']);
  });

  it('hands nothing over and refuses commits until the next assignment', async () => {
    world.group.append('orders', 0, 'a');
    await world.start();
    const usual = world.group.script.handler(JoinGroup);
    world.group.script.on(JoinGroup, never);
    await rebalance();
    expect(await world.poll()).toEqual([]);
    await expect(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'KAFKA_COMMIT_FAILED',
      retriable: true,
    });
    world.group.script.on(JoinGroup, usual);
  });

  it('commits nothing that the new generation gave to others, also before the new positions are known', async () => {
    world.group = new ScriptedGroup({ orders: 3 }, world.clock);
    world.group.gives('orders', 0, 1);
    await world.start();
    const usual = world.group.script.handler(OffsetFetch);
    const held = deferred();
    // The leader looks for grown topics without waiting for open transactions: that is not the one to hold up.
    world.group.script.on(OffsetFetch, async (request, call) => {
      if (request.requireStable) await held.promise;
      return usual(request, call);
    });
    world.group.gives('orders', 1, 2);
    await rebalance();
    await world.clock.advance(1_000);
    await expect(world.consumer.commit([{ topic: 'orders', partition: 0, offset: 8 }])).rejects.toThrow(
      /orders-0 is not assigned/,
    );
    await world.settled(world.consumer.commit([{ topic: 'orders', partition: 1, offset: 9 }]));
    expect([world.group.committed.get('orders-0')?.offset, world.group.committed.get('orders-1')?.offset]).toEqual([
      0, 9,
    ]);
    held.resolve();
  });
});
