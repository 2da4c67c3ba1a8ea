import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readInto } from '../../../src/broker/network/direct-reads.js';

let close: (() => void) | undefined;
afterEach(() => close?.());

/** A connection from both its ends. */
async function pair(): Promise<{ readonly accepted: Socket; readonly client: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  close = () => {
    client.destroy();
    accepted.destroy();
    server.close();
  };
  return { accepted, client };
}

describe('readInto', () => {
  it('reads an accepted socket into the memory that is named for each read', async () => {
    const { accepted, client } = await pair();
    const [first, second] = [Buffer.alloc(4), Buffer.alloc(3)];
    const reads: string[] = [];
    let asked = 0;
    const memory = (): Buffer => (asked++ % 2 === 0 ? first : second);
    const whole = new Promise<void>((resolve) => {
      const taken = (into: Buffer, bytes: number): void => {
        reads.push(`${into === first ? 'first' : 'second'} ${into.toString('latin1', 0, bytes)}`);
        if (reads.length === 3) resolve();
      };
      expect(readInto(accepted, memory, taken)).toBe(true);
    });
    client.write('abcdefgh');
    await whole;
    expect(reads).toEqual(['first abcd', 'second efg', 'first h']);
  });

  it('keeps pause, resume and the end of the connection', async () => {
    const { accepted, client } = await pair();
    const memory = Buffer.alloc(8);
    let received = '';
    const got: Array<() => void> = [];
    readInto(
      accepted,
      () => memory,
      (into, bytes) => {
        received += into.toString('latin1', 0, bytes);
        got.shift()?.();
      },
    );
    const next = (): Promise<void> => new Promise((resolve) => got.push(resolve));
    const [one] = [next()];
    client.write('one');
    await one;
    accepted.pause();
    client.write('two');
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(received).toBe('one');
    const two = next();
    accepted.resume();
    await two;
    expect(received).toBe('onetwo');
    const ended = once(accepted, 'close');
    client.end();
    await ended;
  });

  it('leaves a socket alone that has other parts', async () => {
    const { accepted } = await pair();
    const unused = () => Buffer.alloc(1);
    expect(readInto(new TLSSocket(accepted), unused, () => undefined)).toBe(false);
    expect(readInto({} as Socket, unused, () => undefined)).toBe(false);
  });
});
