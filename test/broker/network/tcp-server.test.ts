import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, type Peer } from '../../../src/broker/network/request-router.js';
import { TcpServer, type TcpServerOptions } from '../../../src/broker/network/tcp-server.js';
import { systemClock } from '../../../src/common/clock.js';
import { type Deferred, deferred } from '../../../src/common/lifecycle.js';
import { silentLogger } from '../../../src/common/logger.js';
import { ManualClock } from '../../support/manual-clock.js';

// Frames here are plain text behind their size: what is in them does not matter to a connection.

const frame = (text: string): Buffer => {
  const body = Buffer.from(text);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};

class TextClient {
  received = '';
  readonly ended: Promise<unknown>;

  constructor(readonly socket: ReturnType<typeof connect>) {
    this.ended = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.received += chunk.toString();
    });
  }

  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) await once(this.socket, 'data');
  }
}

/** Enough turns for the sockets of this process to move what they can. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
}

/** How the connections of a test read their sockets. */
let readMemory: Buffer | undefined;

const servers: TcpServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop(0))));

async function serve(
  handle: (text: string, peer: Peer) => Answer | Promise<Answer>,
  change: { server?: Partial<TcpServerOptions>; connection?: Partial<TcpServerOptions['connection']> } = {},
): Promise<TcpServer> {
  const clock = systemClock;
  const server = new TcpServer({
    host: '127.0.0.1',
    ports: [0],
    backlog: 10,
    maxConnections: () => 100,
    maxConnectionsPerIp: () => 100,
    connection: {
      clock,
      logger: silentLogger,
      maxRequestBytes: 10_000,
      maxWaitingRequests: 4,
      maxWaitingBytes: 1_000,
      maxIdleMs: -1,
      handle: (bytes, peer) => handle(bytes.toString(), peer),
      ...(readMemory && { readMemory }),
      ...change.connection,
    },
    clock,
    logger: silentLogger,
    ...change.server,
  });
  await server.start();
  servers.push(server);
  return server;
}

async function client(server: TcpServer): Promise<TextClient> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return new TextClient(socket);
}

const echo = (text: string): Answer => [Buffer.from(`<${text}>`)];

describe.each([
  { reads: 'by events', memory: undefined },
  // So small that a text of some length needs several reads.
  { reads: 'into memory of its own', memory: Buffer.alloc(24) },
])('TcpServer' + ', which reads $reads', ({ memory }) => {
  beforeEach(() => {
    readMemory = memory;
  });

  it('answers pipelined requests in order, also when the first takes longest', async () => {
    const slow = deferred<Answer>();
    const server = await serve((text) => (text === 'a' ? slow.promise : echo(text)));
    const c = await client(server);
    c.socket.write(Buffer.concat([frame('a'), frame('b'), frame('c')]));
    await quiet();
    slow.resolve(echo('a'));
    await c.until('<c>');
    expect(c.received).toBe('<a><b><c>');
  });

  it('works on one request of a connection at a time', async () => {
    const running: Array<Deferred<Answer>> = [];
    const started = deferred();
    const server = await serve(() => {
      running.push(deferred<Answer>());
      started.resolve();
      return running.at(-1)!.promise;
    });
    const { socket } = await client(server);
    socket.write(Buffer.concat([frame('a'), frame('b')]));
    await started.promise;
    expect(running).toHaveLength(1);
    running[0]!.resolve(undefined);
    await new Promise(setImmediate);
    expect(running).toHaveLength(2);
    running[1]!.resolve(undefined);
  });

  it('stops reading a client that sends ahead, and loses nothing of it', async () => {
    const first = deferred<Answer>();
    let handled = 0;
    const server = await serve((text) => {
      handled++;
      return handled === 1 ? first.promise : echo(text.slice(0, 4));
    });
    const c = await client(server);
    const big = 'x'.repeat(9_000);
    for (let i = 1_000; i < 3_000; i++) c.socket.write(frame(`${i}${big}`));
    await quiet();
    // 18 MB are more than the sockets hold: the client must be left with a part of them.
    expect(c.socket.writableLength).toBeGreaterThan(0);
    expect(handled).toBe(1);
    first.resolve(undefined);
    await c.until('<2999>');
    expect(handled).toBe(2_000);
  });

  it('stops working for a client that does not read', async () => {
    let handled = 0;
    const server = await serve(() => {
      handled++;
      return [Buffer.alloc(500_000)];
    });
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.concat(Array.from({ length: 100 }, (_, i) => frame(String(i)))));
    await quiet();
    expect(handled).toBeLessThan(50);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    while (bytes < 50_000_000) await once(socket, 'data');
    expect(handled).toBe(100);
    socket.destroy();
  });

  it('sends nothing for a request without an answer and goes on', async () => {
    const server = await serve((text) => (text === 'silent' ? undefined : echo(text)));
    const c = await client(server);
    c.socket.write(Buffer.concat([frame('silent'), frame('b')]));
    await c.until('<b>');
    expect(c.received).toBe('<b>');
  });

  it('closes only the connection that sends nonsense', async () => {
    const server = await serve(echo);
    const [good, bad] = [await client(server), await client(server)];
    bad.socket.write('GET / HTTP/1.1\r\n\r\n');
    await bad.ended;
    good.socket.write(frame('still here'));
    await good.until('<still here>');
    expect(bad.received).toBe('');
  });

  it('ends the connection after the answers before a refused request', async () => {
    const server = await serve((text) => (text === 'bad' ? 'close' : echo(text)));
    const c = await client(server);
    c.socket.write(Buffer.concat([frame('a'), frame('bad'), frame('c')]));
    await c.ended;
    expect(c.received).toBe('<a>');
  });

  it('tells handlers when the client is gone', async () => {
    const gone = deferred();
    const server = await serve((_text, { closed }) => {
      closed.addEventListener('abort', () => gone.resolve());
      return new Promise(() => undefined);
    });
    const c = await client(server);
    c.socket.write(frame('wait'));
    await quiet();
    c.socket.destroy();
    await gone.promise;
    await quiet();
    expect(server.connections).toBe(0);
  });

  it('closes a connection after the idle time, counted from its last byte', async () => {
    const clock = new ManualClock();
    const server = await serve(echo, { connection: { clock, maxIdleMs: 1_000 } });
    const c = await client(server);
    await clock.advance(900);
    c.socket.write(frame('a'));
    await c.until('<a>');
    await clock.advance(900);
    expect(server.connections).toBe(1);
    await clock.advance(101);
    await c.ended;
  });

  it('refuses connections above the limit', async () => {
    const server = await serve(echo, { server: { maxConnections: () => 1 } });
    await client(server);
    const second = await client(server);
    await second.ended;
    expect(server.connections).toBe(1);
  });

  it('lets a request in work be answered when it stops, but takes no further one', async () => {
    const work = deferred<Answer>();
    const seen: string[] = [];
    const server = await serve((text) => {
      seen.push(text);
      return work.promise;
    });
    const c = await client(server);
    c.socket.write(Buffer.concat([frame('a'), frame('b')]));
    while (seen.length === 0) await new Promise(setImmediate);
    const stopped = server.stop(5_000);
    work.resolve(echo('a'));
    await stopped;
    await c.ended;
    expect(c.received).toBe('<a>');
    expect(seen).toEqual(['a']);
  });

  it('takes the next port when one is in use, and says so when none is left', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const server = await serve(echo, { server: { ports: [port, 0] } });
    expect(server.port).not.toBe(port);
    await expect(serve(echo, { server: { ports: [port] } })).rejects.toMatchObject({
      code: 'KAFKA_BROKER_START_FAILED',
      message: expect.stringMatching(/another process uses the port/),
    });
    other.close();
  });

  it('tells clients an address they can connect to', async () => {
    const seen: unknown[] = [];
    const handle = (_text: string, { advertised, clientHost }: Peer): Answer => {
      seen.push(advertised, clientHost);
      return [Buffer.from('!')];
    };
    const wildcard = await serve(handle, { server: { host: '0.0.0.0' } });
    const c = await client(wildcard);
    c.socket.write(frame('a'));
    await c.until('!');
    expect(seen).toEqual([{ host: '127.0.0.1', port: wildcard.port }, '/127.0.0.1']);
  });
});
