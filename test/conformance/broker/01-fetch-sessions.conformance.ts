import { describe, expect, it } from '@jest/globals';
import { type RequestInput } from '../../../src/protocol/api.js';
import { DeleteTopics, Fetch } from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { type SocketClient } from '../../support/raw-client.js';
import { recordsIn } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { type Topic } from './harness/topic.js';
import { conformance } from './harness/world.js';

const world = conformance();

/** A session of incremental fetches (KIP-227) over one topic. */
class Session {
  id = 0;
  epoch = 0;

  constructor(
    readonly topic: Topic,
    readonly client: SocketClient = world.client,
    readonly version = 12,
  ) {}

  /** Asks for these partitions from these offsets, and for all that were asked for before. */
  async fetch(offsets: Readonly<Record<number, number>> = {}, more: Partial<RequestInput<typeof Fetch>> = {}) {
    const { name, id } = this.topic;
    const partitions = Object.entries(offsets).map(([partition, fetchOffset]) => ({
      partition: Number(partition),
      fetchOffset,
      partitionMaxBytes: 10_000,
    }));
    const topics = partitions.length === 0 ? [] : [{ topic: name, topicId: id, partitions }];
    const answer = await this.client.send(Fetch, this.version, {
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: 0,
      sessionId: this.id,
      sessionEpoch: this.epoch,
      topics,
      forgottenTopicsData: [],
      ...more,
    });
    if (answer.errorCode === 0) {
      if (this.epoch === 0) this.id = answer.sessionId;
      this.epoch++;
    }
    return answer;
  }

  forget(...partitions: number[]) {
    const { name, id } = this.topic;
    return this.fetch({}, { forgottenTopicsData: [{ topic: name, topicId: id, partitions }] });
  }
}

/** Partitions that an answer tells of. */
const told = ({ responses }: Awaited<ReturnType<Session['fetch']>>) =>
  responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)).sort(byText);

describe('Fetch: sessions', () => {
  it.each([7, 10, 12, 13, 18])('v%i begins with everything and goes on with news', async (version) => {
    const topic = await world.topic({ partitions: 3 });
    const session = new Session(topic, world.client, version);
    const first = await session.fetch({ 0: 0, 1: 0, 2: 0 });
    expect([first.errorCode, first.sessionId > 0, told(first)]).toEqual([0, true, [0, 1, 2]]);
    expect(told(await session.fetch())).toEqual([]);
    await topic.write(['a'], { partition: 1 });
    const news = await session.fetch();
    expect([news.sessionId, told(news)]).toEqual([session.id, [1]]);
    expect(recordsIn(news.responses[0]!.partitions[0]!.records).length).toBe(1);
  });

  it('tells of records until the reader has gone on', async () => {
    const topic = await world.topic({ partitions: 2 });
    await topic.write(['a']);
    const session = new Session(topic);
    await session.fetch({ 0: 0, 1: 0 });
    expect(told(await session.fetch())).toEqual([0]);
    expect(told(await session.fetch({ 0: 1 }))).toEqual([]);
    await topic.write(['b']);
    expect(told(await session.fetch())).toEqual([0]);
  });

  it('takes partitions in and drops them', async () => {
    const topic = await world.topic({ partitions: 3 });
    for (const partition of [0, 1, 2]) await topic.write(['a'], { partition });
    const session = new Session(topic);
    expect(told(await session.fetch({ 0: 0 }))).toEqual([0]);
    expect(told(await session.fetch({ 2: 0 }))).toEqual([0, 2]);
    expect(told(await session.forget(0))).toEqual([2]);
    expect(told(await session.fetch({ 1: 0 }))).toEqual([1, 2]);
  });

  it.each([0, 2, 5])('refuses epoch %i where 1 must come, or begins anew', async (epoch) => {
    const topic = await world.topic();
    const session = new Session(topic);
    await session.fetch({ 0: 0 });
    const { id } = session;
    session.epoch = epoch;
    const answer = await session.fetch(epoch === 0 ? { 0: 0 } : {});
    if (epoch === 0) {
      expect([answer.errorCode, told(answer)]).toEqual([0, [0]]);
      expect(answer.sessionId).not.toBe(id);
    } else {
      expect(answer).toMatchObject({ errorCode: 71, responses: [] });
      session.epoch = 1;
      expect((await session.fetch()).errorCode).toBe(0);
    }
  });

  it('refuses an epoch a second time', async () => {
    const topic = await world.topic();
    const session = new Session(topic);
    await session.fetch({ 0: 0 });
    expect((await session.fetch()).errorCode).toBe(0);
    session.epoch = 1;
    expect(await session.fetch()).toMatchObject({ errorCode: 71, responses: [] });
  });

  it('with epoch −1 ends the session', async () => {
    const topic = await world.topic();
    const session = new Session(topic);
    await session.fetch({ 0: 0 });
    const full = await session.fetch({ 0: 0 }, { sessionEpoch: -1 });
    expect([full.errorCode, full.sessionId, told(full)]).toEqual([0, 0, [0]]);
    session.epoch = 1;
    expect(await session.fetch()).toMatchObject({ errorCode: 70, responses: [] });
  });

  it('belongs to the broker, not to the connection', async () => {
    const topic = await world.topic();
    const session = new Session(topic, await world.connect());
    await session.fetch({ 0: 0 });
    session.client.close();
    const other = new Session(topic);
    [other.id, other.epoch] = [session.id, session.epoch];
    await topic.write(['a']);
    expect(told(await other.fetch())).toEqual([0]);
  });

  it('keeps two sessions apart', async () => {
    const topic = await world.topic({ partitions: 2 });
    const [one, other] = [new Session(topic), new Session(topic)];
    await one.fetch({ 0: 0 });
    await other.fetch({ 1: 0 });
    expect(one.id).not.toBe(other.id);
    for (const partition of [0, 1]) await topic.write(['a'], { partition });
    expect([told(await one.fetch()), told(await other.fetch())]).toEqual([[0], [1]]);
  });

  it('repeats errors until they are gone', async () => {
    const topic = await world.topic();
    const session = new Session(topic);
    const first = await session.fetch({ 0: 7 });
    expect(first.responses[0]!.partitions[0]!.errorCode).toBe(1);
    const again = await session.fetch();
    expect(again.responses[0]!.partitions[0]!.errorCode).toBe(1);
    expect(told(await session.fetch({ 0: 0 }))).toEqual([0]);
    expect(told(await session.fetch())).toEqual([]);
  });

  it('tells when a topic is deleted', async () => {
    const topic = await world.topic();
    const session = new Session(topic);
    await session.fetch({ 0: 0 });
    await world.send(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 5000 });
    await eventually(async () => {
      const answer = await session.fetch();
      expect(answer.responses.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([3]);
    });
  });

  it('waits with an empty request, and wakes', async () => {
    const topic = await world.topic({ partitions: 2 });
    const session = new Session(topic, await world.connect());
    await session.fetch({ 0: 0, 1: 0 });
    const parked = session.fetch({}, { maxWaitMs: 300_000 });
    await topic.write(['wake'], { partition: 1 });
    expect(told(await parked)).toEqual([1]);
  });

  it('refuses to mix names and ids', async () => {
    const topic = await world.topic();
    const session = new Session(topic);
    await session.fetch({ 0: 0 });
    const byId = new Session(topic, world.client, 13);
    [byId.id, byId.epoch] = [session.id, session.epoch];
    expect(await byId.fetch({ 0: 0 })).toMatchObject({ errorCode: 106, responses: [] });
  });
});
