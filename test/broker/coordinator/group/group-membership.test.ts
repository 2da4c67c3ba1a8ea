import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../../src/common/lifecycle.js';
import { GROUP, GroupBench, INITIAL_DELAY_MS, REBALANCE_MS, SESSION_MS } from '../../../support/group-bench.js';
import { flush } from '../../../support/manual-clock.js';

const bytes = (...values: number[]) => Buffer.from(values);

describe('a sync', () => {
  async function joined(count: number) {
    const bench = await GroupBench.open();
    const joins = Array.from({ length: count }, () => bench.join());
    await bench.clock.advance(2 * INITIAL_DELAY_MS);
    return { bench, members: joins.map(({ answer }) => answer!) };
  }

  it('waits for the leader; who is missing in its assignment gets an empty one', async () => {
    const { bench, members } = await joined(3);
    const [leader, follower, missing] = members;
    const early = [bench.sync(follower!), bench.sync(missing!)];
    await flush();
    expect(early.map(({ answer }) => answer)).toEqual([undefined, undefined]);
    const assignments = [
      { memberId: leader!.memberId, assignment: bytes(1) },
      { memberId: follower!.memberId, assignment: bytes(2) },
    ];
    const last = bench.sync(leader!, { assignments });
    await flush();
    expect([...early, last].map(({ answer }) => answer?.assignment)).toEqual([bytes(2), bytes(), bytes(1)]);
    expect(last.answer).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' });
    expect(bench.state).toBe('Stable');
    expect((await bench.sync(follower!).promise).assignment).toEqual(bytes(2));
  });

  it('is checked: group, member, generation, protocol, state', async () => {
    const { bench, members } = await joined(1);
    const [leader] = members;
    const codeOf = async (request: object) => (await bench.sync(leader!, request).promise).errorCode;
    const none = {
      memberId: '',
      generationId: 0,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    };
    expect((await bench.coordinator.sync('', none)).errorCode).toBe(24);
    expect((await bench.coordinator.sync('unknown', none)).errorCode).toBe(25);
    expect(await codeOf({ memberId: 'x' })).toBe(25);
    expect(await codeOf({ groupInstanceId: 'x' })).toBe(25);
    expect(await codeOf({ generationId: 2 })).toBe(22);
    expect(await codeOf({ protocolType: 'connect' })).toBe(23);
    expect(await codeOf({ protocolName: 'sticky' })).toBe(23);
    expect(await codeOf({ protocolType: 'consumer', protocolName: 'range' })).toBe(0);
    bench.join();
    expect(await codeOf({})).toBe(27);
  });

  it('leaves after the assignment is durable', async () => {
    const { bench, members } = await joined(1);
    const gate = deferred();
    bench.log.durability = gate.promise;
    const sync = bench.sync(members[0]!);
    await flush();
    expect(sync.answer).toBeUndefined();
    gate.resolve();
    await flush();
    expect(sync.answer?.errorCode).toBe(0);
  });

  it('fails for all when the assignment cannot be stored, and the group begins anew', async () => {
    const { bench, members } = await joined(2);
    const [leader, follower] = members;
    const waiting = bench.sync(follower!);
    bench.log.errorCode = 3;
    const sync = bench.sync(leader!);
    await flush();
    expect([waiting.answer?.errorCode, sync.answer?.errorCode]).toEqual([15, 15]);
    expect(bench.state).toBe('PreparingRebalance');
    bench.log.errorCode = 0;
    const joins = members.map(({ memberId }) => bench.join({ memberId }));
    await bench.assigned(joins);
    expect(bench.state).toBe('Stable');
    expect(joins[0]!.answer?.generationId).toBe(2);
  });

  it('that never comes costs the membership', async () => {
    const { bench, members } = await joined(2);
    const [leader, silent] = members;
    const synced = bench.sync(leader!);
    await flush();
    expect(synced.answer?.errorCode).toBe(0);
    for (let waited = 0; waited < REBALANCE_MS; waited += 5_000) {
      expect([bench.heartbeat(leader!), bench.heartbeat(silent!)]).toEqual([0, 0]);
      await bench.clock.advance(5_000);
    }
    expect(bench.heartbeat(silent!)).toBe(25);
    expect(bench.heartbeat(leader!)).toBe(27);
  });

  it('of the leader that never comes frees the others', async () => {
    const { bench, members } = await joined(2);
    const [leader, follower] = members;
    const waiting = bench.sync(follower!);
    for (let waited = 0; waited < REBALANCE_MS; waited += 5_000) {
      expect(waiting.answer).toBeUndefined();
      bench.heartbeat(leader!);
      await bench.clock.advance(5_000);
    }
    expect(waiting.answer?.errorCode).toBe(27);
    const rejoin = await bench.join({ memberId: follower!.memberId }).promise;
    expect(rejoin).toMatchObject({ generationId: 2, leader: follower!.memberId });
  });
});

describe('a session', () => {
  it('lives by heartbeats and by commits, and ends without', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    for (let i = 0; i < 4; i++) {
      await bench.clock.advance(SESSION_MS - 1);
      expect(bench.heartbeat(leader!)).toBe(0);
      const { memberId, generationId } = follower!;
      expect(await bench.commit({ memberId, generationId })).toBe(0);
    }
    await bench.clock.advance(SESSION_MS - 1);
    bench.heartbeat(leader!);
    await bench.clock.advance(1);
    expect(bench.heartbeat(follower!)).toBe(25);
    expect(bench.heartbeat(leader!)).toBe(27);
  });

  it('stands still while a join is parked, and a heartbeat of 27 keeps it', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    const parked = bench.join({ memberId: leader!.memberId });
    for (let waited = 0; waited < REBALANCE_MS - 5_000; waited += 5_000) {
      expect(bench.heartbeat(follower!)).toBe(27);
      await bench.clock.advance(5_000);
    }
    expect(parked.answer).toBeUndefined();
    bench.join({ memberId: follower!.memberId });
    await flush();
    expect(parked.answer?.members).toHaveLength(2);
    await bench.clock.advance(SESSION_MS);
    expect(bench.heartbeat(parked.answer!)).toBe(25);
  });

  it('is not started by a heartbeat beside a parked request', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    const parked = bench.join({ memberId: leader!.memberId });
    expect(bench.heartbeat(leader!)).toBe(27);
    for (const _ of [1, 2, 3]) {
      bench.heartbeat(follower!);
      await bench.clock.advance(SESSION_MS - 1);
    }
    expect(parked.answer).toBeUndefined();
  });

  it('that ends takes the last member out and empties the group', async () => {
    const bench = await GroupBench.open();
    const [alone] = await bench.stable(1);
    await bench.clock.advance(SESSION_MS);
    expect(bench.state).toBe('Empty');
    expect(bench.heartbeat(alone!)).toBe(25);
    const next = await bench.stable(1);
    expect(next[0]!.generationId).toBe(3);
  });
});

describe('a heartbeat', () => {
  it('is refused: group id, unknown group, generation', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const member = { memberId: leader!.memberId, generationId: 1, groupInstanceId: null };
    expect(bench.coordinator.heartbeat('', member)).toBe(24);
    expect(bench.coordinator.heartbeat('unknown', member)).toBe(25);
    expect(bench.heartbeat({ ...leader!, generationId: 0 })).toBe(22);
  });

  it('is answered 15 after the stop, and whoever waits is answered too', async () => {
    const bench = await GroupBench.open();
    const waiting = bench.join();
    await bench.coordinator.stop();
    await flush();
    expect(waiting.answer?.errorCode).toBe(15);
    expect(bench.heartbeat(waiting.answer!)).toBe(15);
    expect(bench.clock.pending).toBe(0);
  });
});

describe('leaving', () => {
  it('rebalances, and empties the group with the last member', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    expect(bench.coordinator.leave('', []).errorCode).toBe(24);
    expect(bench.coordinator.leave('unknown', [{ memberId: 'x', groupInstanceId: null }]).memberCodes).toEqual([25]);
    expect(bench.leave({ memberId: 'x' }, leader!, leader!)).toEqual([25, 0, 25]);
    expect(bench.heartbeat(follower!)).toBe(27);
    expect(bench.leave(follower!)).toEqual([0]);
    expect(bench.state).toBe('Empty');
  });

  it('answers what the member has parked', async () => {
    const bench = await GroupBench.open();
    await bench.stable(1);
    const parked = bench.join();
    const id = bench.coordinator.describe(GROUP);
    const newcomer = typeof id === 'object' ? id.members[1]!.memberId : '';
    bench.leave({ memberId: newcomer });
    await flush();
    expect(parked.answer?.errorCode).toBe(25);
  });
});

describe('after a restart', () => {
  it('members go on heartbeating without a rebalance, with fresh sessions', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    await bench.clock.advance(SESSION_MS - 1);
    await bench.restart();
    await bench.clock.advance(SESSION_MS - 1);
    expect([bench.heartbeat(leader!), bench.heartbeat(follower!)]).toEqual([0, 0]);
    expect(bench.state).toBe('Stable');
    expect((await bench.sync(follower!).promise).assignment).toEqual(bytes(1));
    await bench.clock.advance(SESSION_MS);
    expect(bench.state).toBe('Empty');
  });

  it('the leader still leads: its join rebalances, a follower is told of it', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    await bench.restart();
    const same = await bench.join({ memberId: follower!.memberId }).promise;
    expect(same).toMatchObject({ errorCode: 0, generationId: 1, leader: leader!.memberId });
    bench.join({ memberId: leader!.memberId });
    expect(bench.state).toBe('PreparingRebalance');
  });

  it('a generation that was not assigned yet is forgotten: its members join again', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const newcomer = bench.join();
    const rejoin = bench.join({ memberId: leader!.memberId });
    await flush();
    expect(rejoin.answer?.generationId).toBe(2);
    await bench.restart();
    expect(bench.heartbeat(rejoin.answer!)).toBe(22);
    expect(bench.heartbeat(newcomer.answer!)).toBe(25);
  });

  it('is gentle while it loads: a heartbeat is well, a sync joins again, others wait', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const { memberId, generationId } = leader!;
    const gate = deferred();
    const readAll = bench.log.readAll.bind(bench.log);
    bench.log.readAll = (async (partition: number, visit: (batches: Buffer) => void) => {
      await gate.promise;
      readAll(partition, visit);
    }) as never;
    bench.coordinator = bench.another();
    expect((await bench.join({ memberId }).promise).errorCode).toBe(15);
    const started = bench.coordinator.start();
    expect((await bench.join({ memberId }).promise).errorCode).toBe(14);
    expect((await bench.sync(leader!).promise).errorCode).toBe(27);
    expect(bench.heartbeat(leader!)).toBe(0);
    expect(await bench.commit({ memberId, generationId })).toBe(14);
    expect(bench.coordinator.offsets.fetch(GROUP, null).errorCode).toBe(14);
    expect(bench.coordinator.list().errorCode).toBe(14);
    gate.resolve();
    await started;
    expect(bench.heartbeat(leader!)).toBe(0);
    expect(bench.coordinator.list()).toMatchObject({ errorCode: 0, groups: [{ groupId: GROUP }] });
  });
});

describe('deleting groups', () => {
  it('takes only groups without members, with their offsets, for good', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    expect(await bench.coordinator.delete([GROUP, 'unknown'])).toEqual([68, 69]);
    bench.leave(leader!);
    await bench.commit();
    expect(await bench.coordinator.delete([GROUP, GROUP])).toEqual([0, 69]);
    expect(bench.state).toBeUndefined();
    expect(bench.committed()).toEqual({});
    await bench.restart();
    expect(bench.coordinator.list().groups).toEqual([]);
    expect(bench.committed()).toEqual({});
  });
});
