import { describe, expect, it } from '@jest/globals';
import {
  GROUP,
  GroupBench,
  INITIAL_DELAY_MS,
  REBALANCE_MS,
  SESSION_MS,
  subscription,
} from '../../../support/group-bench.js';
import { flush } from '../../../support/manual-clock.js';

const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: subscription('orders') }));

describe('a join', () => {
  it('is refused without a group id, with an odd session time-out, with an id nobody gave out', async () => {
    const bench = await GroupBench.open();
    const answers = await Promise.all([
      bench.join({}, '').promise,
      bench.join({ sessionTimeoutMs: 5_999 }).promise,
      bench.join({ sessionTimeoutMs: 1_800_001 }).promise,
      bench.join({ memberId: 'x' }).promise,
      bench.join({ protocols: [] }).promise,
      bench.join({ protocolType: '' }).promise,
    ]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([24, 26, 26, 25, 23, 23]);
    expect(answers[3]).toMatchObject({ memberId: 'x', leader: '', members: [], protocolName: null });
    expect(bench.coordinator.list().groups).toEqual([]);
  });

  it('gives a newcomer its id first, and waits for it no longer than its session', async () => {
    const bench = await GroupBench.open();
    const { errorCode, memberId } = await bench.join({ requireKnownMemberId: true }).promise;
    expect(errorCode).toBe(79);
    expect(memberId).toMatch(/^c-[0-9a-f-]{36}$/);
    expect(bench.state).toBe('Empty');
    const again = bench.join({ memberId, requireKnownMemberId: true });
    await bench.clock.advance(INITIAL_DELAY_MS);
    expect(again.answer).toMatchObject({ errorCode: 0, memberId, generationId: 1, leader: memberId });

    const other = await bench.join({ requireKnownMemberId: true }).promise;
    await bench.clock.advance(SESSION_MS);
    const late = await bench.join({ memberId: other.memberId, requireKnownMemberId: true }).promise;
    expect(late).toMatchObject({ errorCode: 25, memberId: other.memberId });
  });

  it('by a pending member holds the others up until it comes, leaves or is too late', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1);
    const pending = await bench.join({ requireKnownMemberId: true }).promise;
    const rejoin = bench.join({ memberId: leader!.memberId });
    await flush();
    expect(rejoin.answer).toBeUndefined();
    bench.leave(pending);
    await flush();
    expect(rejoin.answer).toMatchObject({ errorCode: 0, generationId: 2 });
  });

  it('needs a protocol that all members share', async () => {
    const bench = await GroupBench.open();
    const [a, b] = await bench.stable(2, () => ({ protocols: protocols('range', 'sticky') }));
    const codeOf = async (request: object) => (await bench.join(request).promise).errorCode;
    expect(await codeOf({ protocols: protocols('own') })).toBe(23);
    expect(await codeOf({ protocolType: 'connect', protocols: protocols('range') })).toBe(23);
    const rejoins = [a!, b!].map(({ memberId }) => bench.join({ memberId, protocols: protocols('sticky') }));
    await flush();
    expect(rejoins[0]!.answer).toMatchObject({ errorCode: 0, protocolName: 'sticky' });
    expect(rejoins[1]!.answer?.errorCode).toBe(0);
  });

  it('finds no place in a full group, while its members come back', async () => {
    const bench = await GroupBench.open({ maxSize: 2 });
    const [a, b] = await bench.stable(2);
    expect((await bench.join().promise).errorCode).toBe(81);
    const rejoins = [a!, b!].map(({ memberId }) => bench.join({ memberId }));
    await flush();
    expect(rejoins.map(({ answer }) => answer?.errorCode)).toEqual([0, 0]);
  });

  it('by a member whose place was taken is refused, and holds nobody up', async () => {
    const bench = await GroupBench.open({ maxSize: 2 });
    const [leader, slow] = await bench.stable(2);
    const rejoin = bench.join({ memberId: leader!.memberId });
    const newcomer = bench.join();
    expect((await bench.join({ memberId: slow!.memberId }).promise).errorCode).toBe(81);
    await flush();
    expect([rejoin.answer?.errorCode, newcomer.answer?.errorCode]).toEqual([0, 0]);
  });
});

describe('the first rebalance of a group', () => {
  it('waits once for others, again when somebody came, and tells the members to the leader alone', async () => {
    const bench = await GroupBench.open();
    const a = bench.join({ clientId: 'a' });
    await bench.clock.advance(INITIAL_DELAY_MS - 1);
    const b = bench.join({ clientId: 'b' });
    await bench.clock.advance(1);
    expect(a.answer).toBeUndefined();
    await bench.clock.advance(INITIAL_DELAY_MS - 1);
    expect(a.answer).toBeUndefined();
    await bench.clock.advance(1);
    const leader = a.answer!;
    const follower = b.answer!;
    expect(leader).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', protocolType: 'consumer' });
    expect(leader.leader).toBe(leader.memberId);
    expect(leader.members.map(({ memberId }) => memberId)).toEqual([leader.memberId, follower.memberId]);
    expect(leader.members[0]!.metadata).toEqual(subscription('orders'));
    expect(follower).toMatchObject({ generationId: 1, leader: leader.memberId, members: [] });
    expect(bench.state).toBe('CompletingRebalance');
  });

  it('waits no longer than the rebalance time-out in all', async () => {
    const bench = await GroupBench.open();
    const a = bench.join({ rebalanceTimeoutMs: 2 * INITIAL_DELAY_MS });
    for (let waited = 0; waited < 2 * INITIAL_DELAY_MS; waited += 1_000) {
      expect(a.answer).toBeUndefined();
      bench.join({ rebalanceTimeoutMs: 2 * INITIAL_DELAY_MS });
      await bench.clock.advance(1_000);
    }
    expect(a.answer?.members).toHaveLength(7);
  });

  it('does not wait when the delay is 0', async () => {
    const bench = await GroupBench.open({ initialRebalanceDelayMs: 0 });
    const a = bench.join();
    await bench.clock.advance(0);
    expect(a.answer?.generationId).toBe(1);
  });
});

describe('a later rebalance', () => {
  it('ends as soon as the last member is in', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    const newcomer = bench.join();
    expect(bench.state).toBe('PreparingRebalance');
    const first = bench.join({ memberId: follower!.memberId });
    await flush();
    expect([newcomer.answer, first.answer]).toEqual([undefined, undefined]);
    const second = bench.join({ memberId: leader!.memberId });
    await flush();
    expect([newcomer, first, second].map(({ answer }) => answer?.generationId)).toEqual([2, 2, 2]);
    expect(newcomer.answer?.leader).toBe(leader!.memberId);
    expect(second.answer?.members).toHaveLength(3);
  });

  it('goes on without those that did not come back in time', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2, () => ({ sessionTimeoutMs: REBALANCE_MS * 2 }));
    const rejoin = bench.join({
      memberId: follower!.memberId,
      sessionTimeoutMs: REBALANCE_MS * 2,
      protocols: protocols('range', 'x'),
    });
    await bench.clock.advance(REBALANCE_MS - 1);
    expect(rejoin.answer).toBeUndefined();
    await bench.clock.advance(1);
    expect(rejoin.answer).toMatchObject({ generationId: 2, leader: follower!.memberId });
    expect(rejoin.answer?.members).toHaveLength(1);
    expect(bench.heartbeat(leader!)).toBe(25);
  });

  it('is started by a leader that joins again and by a follower that changed, not by one that did not', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    const same = await bench.join({ memberId: follower!.memberId }).promise;
    expect(same).toMatchObject({ errorCode: 0, generationId: 1, leader: leader!.memberId, members: [] });
    expect(bench.state).toBe('Stable');
    bench.join({ memberId: follower!.memberId, protocols: [{ name: 'range', metadata: subscription('paid') }] });
    expect(bench.state).toBe('PreparingRebalance');
    const other = await GroupBench.open();
    const [alone] = await other.stable(2);
    other.join({ memberId: alone!.memberId });
    expect(other.state).toBe('PreparingRebalance');
  });

  it('repeats its answer when that got lost, and begins anew when the member changed', async () => {
    const bench = await GroupBench.open();
    const joins = [bench.join(), bench.join()];
    await bench.clock.advance(2 * INITIAL_DELAY_MS);
    const [leader, follower] = joins.map(({ answer }) => answer!);
    expect(await bench.join({ memberId: leader!.memberId }).promise).toEqual(leader);
    expect(await bench.join({ memberId: follower!.memberId }).promise).toEqual(follower);
    const waiting = bench.sync(follower!);
    bench.join({ memberId: leader!.memberId, protocols: protocols('range', 'more') });
    await flush();
    expect(waiting.answer?.errorCode).toBe(27);
    expect(bench.state).toBe('PreparingRebalance');
  });

  it('answers the older of two joins of one member', async () => {
    const bench = await GroupBench.open();
    const [leader, follower] = await bench.stable(2);
    const old = bench.join({ memberId: leader!.memberId });
    const fresh = bench.join({ memberId: leader!.memberId });
    await flush();
    expect(old.answer?.errorCode).toBe(27);
    bench.join({ memberId: follower!.memberId });
    await flush();
    expect(fresh.answer?.generationId).toBe(2);
  });

  it('gives a newcomer up after five minutes', async () => {
    const bench = await GroupBench.open();
    const long = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 900_000 };
    await bench.stable(1, () => long);
    const newcomer = bench.join(long);
    await bench.clock.advance(300_000 - 1);
    expect(newcomer.answer).toBeUndefined();
    await bench.clock.advance(1);
    expect(newcomer.answer?.errorCode).toBe(25);
  });
});

describe('a static member', () => {
  const named = (name: string) => ({ groupInstanceId: name });

  it('comes back without a rebalance: new id, same assignment, the old process fenced', async () => {
    const bench = await GroupBench.open();
    const members = await bench.stable(2, (i) => named(`i${i}`));
    const [leader, follower] = members;
    expect(follower!.memberId).toMatch(/^i1-/);
    const back = await bench.join(named('i1')).promise;
    expect(back).toMatchObject({
      errorCode: 0,
      generationId: 1,
      leader: leader!.memberId,
      members: [],
      skipAssignment: false,
    });
    expect(back.memberId).not.toBe(follower!.memberId);
    expect(bench.state).toBe('Stable');
    expect((await bench.sync(back, named('i1')).promise).assignment).toEqual(Buffer.from([1]));
    expect(bench.heartbeat(follower!, 'i1')).toBe(82);
    expect(bench.heartbeat(back, 'i1')).toBe(0);
    expect(bench.heartbeat(back, 'unknown')).toBe(25);
    expect((await bench.sync(follower!, named('i1')).promise).errorCode).toBe(82);
    expect((await bench.join({ ...named('i1'), memberId: follower!.memberId }).promise).errorCode).toBe(82);
    await bench.restart();
    expect(bench.heartbeat(back, 'i1')).toBe(0);
  });

  it('that leads is told to skip assigning from v9 on, and is not told that it leads before', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(2, (i) => named(`i${i}`));
    const old = await bench.join({ ...named('i0'), supportsSkippingAssignment: false }).promise;
    expect(old).toMatchObject({ errorCode: 0, leader: leader!.memberId, members: [], skipAssignment: false });
    expect(old.memberId).not.toBe(leader!.memberId);
    const modern = await bench.join(named('i0')).promise;
    expect(modern).toMatchObject({ leader: modern.memberId, skipAssignment: true });
    expect(modern.members).toHaveLength(2);
  });

  it('causes a rebalance when its topics or the strategy changed', async () => {
    const bench = await GroupBench.open();
    await bench.stable(1, () => named('i'));
    const changed = bench.join({ ...named('i'), protocols: [{ name: 'range', metadata: subscription('paid') }] });
    await flush();
    expect(changed.answer).toMatchObject({ errorCode: 0, generationId: 2, skipAssignment: false });
    await bench.assigned([changed]);
    const other = bench.join({ ...named('i'), protocols: protocols('sticky') });
    await flush();
    expect(other.answer).toMatchObject({ generationId: 3, protocolName: 'sticky' });
  });

  it('keeps its place while it is away: a rebalance waits for its session, not only for the time-out', async () => {
    const bench = await GroupBench.open();
    const session = { sessionTimeoutMs: 3 * REBALANCE_MS };
    const [leader, away] = await bench.stable(2, (i) => ({ ...named(`i${i}`), ...session }));
    const request = { ...named('i0'), ...session, memberId: leader!.memberId };
    const rejoin = bench.join(request);
    await bench.clock.advance(REBALANCE_MS);
    expect(rejoin.answer?.members.map(({ memberId }) => memberId)).toEqual([leader!.memberId, away!.memberId]);
    await bench.assigned([rejoin]);
    const again = bench.join(request);
    await bench.clock.advance(REBALANCE_MS);
    expect(again.answer?.members).toHaveLength(2);
    await bench.assigned([again]);
    for (let i = 0; i < 9; i++) {
      bench.heartbeat(again.answer!, 'i0');
      await bench.clock.advance(REBALANCE_MS / 9);
    }
    expect(bench.state).toBe('PreparingRebalance');
  });

  it('that was away does not get back the lead from the member that has it now', async () => {
    const bench = await GroupBench.open();
    const session = { sessionTimeoutMs: 3 * REBALANCE_MS };
    const [first, second] = await bench.stable(2, (i) => ({ ...named(`i${i}`), ...session }));
    const request = { ...session, memberId: second!.memberId, protocols: protocols('range', 'x') };
    const rejoin = bench.join({ ...request, ...named('i1') });
    await bench.clock.advance(REBALANCE_MS);
    expect(rejoin.answer?.leader).toBe(second!.memberId);
    await bench.assigned([rejoin]);
    const both = [
      bench.join({ ...request, ...named('i1') }),
      bench.join({ ...session, ...named('i0'), memberId: first!.memberId }),
    ];
    await flush();
    expect(both.map(({ answer }) => answer?.leader)).toEqual([second!.memberId, second!.memberId]);
  });

  it('brings all its protocols along, not only the chosen one', async () => {
    const bench = await GroupBench.open();
    const both = { protocols: protocols('range', 'sticky') };
    await bench.stable(1, () => ({ ...named('i'), ...both }));
    await bench.join({ ...named('i'), ...both }).promise;
    bench.join({ protocols: protocols('sticky') });
    expect(bench.state).toBe('PreparingRebalance');
  });

  it('that returns while a rebalance waits takes over, and its old join is told that it is fenced', async () => {
    const bench = await GroupBench.open();
    const first = bench.join(named('i'));
    const second = bench.join(named('i'));
    await bench.clock.advance(INITIAL_DELAY_MS);
    expect(first.answer?.errorCode).toBe(82);
    expect(second.answer).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(second.answer?.members).toHaveLength(1);
    const parked = bench.sync({ ...second.answer!, generationId: 1 }, named('i'));
    await parked.promise;
    expect(parked.answer?.errorCode).toBe(0);
  });

  it('is refused, and nothing changes, when its return cannot be stored', async () => {
    const bench = await GroupBench.open();
    const [leader] = await bench.stable(1, () => named('i'));
    bench.log.errorCode = 56;
    expect((await bench.join(named('i')).promise).errorCode).toBe(16);
    bench.log.errorCode = 0;
    expect(bench.heartbeat(leader!, 'i')).toBe(0);
  });

  it('is removed by its instance id', async () => {
    const bench = await GroupBench.open();
    await bench.stable(1, () => named('i'));
    const leaving = [
      { memberId: '', groupInstanceId: 'other' },
      { memberId: 'other', groupInstanceId: 'i' },
      { memberId: '', groupInstanceId: 'i' },
    ];
    expect(bench.coordinator.leave(GROUP, leaving).memberCodes).toEqual([25, 82, 0]);
    expect(bench.state).toBe('Empty');
  });
});
