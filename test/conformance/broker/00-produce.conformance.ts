import { describe, expect, it } from '@jest/globals';
import { Metadata, Produce } from '../../../src/protocol/messages/index.js';
import { baseOffset, leaderEpoch } from '../../../src/protocol/record-batch-header.js';
import { batch, batchesIn, damaged, recordsIn } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();

describe('Produce', () => {
  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('v%i stores a batch and answers its offset', async (version) => {
    const topic = await world.topic();
    const first = await topic.produce(batch(['a', 'b']), { version });
    const second = await topic.produce(batch(['c']), { version });
    expect([first.errorCode, first.baseOffset, first.logAppendTimeMs]).toEqual([0, 0, -1]);
    expect([second.errorCode, second.baseOffset]).toEqual([0, 2]);
    if (version >= 5) expect(second.logStartOffset).toBe(0);
    expect(await topic.values()).toEqual(['a', 'b', 'c']);
  });

  it.each([0, 1, 2])('v%i, which is advertised but not served, ends the connection', async (version) => {
    const topic = await world.topic();
    // The request has the layout of v3 without its transactional id.
    const client = await world.connect();
    const body = Buffer.alloc(14);
    client.socket.write(Buffer.concat([frameHeader(0, version, 14 + 10), body]));
    await client.closed;
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it.each([1, -1])('answers acks=%i alike', async (acks) => {
    const topic = await world.topic();
    expect((await topic.produce(batch(['a']), { acks })).errorCode).toBe(0);
    expect(await topic.values()).toEqual(['a']);
  });

  it.each([2, -2, 127])('refuses acks=%i for every partition and stores nothing', async (acks) => {
    const topic = await world.topic({ partitions: 2 });
    const partitionData = [0, 1].map((index) => ({ index, records: batch(['a']) }));
    const answer = await world.send(Produce, 9, {
      acks,
      timeoutMs: 1000,
      topicData: [{ name: topic.name, partitionData }],
    });
    expect(answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([21, 21]);
    expect(await topic.ends(0)).toEqual([0, 0]);
    expect(await topic.ends(1)).toEqual([0, 0]);
  });

  it('says nothing to acks=0 and answers the next request in its turn', async () => {
    const topic = await world.topic();
    const request = (acks: number, value: string) => ({
      acks,
      timeoutMs: 1000,
      topicData: [{ name: topic.name, partitionData: [{ index: 0, records: batch([value]) }] }],
    });
    world.client.post(Produce, 9, request(0, 'silent'));
    const answer = await world.send(Produce, 9, request(1, 'loud'));
    expect(answer.responses[0]!.partitionResponses[0]!.baseOffset).toBe(1);
    expect(await topic.values()).toEqual(['silent', 'loud']);
  });

  it('ends the connection of an acks=0 request that fails', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    client.post(Produce, 9, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: topic.name, partitionData: [{ index: 7, records: batch(['a']) }] }],
    });
    await client.closed;
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('stores what an acks=0 request has for good partitions although another one fails', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const partitionData = [7, 0].map((index) => ({ index, records: batch(['a']) }));
    client.post(Produce, 9, { acks: 0, timeoutMs: 1000, topicData: [{ name: topic.name, partitionData }] });
    await client.closed;
    expect(await topic.values()).toEqual(['a']);
  });

  it('answers an unknown topic with 3 and does not create it', async () => {
    const name = world.name('absent');
    const answer = await world.send(Produce, 12, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records: batch(['a']) }] }],
    });
    expect(answer.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 3, baseOffset: -1 });
    const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false });
    expect(topics[0]!.errorCode).toBe(3);
  });

  it.each([1, -1, 2_000_000_000])('answers partition %i of a topic with one as unknown', async (partition) => {
    const topic = await world.topic();
    const answer = await topic.produce(batch(['a']), { partition });
    expect(answer).toMatchObject({ index: partition, errorCode: 3, baseOffset: -1 });
    expect(await topic.ends()).toEqual([0, 0]);
  });

  it('v13 answers an unknown topic id with 100', async () => {
    const partitionData = [{ index: 0, records: batch(['a']) }];
    const answer = await world.send(Produce, 13, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId: UNKNOWN_ID, partitionData }],
    });
    expect(answer.responses[0]!.topicId).toBe(UNKNOWN_ID);
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(100);
  });

  it('v13 stores by id and echoes it', async () => {
    const topic = await world.topic();
    const partitionData = [{ index: 0, records: batch(['a']) }];
    const topicData = [{ topicId: topic.id, partitionData }];
    const answer = await world.send(Produce, 13, { acks: -1, timeoutMs: 1000, topicData });
    expect(answer.responses[0]).toMatchObject({ topicId: topic.id, partitionResponses: [{ errorCode: 0 }] });
    expect(await topic.values()).toEqual(['a']);
  });

  it('keeps a good partition apart from the failures beside it', async () => {
    const topic = await world.topic({ partitions: 3 });
    const bad = damaged(batch(['x']), (b) => b.writeInt32BE(5, 23));
    const answer = await world.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: world.name('absent'), partitionData: [{ index: 0, records: batch(['n']) }] },
        {
          name: topic.name,
          partitionData: [
            { index: 1, records: bad },
            { index: 0, records: batch(['good']) },
            { index: 9, records: batch(['n']) },
          ],
        },
      ],
    });
    const codes = answer.responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
    );
    expect(codes.sort(byText)).toEqual(
      [
        [0, 0],
        [0, 3],
        [1, 87],
        [9, 3],
      ].sort(byText),
    );
    expect(await topic.values(0)).toEqual(['good']);
    expect(await topic.ends(1)).toEqual([0, 0]);
  });

  it('writes to several partitions and topics of one request', async () => {
    const one = await world.topic({ partitions: 2 });
    const other = await world.topic();
    const answer = await world.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: one.name, partitionData: [0, 1].map((index) => ({ index, records: batch([`p${index}`]) })) },
        { name: other.name, partitionData: [{ index: 0, records: batch(['o1', 'o2']) }] },
      ],
    });
    const codes = answer.responses.flatMap(({ partitionResponses }) => partitionResponses.map((p) => p.errorCode));
    expect(codes).toEqual([0, 0, 0]);
    expect([await one.values(0), await one.values(1), await other.values()]).toEqual([['p0'], ['p1'], ['o1', 'o2']]);
  });

  it('answers a request without topics', async () => {
    const answer = await world.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData: [] });
    expect(answer.responses).toEqual([]);
  });

  it('refuses a write to an internal topic', async () => {
    await world.group(); // makes sure that it exists
    const answer = await world.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: '__consumer_offsets', partitionData: [{ index: 49, records: batch(['a']) }] }],
    });
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(17);
  });

  it('takes writes where min.insync.replicas is above the number of replicas', async () => {
    const topic = await world.topic({ configs: { 'min.insync.replicas': '2' } });
    expect((await topic.produce(batch(['a']))).errorCode).toBe(0);
    expect(await topic.values()).toEqual(['a']);
  });

  it('refuses transactional batches without a transactional id as a whole', async () => {
    const topic = await world.topic({ partitions: 2 });
    const records = batch(['t'], {
      transactional: true,
      producerId: 4_000_000_000n,
      producerEpoch: 0,
      baseSequence: 0,
    });
    const answer = await world.send(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: topic.name,
          partitionData: [
            { index: 0, records },
            { index: 1, records: batch(['plain']) },
          ],
        },
      ],
    });
    expect(answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([53, 53]);
    expect(await topic.ends(1)).toEqual([0, 0]);
  });

  it('keeps the order of pipelined requests of one connection', async () => {
    const topic = await world.topic();
    const values = Array.from({ length: 50 }, (_, i) => `v${i}`);
    const answers = await Promise.all(values.map((value) => topic.produce(batch([value]))));
    expect(answers.map(({ baseOffset: offset }) => offset)).toEqual(values.map((_, i) => i));
    expect(await topic.values()).toEqual(values);
  });

  it('loses nothing of many connections that write at once', async () => {
    const topic = await world.topic();
    const clients = await Promise.all([0, 1, 2, 3].map(() => world.connect()));
    const offsets = await Promise.all(
      clients.flatMap((client, c) =>
        Array.from({ length: 10 }, (_, i) => topic.produce(batch([`${c}-${i}`]), { client })),
      ),
    );
    expect(offsets.map(({ baseOffset: offset }) => offset).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
    const values = await topic.values();
    for (const c of [0, 1, 2, 3]) {
      expect(values.filter((value) => value!.startsWith(`${c}-`))).toEqual(
        Array.from({ length: 10 }, (_, i) => `${c}-${i}`),
      );
    }
  });

  it('keeps keys, null values and headers as they came', async () => {
    const topic = await world.topic();
    const headers = [
      { key: 'h', value: Buffer.from('1') },
      { key: 'h', value: null },
      { key: 'ž', value: Buffer.alloc(0) },
    ];
    await topic.produce(batch([{ key: Buffer.alloc(0), value: null, headers }, { value: Buffer.alloc(0) }]));
    const [first, second] = recordsIn(await topic.bytes());
    expect(first).toMatchObject({ key: Buffer.alloc(0), value: null, headers });
    expect(second).toMatchObject({ key: null, value: Buffer.alloc(0), headers: [] });
  });

  it('stores the bytes of a batch untouched but for offset and leader epoch', async () => {
    const topic = await world.topic();
    await topic.write(['before']);
    const sent = batch(['a', 'b'], { compression: 'gzip' });
    await topic.produce(Buffer.from(sent));
    const stored = batchesIn(await topic.bytes())[1]!;
    expect([baseOffset(stored), leaderEpoch(stored)]).toEqual([1, 0]);
    expect(stored.subarray(16)).toEqual(sent.subarray(16));
  });
});

function frameHeader(apiKey: number, version: number, size: number): Buffer {
  const header = Buffer.alloc(14);
  header.writeInt32BE(size, 0);
  header.writeInt16BE(apiKey, 4);
  header.writeInt16BE(version, 6);
  header.writeInt32BE(1, 8);
  header.writeInt16BE(-1, 12);
  return header;
}
