import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRequestFrame } from '../../src/protocol/frame.js';
import { ApiVersions, Metadata } from '../../src/protocol/messages/index.js';
import { BrokerProcess } from '../broker-process.js';
import { quantile } from './requests.js';

// Many connections that say nothing, and one that asks: the silent ones do not slow it down.

const REQUESTS = 2000;

export async function metadataBeside(idle: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  const broker = new BrokerProcess(directory);
  const sockets: Socket[] = [];
  try {
    const { port } = await broker.untilReady();
    const hello = frame(ApiVersions, 3, { clientSoftwareName: 'scale', clientSoftwareVersion: '1' });
    for (let i = 0; i < idle; i++) {
      const socket = await opened(port);
      sockets.push(socket);
      await asked(socket, hello);
    }
    const asking = await opened(port);
    sockets.push(asking);
    const request = frame(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
    for (let i = 0; i < 200; i++) await asked(asking, request);
    const latencies: number[] = [];
    for (let i = 0; i < REQUESTS; i++) {
      const started = performance.now();
      await asked(asking, request);
      latencies.push(performance.now() - started);
    }
    return quantile(latencies, 0.99);
  } finally {
    for (const socket of sockets) socket.destroy();
    await broker.kill('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  }
}

const frame = (...[api, version, request]: [Parameters<typeof encodeRequestFrame>[0], number, unknown]): Buffer =>
  Buffer.concat(encodeRequestFrame(api, version, 1, 'scale', request as never));

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

/** Sends one request and resolves when all of its answer is there. */
function asked(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const onClose = (): void => reject(new Error('the broker closed the connection'));
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve();
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.write(request);
  });
}
