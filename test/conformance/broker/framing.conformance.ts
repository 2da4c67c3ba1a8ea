import { describe, expect, it } from '@jest/globals';
import { ApiVersions, Fetch, ListOffsets, Metadata, Produce } from '../../../src/protocol/messages/index.js';
import { WireReader } from '../../../src/protocol/wire-reader.js';
import { type SocketClient } from '../../support/raw-client.js';
import { batch } from './harness/batches.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();

/** A frame with its size in front. */
function frame(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function header(apiKey: number, version: number, correlationId = 1, clientId: string | null = 'c'): Buffer {
  const id = clientId === null ? Buffer.alloc(0) : Buffer.from(clientId);
  const bytes = Buffer.alloc(10 + id.length);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(version, 2);
  bytes.writeInt32BE(correlationId, 4);
  bytes.writeInt16BE(clientId === null ? -1 : id.length, 8);
  id.copy(bytes, 10);
  return bytes;
}

/** The next `count` frames that come over a socket nobody else reads. */
function framesOf(client: SocketClient, count: number): Promise<Buffer[]> {
  const { socket } = client;
  socket.removeAllListeners('data');
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('closed')));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const frames: Buffer[] = [];
      for (let at = 0; at + 4 <= bytes.length; ) {
        const end = at + 4 + bytes.readInt32BE(at);
        if (end > bytes.length) break;
        frames.push(bytes.subarray(at + 4, end));
        at = end;
      }
      if (frames.length >= count) resolve(frames);
    });
  });
}

async function isAlive(client: SocketClient): Promise<boolean> {
  return (await client.send(ApiVersions, 0, {})).errorCode === 0;
}

describe('Framing: input that ends its connection', () => {
  const cases: [string, () => Buffer][] = [
    ['a negative size', () => Buffer.from('ffffffff', 'hex')],
    ['the smallest size there is', () => Buffer.from('80000000', 'hex')],
    ['a size above socket.request.max.bytes', () => Buffer.from('06400001', 'hex')],
    ['the largest size there is', () => Buffer.from('7fffffff', 'hex')],
    ['an HTTP request', () => Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n')],
    ['a TLS hello', () => Buffer.from('16030100f5010000f10303', 'hex')],
    ['an empty frame', () => frame()],
    ['a frame that ends within its header', () => frame(Buffer.from('0012', 'hex'))],
    ['a client id longer than the frame', () => frame(header(18, 0).subarray(0, 8), Buffer.from('7fff61', 'hex'))],
    ['an API key that nobody has', () => frame(header(999, 0), Buffer.alloc(8))],
    ['a negative API key', () => frame(header(-1, 0), Buffer.alloc(8))],
    ['an API that was for brokers only', () => frame(header(4, 0), Buffer.alloc(8))],
    ['an API of controllers', () => frame(header(52, 0), Buffer.alloc(8))],
    ['Metadata above its versions', () => frame(header(3, 99), Buffer.alloc(8))],
    ['Metadata v−1', () => frame(header(3, -1), Buffer.alloc(8))],
    ['Fetch v3, which is gone', () => frame(header(1, 3), Buffer.alloc(40))],
    ['ListOffsets v0, which is gone', () => frame(header(2, 0), Buffer.alloc(40))],
    ['CreateTopics v1, which is gone', () => frame(header(19, 1), Buffer.alloc(40))],
    ['a body that is missing', () => frame(header(3, 1))],
    ['an array of two billion elements', () => frame(header(3, 1), Buffer.from('7fffffff', 'hex'))],
    ['a string beyond the frame', () => frame(header(3, 1), Buffer.from('000000017fff61', 'hex'))],
    ['a null where none is allowed', () => frame(header(3, 1), Buffer.from('00000001ffff', 'hex'))],
    ['a varint without end', () => frame(header(3, 9), Buffer.from('00ffffffffffffff', 'hex'))],
    ['a tagged field beyond the frame', () => frame(header(3, 9), Buffer.from('01007f', 'hex'))],
    ['a compact array beyond the frame', () => frame(header(3, 9), Buffer.from('00ffffffff0f', 'hex'))],
  ];
  it.each(cases)('%s', async (_, bytes) => {
    const client = await world.connect();
    client.socket.write(bytes());
    await client.closed;
    // Nobody else notices.
    expect(await isAlive(world.client)).toBe(true);
  });

  it('answers what came before it', async () => {
    const client = await world.connect();
    const answer = client.send(ApiVersions, 0, {});
    client.socket.write(frame(header(999, 0), Buffer.alloc(8)));
    expect((await answer).errorCode).toBe(0);
    await client.closed;
  });

  it('answers nothing that comes after it', async () => {
    const client = await world.connect();
    client.socket.write(frame(header(999, 0), Buffer.alloc(8)));
    await expect(client.send(ApiVersions, 0, {})).rejects.toThrow('connection closed');
    await client.closed;
  });
});

describe('Framing', () => {
  it('takes a request byte by byte', async () => {
    const client = await world.connect();
    const frames = framesOf(client, 1);
    for (const byte of frame(header(18, 0, 77))) client.socket.write(Buffer.from([byte]));
    expect((await frames)[0]!.readInt32BE(0)).toBe(77);
  });

  it('takes many requests in one packet and answers in their order', async () => {
    const client = await world.connect();
    const frames = framesOf(client, 30);
    const requests = Array.from({ length: 30 }, (_, i) => frame(header(18, i % 3, 1000 - i)));
    client.socket.write(Buffer.concat(requests));
    expect((await frames).map((one) => one.readInt32BE(0))).toEqual(Array.from({ length: 30 }, (_, i) => 1000 - i));
  });

  it.each([0, -1, 0x7fffffff, -0x80000000])('echoes correlation id %i', async (id) => {
    const client = await world.connect();
    const frames = framesOf(client, 1);
    client.socket.write(frame(header(18, 0, id)));
    expect((await frames)[0]!.readInt32BE(0)).toBe(id);
  });

  it.each([
    ['null', null],
    ['empty', ''],
    ['long', 'x'.repeat(300)],
    ['in Czech', 'kavka žlutá'],
  ])('takes a client id that is %s', async (_, clientId) => {
    const client = await world.connect();
    const frames = framesOf(client, 1);
    client.socket.write(frame(header(18, 0, 5, clientId)));
    expect((await frames)[0]!.readInt16BE(4)).toBe(0);
  });

  it('takes bytes behind a body', async () => {
    const client = await world.connect();
    const frames = framesOf(client, 1);
    client.socket.write(frame(header(3, 1), Buffer.from('00000000', 'hex'), Buffer.from('trailing')));
    expect((await frames).length).toBe(1);
  });

  it('skips tagged fields that it does not know, in header and body', async () => {
    const client = await world.connect();
    const frames = framesOf(client, 1);
    const headerTags = Buffer.from('01630361626300', 'hex').subarray(0, 6); // one field, tag 99, 3 bytes
    const body = Buffer.from('01000001630161', 'hex'); // no topics, two flags, one field
    client.socket.write(frame(header(3, 12, 9), headerTags, Buffer.concat([body.subarray(0, 3), body.subarray(3)])));
    const reader = new WireReader((await frames)[0]!.subarray(4));
    reader.tags();
    expect(Metadata.response.decode(reader, 12).topics).toEqual([]);
  });

  it('holds answers behind a request that waits', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const order: string[] = [];
    const parked = client.send(Fetch, 12, topic.fetchRequest(0, { maxWaitMs: 20_000 })).then((answer) => {
      order.push('fetch');
      return answer;
    });
    const behind = client.send(Metadata, 9, { topics: [] }).then(() => order.push('metadata'));
    await topic.write(['wake']);
    await Promise.all([parked, behind]);
    expect(order).toEqual(['fetch', 'metadata']);
  });

  it('does not hold up other connections', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const parked = client.send(Fetch, 12, topic.fetchRequest(0, { maxWaitMs: 20_000 }));
    expect(await isAlive(world.client)).toBe(true);
    await topic.write(['wake']);
    expect((await parked).responses[0]!.partitions[0]!.errorCode).toBe(0);
  });

  it('works on what a connection sent before it ended', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const topicData = [{ name: topic.name, partitionData: [{ index: 0, records: batch(['last words']) }] }];
    const answer = client.send(Produce, 9, { acks: 1, timeoutMs: 1000, topicData });
    client.socket.end();
    await answer.catch(() => undefined);
    await eventually(async () => expect(await topic.values()).toEqual(['last words']));
  });

  it('forgets a parked fetch whose connection is gone', async () => {
    const topic = await world.topic();
    const client = await world.connect();
    const parked = client.send(Fetch, 12, topic.fetchRequest(0, { maxWaitMs: 300_000 })).catch((error) => error);
    client.close();
    expect(await parked).toBeInstanceOf(Error);
    await topic.write(['a']);
    expect(await topic.values()).toEqual(['a']);
  });

  it('keeps an answer of several hundred kilobytes whole', async () => {
    const topic = await world.topic({ partitions: 1 });
    for (let i = 0; i < 3; i++) await topic.write([String(i).repeat(300_000)]);
    const request = topic.fetchRequest(0, { partitionMaxBytes: 1 << 22 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.client.send(Fetch, 12, request)));
    for (const { responses } of answers) expect(responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(900_000);
  });

  it('reads negative and large 64-bit numbers as they are', async () => {
    const topic = await world.topic();
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: Number.MAX_SAFE_INTEGER }] }];
    const answer = await world.send(ListOffsets, 9, { replicaId: -1, isolationLevel: 0, topics });
    expect(answer.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });
});
