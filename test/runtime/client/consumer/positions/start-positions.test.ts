import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { brokerError, ErrorCode } from '../../../../../src/protocol/error-codes.js';
import { Fetch } from '../../../../../src/protocol/messages/01-fetch.js';
import { ListOffsets } from '../../../../../src/protocol/messages/02-list-offsets.js';
import { OffsetCommit } from '../../../../../src/protocol/messages/08-offset-commit.js';
import { LeaveGroup } from '../../../../../src/protocol/messages/13-leave-group.js';
import { ListenerContainer } from '../../../../../src/runtime/listener/listener-container.js';
import { DONE } from '../../../../../src/runtime/listener/listener-endpoint.js';
import { GroupConsumerWorld, values } from '../../../../support/group-consumer-world.js';
import { endpointOf } from '../../../../support/listener-harness.js';

interface CommitTopic {
  readonly name: string;
  readonly partitions: ReadonlyArray<{ readonly partitionIndex: number }>;
}

const partitionsOf = (topics: readonly CommitTopic[]) =>
  topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`));

let world: GroupConsumerWorld;
beforeEach(() => {
  world = new GroupConsumerWorld();
});
afterEach(() => world.close());

describe('where a consumer in a group begins', () => {
  it('commits where it begins while it fetches, and hands nothing over before', async () => {
    world.group.append('orders', 0, 'old');
    const usual = world.group.script.handler(OffsetCommit);
    let commit = (): void => undefined;
    world.group.script.on(OffsetCommit, async (request, call) => {
      world.group.append('orders', 0, 'new');
      await new Promise<void>((resolve) => {
        commit = resolve;
      });
      return usual(request, call);
    });
    const starting = world.make({ autoOffsetReset: 'latest' }).start(world.listener);
    for (let i = 0; i < 2_000 && world.group.script.callsOf(Fetch).length === 0; i++) await world.clock.advance(10);
    await world.clock.advance(1_000);
    expect(world.group.script.callsOf(Fetch)).not.toEqual([]);
    expect(await world.poll()).toEqual([]);
    commit();
    await world.settled(starting);
    expect(values(await world.poll())).toEqual(['new']);
    expect(world.group.committed.get('orders-0')).toEqual({ offset: 1, metadata: '' });
    expect(world.events).toContainEqual({
      type: 'offset-reset',
      topic: 'orders',
      partition: 0,
      from: null,
      to: 1,
      skipped: 1,
    });
  });

  it('finds its start although no metadata of the topic had come before', async () => {
    world.group.append('orders', 0, 'a');
    const usual = world.group.script.handler(ListOffsets);
    world.group.script.on(ListOffsets, (_, call) => {
      for (const cluster of world.group.script.clusters) cluster.forget('orders');
      world.group.script.on(ListOffsets, usual);
      throw brokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, call.api.name);
    });
    await world.start();
    expect(values(await world.poll())).toEqual(['a']);
  });

  it('begins where the listener sought, and commits that', async () => {
    world.group.append('orders', 0, 'a', 'b', 'c');
    world.listener.assigning = () => world.consumer.seek('orders', 0, 2);
    await world.start();
    expect(world.group.committed.get('orders-0')!.offset).toBe(2);
    expect(values(await world.poll())).toEqual(['c']);
  });

  it('leaves a start to the listener that commits it, and commits the others', async () => {
    world.listener.assigning = () => world.consumer.commit([{ topic: 'orders', partition: 0, offset: 0 }]);
    await world.start();
    const named = world.group.script.callsOf(OffsetCommit).map(({ request }) => partitionsOf(request.topics));
    expect(named).toEqual([['orders-0'], ['orders-1']]);
  });

  it('is committed by a container in one request, before the first record', async () => {
    world.group.append('orders', 0, 'a');
    const taken: string[] = [];
    const container = new ListenerContainer({
      endpoint: endpointOf({
        handler: {
          kind: 'record',
          invoke: ({ value }) => {
            taken.push(`${value?.toString()} after ${world.group.committed.get('orders-0')?.offset}`);
            return DONE;
          },
        },
      }),
      createConsumer: () => world.make(),
      clock: world.clock,
      logger: { log: () => undefined, warn: () => undefined, error: () => undefined },
      settings: {},
    });
    await world.settled(container.start());
    while (taken.length === 0) await world.clock.advance(10);
    await world.settled(container.stop());
    const commits = world.group.script.callsOf(OffsetCommit).map(({ request }) => partitionsOf(request.topics));
    expect(commits).toEqual([['orders-0', 'orders-1'], ['orders-0']]); // where they begin, then the record
    expect(taken).toEqual(['a after 0']);
    expect(world.group.committed.get('orders-0')!.offset).toBe(1);
  });

  it('does not commit a start position over unfinished work after a rebalance', async () => {
    world.group.append('orders', 0, 'a', 'b', 'c');
    const usual = world.group.script.handler(OffsetCommit);
    let refusals = 1;
    world.group.script.on(OffsetCommit, async (request, call) => {
      world.group.commitCode = refusals-- > 0 ? ErrorCode.REBALANCE_IN_PROGRESS : 0;
      return usual(request, call);
    });
    await world.start();
    expect(values(await world.poll(2))).toEqual(['a', 'b']);
    expect(world.listener.kept).toHaveLength(2);
    expect(world.group.committed.get('orders-0')!.offset).toBe(0);
  });

  it('fails with KAFKA_NO_OFFSET under none', async () => {
    await expect(world.start({ autoOffsetReset: 'none' })).rejects.toMatchObject({ code: 'KAFKA_NO_OFFSET' });
  });

  it('resets a position that the log does not hold and says how many records are gone', async () => {
    world.group.committed.set('orders-0', { offset: 4, metadata: '' });
    const log = world.group.log('orders-0');
    log.start = 10;
    log.end = 10;
    world.group.append('orders', 0, 'k');
    await world.start();
    expect(values(await world.poll())).toEqual(['k']);
    expect(world.events).toContainEqual({
      type: 'offset-reset',
      topic: 'orders',
      partition: 0,
      from: 4,
      to: 10,
      skipped: 6,
    });
  });

  it('fails on such a position under none, after draining and leaving', async () => {
    world.group.committed.set('orders-0', { offset: 4, metadata: '' });
    world.group.committed.set('orders-1', { offset: 0, metadata: '' });
    await world.start({ autoOffsetReset: 'none' });
    await expect(world.poll()).rejects.toMatchObject({ code: 'KAFKA_OFFSET_OUT_OF_RANGE' });
    expect(world.listener.log).toContain('drained');
    expect(world.group.script.callsOf(LeaveGroup)).toHaveLength(1);
  });
});
