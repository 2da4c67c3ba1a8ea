import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BrokerConfig } from '../../../src/broker/broker-config.js';
import { FetchSessions } from '../../../src/broker/fetch/fetch-sessions.js';
import { fetchHandler } from '../../../src/broker/handlers/01-fetch.js';
import { type BrokerParts } from '../../../src/broker/handlers/broker-parts.js';
import { seededRandom } from '../../../src/common/random.js';
import { type RequestInput } from '../../../src/protocol/api.js';
import { DeleteTopics, Fetch } from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { BrokerFixture } from '../../support/broker-fixture.js';
import { exchange } from '../../support/handler-exchange.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

const MINUTE = 60_000;

describe('Fetch sessions', () => {
  let fixture: BrokerFixture;
  let clock: ManualClock;
  let topicId: string;
  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    fixture = await BrokerFixture.start({ clock });
    topicId = await fixture.createTopic('orders', 4);
  });
  afterEach(async () => {
    const stopped = fixture.stop();
    await clock.advance(2_000);
    await stopped;
  });

  const at = (partition: number, fetchOffset = 0, more = {}) => ({
    partition,
    fetchOffset,
    partitionMaxBytes: 10_000,
    ...more,
  });
  const orders = (...partitions: ReturnType<typeof at>[]) => [{ topic: 'orders', topicId, partitions }];
  const fetch = (more: Partial<RequestInput<typeof Fetch>>, version = 13) =>
    fixture.client.send(Fetch, version, { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics: [], ...more });
  const toldOf = ({ responses }: Awaited<ReturnType<typeof fetch>>) =>
    responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex));

  it('keeps none for epoch -1', async () => {
    const answer = await fetch({ sessionEpoch: -1, topics: orders(at(0), at(1)) });
    expect(answer).toMatchObject({ errorCode: 0, sessionId: 0 });
    expect(toldOf(answer)).toEqual([0, 1]);
  });

  it('begins with everything, and goes on with news only', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0), at(1), at(2)) });
    expect(sessionId).toBeGreaterThan(0);
    const quiet = await fetch({ sessionId, sessionEpoch: 1 });
    expect(quiet).toMatchObject({ errorCode: 0, sessionId, responses: [] });
    await fixture.appendValues('orders', ['a'], { partition: 1 });
    const news = await fetch({ sessionId, sessionEpoch: 2 });
    expect(toldOf(news)).toEqual([1]);
    expect(news.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 });
    const moved = await fetch({ sessionId, sessionEpoch: 3, topics: orders(at(1, 1)) });
    expect(toldOf(moved)).toEqual([]);
  });

  it('adds and forgets partitions', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0)) });
    expect(toldOf(await fetch({ sessionId, sessionEpoch: 1, topics: orders(at(3)) }))).toEqual([3]);
    for (const partition of [0, 3]) await fixture.appendValues('orders', ['x'], { partition });
    const forgottenTopicsData = [{ topic: 'orders', topicId, partitions: [0, 9] }];
    expect(toldOf(await fetch({ sessionId, sessionEpoch: 2, forgottenTopicsData }))).toEqual([3]);
  });

  it('tells an error every time, and again what follows it', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0), at(7)) });
    for (const sessionEpoch of [1, 2]) {
      const answer = await fetch({ sessionId, sessionEpoch });
      expect(answer.responses[0]!.partitions).toMatchObject([{ partitionIndex: 7, errorCode: 3 }]);
    }
    const stale = await fetch({ sessionId, sessionEpoch: 3, topics: orders(at(0, 0, { currentLeaderEpoch: 9 })) });
    expect(stale.responses[0]!.partitions[0]).toMatchObject({ partitionIndex: 0, errorCode: 75 });
    expect(toldOf(await fetch({ sessionId, sessionEpoch: 4, topics: orders(at(0)) }))).toEqual([0, 7]);
  });

  it('serves a partition that had data last, so that a busy one starves nobody', async () => {
    for (const partition of [0, 1]) await fixture.appendValues('orders', ['x'.repeat(400)], { partition });
    const limited = { maxBytes: 450 };
    const { sessionId, responses } = await fetch({ sessionEpoch: 0, topics: orders(at(0), at(1)), ...limited });
    expect(responses[0]!.partitions.map(({ records }) => records!.length > 0)).toEqual([true, false]);
    const filled = async (sessionEpoch: number) =>
      (await fetch({ sessionId, sessionEpoch, ...limited })).responses
        .flatMap(({ partitions }) => partitions)
        .filter(({ records }) => records!.length > 0)
        .map(({ partitionIndex }) => partitionIndex);
    expect([await filled(1), await filled(2), await filled(3)]).toEqual([[0], [1], [0]]);
  });

  it('refuses an unknown id with 70, a wrong epoch with 71, and names mixed with ids with 106', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0)) });
    const nothing = { sessionId: 0, responses: [] };
    expect(await fetch({ sessionId: 12_345, sessionEpoch: 1 })).toMatchObject({ errorCode: 70, ...nothing });
    expect(await fetch({ sessionId, sessionEpoch: 2 })).toMatchObject({ errorCode: 71, ...nothing });
    expect(await fetch({ sessionId, sessionEpoch: 1 }, 12)).toMatchObject({ errorCode: 106, ...nothing });
    expect(await fetch({ sessionId: 0, sessionEpoch: -5 })).toMatchObject({ errorCode: 70 });
    // None of them moved the session on.
    expect(await fetch({ sessionId, sessionEpoch: 1 })).toMatchObject({ errorCode: 0, sessionId });
  });

  it('ends with epoch -1, with another full fetch, and when its last partition is forgotten', async () => {
    const begin = async () => (await fetch({ sessionEpoch: 0, topics: orders(at(0)) })).sessionId;
    const closed = await begin();
    expect(await fetch({ sessionId: closed, sessionEpoch: -1 })).toMatchObject({ errorCode: 0, sessionId: 0 });
    const replaced = await begin();
    await fetch({ sessionId: replaced, sessionEpoch: 0, topics: orders(at(0)) });
    const emptied = await begin();
    const forgottenTopicsData = [{ topic: '', topicId, partitions: [0] }];
    const last = await fetch({ sessionId: emptied, sessionEpoch: 1, forgottenTopicsData });
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0, responses: [] });
    for (const sessionId of [closed, replaced, emptied]) {
      expect(await fetch({ sessionId, sessionEpoch: 1 })).toMatchObject({ errorCode: 70 });
    }
  });

  it('goes on asking for a topic that is deleted (3), and not for its namesake (103)', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0)) });
    await fixture.client.send(DeleteTopics, 4, { topicNames: ['orders'], timeoutMs: 1 });
    const gone = await fetch({ sessionId, sessionEpoch: 1 });
    expect(gone.responses[0]!.partitions[0]).toMatchObject({ errorCode: 3 });
    await fixture.createTopic('orders');
    const another = await fetch({ sessionId, sessionEpoch: 2 });
    expect(another.responses[0]!.partitions[0]).toMatchObject({ errorCode: 103 });
  });

  it('finds a topic that is created after the session began to ask for its name', async () => {
    const topics = [{ topic: 'later', partitions: [at(0)] }];
    const { sessionId, responses } = await fetch({ sessionEpoch: 0, topics }, 12);
    expect(responses[0]!.partitions[0]!.errorCode).toBe(3);
    await fixture.createTopic('later');
    const found = await fetch({ sessionId, sessionEpoch: 1 }, 12);
    expect(found.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  it('wakes a waiting fetch by data of a partition that only the session knows', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0), at(2)) });
    const parked = fetch({ sessionId, sessionEpoch: 1, maxWaitMs: MINUTE });
    await flush();
    await fixture.appendValues('orders', ['a'], { partition: 2 });
    expect(toldOf(await parked)).toEqual([2]);
  });

  it('gives 71 to a waiting fetch that another of the session overtook', async () => {
    const { sessionId } = await fetch({ sessionEpoch: 0, topics: orders(at(0)) });
    const parked = fetch({ sessionId, sessionEpoch: 1, maxWaitMs: MINUTE });
    await flush();
    expect(await fetch({ sessionId, sessionEpoch: 2 })).toMatchObject({ errorCode: 0 });
    await fixture.appendValues('orders', ['a']);
    expect(await parked).toMatchObject({ errorCode: 71, responses: [] });
  });
});

it('names the leader to a client of version 16 that believes in an older one', async () => {
  const clock = new ManualClock();
  const orders = { name: 'orders', topicId: ZERO_UUID, partitions: [{}], state: { partitions: [{ leaderEpoch: 3 }] } };
  const handler = fetchHandler({
    config: new BrokerConfig(),
    sessions: new FetchSessions({ clock, random: seededRandom(1), slots: 1 }),
    metadata: { topics: { get: () => orders, byId: () => orders } },
  } as unknown as BrokerParts);
  const partitions = [{ partition: 0, currentLeaderEpoch: 2, fetchOffset: 0, partitionMaxBytes: 100 }];
  const ask = (version: number, topics: RequestInput<typeof Fetch>['topics']) =>
    exchange(handler, version, { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics });
  const older = await ask(12, [{ topic: 'orders', partitions }]);
  expect(older.responses[0]!.partitions[0]).toMatchObject({ errorCode: 74, currentLeader: { leaderId: -1 } });
  const answer = await ask(16, [{ topicId: ZERO_UUID, partitions }]);
  expect(answer.responses[0]!.partitions[0]).toMatchObject({
    errorCode: 74,
    currentLeader: { leaderId: 1, leaderEpoch: 3 },
  });
  expect(answer.nodeEndpoints).toMatchObject([{ nodeId: 1, host: 'here', port: 9092 }]);
});

describe('the slots of fetch sessions', () => {
  const clock = () => new ManualClock(1_000_000);
  const sessions = (slots: number, manual = clock()) =>
    new FetchSessions({ clock: manual, random: seededRandom(7), slots });
  const request = (partitions: number, more = {}) => ({
    sessionId: 0,
    sessionEpoch: 0,
    forgottenTopicsData: [],
    topics: [
      {
        topic: 't',
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        partitions: Array.from({ length: partitions }, (_, partition) => ({ partition, fetchOffset: 0 })),
      },
    ],
    ...more,
  });
  const answer = { partitionIndex: 0, errorCode: 0, highWatermark: 0, logStartOffset: 0, records: null };
  const begin = (all: FetchSessions, partitions: number): number => {
    const context = all.open(request(partitions) as never, 12);
    return context.respond(context.items.map(() => answer) as never).sessionId!;
  };
  const use = (all: FetchSessions, sessionId: number, sessionEpoch: number): number =>
    all.open(request(0, { sessionId, sessionEpoch }) as never, 12).errorCode;

  it('gives out no session when all slots are taken by young ones', () => {
    const all = sessions(2);
    expect([begin(all, 1) > 0, begin(all, 1) > 0, begin(all, 100)]).toEqual([true, true, 0]);
    expect(all.size).toBe(2);
  });

  it('keeps none at all without slots', () => {
    expect(begin(sessions(0), 3)).toBe(0);
  });

  it('gives the slot of the one unused for two minutes to a newcomer', async () => {
    const manual = clock();
    const all = sessions(2, manual);
    const [first, second] = [begin(all, 9), begin(all, 9)];
    await manual.advance(2 * MINUTE);
    expect(use(all, first, 1)).toBe(0);
    await manual.advance(1);
    expect(begin(all, 1)).toBeGreaterThan(0);
    expect([use(all, second, 1), use(all, first, 2)]).toEqual([70, 0]);
  });

  it('gives the slot of an old one to a larger one, never to one as small', async () => {
    const manual = clock();
    const all = sessions(2, manual);
    const [large, small] = [begin(all, 9), begin(all, 3)];
    await manual.advance(MINUTE);
    for (const id of [large, small]) expect(use(all, id, 1)).toBe(0);
    await manual.advance(MINUTE + 1);
    expect(begin(all, 3)).toBe(0);
    expect(begin(all, 4)).toBeGreaterThan(0);
    expect([use(all, small, 2), use(all, large, 2)]).toEqual([70, 0]);
  });
});
