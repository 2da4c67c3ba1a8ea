import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { frameSocket, releaseFrame } from '../../../../src/runtime/client/cluster/frame-socket.js';

// Against a server that sends what the test says.

const MEGABYTE = 1024 * 1024;

describe('a socket of frames', () => {
  let server: Server;
  let peer: Socket;
  let socket: Socket;
  let frames: Buffer[];
  let wake: () => void = () => undefined;

  beforeEach(async () => {
    const accepted = new Promise<Socket>((resolve) => {
      server = createServer(resolve);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    frames = [];
    await new Promise<void>((onConnect) => {
      const ssl = undefined as never; // as kafkajs gives it without TLS
      socket = frameSocket({ host: '127.0.0.1', port, ssl, onConnect });
      socket.on('data', (frame: Buffer) => {
        frames.push(frame);
        wake();
      });
    });
    peer = await accepted;
  });

  afterEach(async () => {
    socket.destroy();
    peer.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const framed = (content: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(content.length);
    return Buffer.concat([size, content]);
  };
  const received = async (count: number): Promise<void> => {
    while (frames.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const pattern = (bytes: number, seed: number): Buffer =>
    Buffer.from(Array.from({ length: bytes }, (_, i) => i * seed));

  it('gives frames whole, small ones together and large ones in as many reads as it takes', async () => {
    const sent = [pattern(5, 3), pattern(0, 1), pattern(3 * MEGABYTE, 7), pattern(10, 11), pattern(100_000, 13)];
    peer.write(Buffer.concat(sent.map(framed)));
    await received(sent.length);
    expect(frames.map((frame, i) => frame.equals(sent[i]!))).toEqual(sent.map(() => true));
  });

  it('keeps what it gave, and uses the memory again that is released', async () => {
    const [first, second, third] = [pattern(MEGABYTE, 3), pattern(MEGABYTE, 5), pattern(MEGABYTE, 7)];
    peer.write(framed(first));
    await received(1);
    peer.write(framed(second));
    await received(2);
    expect([frames[0]!.equals(first), frames[1]!.equals(second)]).toEqual([true, true]);
    releaseFrame(frames[1]!.subarray(100, 200));
    peer.write(framed(third));
    await received(3);
    expect([frames[0]!.equals(first), frames[2]!.equals(third)]).toEqual([true, true]);
    expect(frames[2]!.buffer).toBe(frames[1]!.buffer);
  });

  it('ends with the reason when what comes is no frame', async () => {
    const failed = new Promise<Error>((resolve) => socket.once('error', resolve));
    peer.write(Buffer.from('ffffffff', 'hex'));
    expect(await failed).toMatchObject({ code: 'KAFKA_PROTOCOL_MALFORMED' });
    expect(socket.destroyed).toBe(true);
  });
});
