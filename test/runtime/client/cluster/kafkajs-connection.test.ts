import { describe, expect, it } from '@jest/globals';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { KafkajsConnection } from '../../../../src/runtime/client/cluster/kafkajs-connection.js';
import { type QueuedRequest, type TappedBroker } from '../../../../src/runtime/client/cluster/kafkajs-taps.js';

// A connection over a socket that only notes what is written to it.

interface Sent {
  readonly encode: () => { buffer: Buffer };
  answer(payload: Buffer): void;
}

function connection(options: { readonly sasl?: object; readonly isAuthenticated?: () => boolean } = {}) {
  const queued: QueuedRequest[] = [];
  const sent: Sent[] = [];
  const calls: string[] = [];
  const written: Buffer[] = [];
  let id = 0;
  const tapped = {
    clientId: 'me',
    sasl: options.sasl ?? null,
    socket: {
      cork: () => calls.push('cork'),
      uncork: () => calls.push('uncork'),
      write: (bytes: Buffer) => {
        calls.push('write');
        written.push(bytes);
        return true;
      },
    },
    requestQueue: {
      push(request: QueuedRequest) {
        queued.push(request);
        request.sendRequest();
      },
    },
    isAuthenticated: options.isAuthenticated ?? (() => false),
    isConnected: () => true,
    failIfNotConnected: () => undefined,
    nextCorrelationId: () => id++,
    send: ({ request }: { request: Sent }) =>
      new Promise<Buffer>((answer) => sent.push({ encode: request.encode, answer })),
  };
  const broker = { connection: tapped, versions: () => ({ 0: { minVersion: 3, maxVersion: 9 } }) };
  return { it: new KafkajsConnection(broker as unknown as TappedBroker), queued, sent, calls, written, tapped };
}

describe('a connection of kafkajs', () => {
  it('writes a small request at once, and resolves with what stands after the correlation id', async () => {
    const { it: open, queued, calls, written } = connection();
    const asked = open.request(Produce, 7, [Buffer.from('ab'), Buffer.from('c')], true);
    expect(calls).toEqual(['write']);
    const head = Buffer.from('0000000f' + '0000' + '0007' + '00000000' + '0002', 'hex');
    expect(written[0]).toEqual(Buffer.concat([head, Buffer.from('me'), Buffer.from('abc')]));
    queued[0]!.entry.resolve({ payload: Buffer.from('answer') });
    expect(await asked).toEqual(Buffer.from('answer'));
  });

  it('writes the pieces of a large request together, without copying them', () => {
    const { it: open, calls, written } = connection();
    const pieces = [Buffer.alloc(8), Buffer.alloc(20_000, 1)];
    void open.request(Produce, 7, pieces, true);
    expect(calls).toEqual(['cork', 'write', 'write', 'write', 'uncork']);
    expect(written[0]!.readInt32BE(0)).toBe(10 + 2 + 20_008);
    expect(written[1]).toBe(pieces[0]);
    expect(written[2]).toBe(pieces[1]);
  });

  it('counts correlation ids, and resolves with nothing where no answer is expected', async () => {
    const { it: open, queued, written } = connection();
    const [first, second] = [1, 2].map(() => open.request(Produce, 3, [Buffer.from('x')], false));
    for (const { entry, expectResponse } of queued) {
      expect(expectResponse).toBe(false);
      entry.resolve({ payload: null });
    }
    expect(await Promise.all([first, second])).toEqual([undefined, undefined]);
    expect(written.map((frame) => frame.readInt32BE(8))).toEqual([0, 1]);
  });

  it('rejects when it is not connected any more, and with what the queue rejects with', async () => {
    const { it: open, queued, tapped } = connection();
    const asked = open.request(Produce, 3, [Buffer.from('x')], true);
    queued[0]!.entry.reject(new Error('closed'));
    await expect(asked).rejects.toThrow('closed');
    tapped.failIfNotConnected = () => {
      throw new Error('not connected');
    };
    await expect(open.request(Produce, 3, [Buffer.from('x')], true)).rejects.toThrow('not connected');
    expect(queued).toHaveLength(1);
  });

  it('lets kafkajs log in anew before a request, and nothing pass those that wait for that', async () => {
    let isAuthenticated = true;
    const { it: open, sent, written } = connection({ sasl: {}, isAuthenticated: () => isAuthenticated });
    void open.request(Produce, 3, [Buffer.from('direct')], true);
    expect(written).toHaveLength(1);

    isAuthenticated = false;
    const first = open.request(Produce, 3, [Buffer.from('a'), Buffer.from('b')], true);
    expect(sent[0]!.encode().buffer).toEqual(Buffer.from('ab'));
    isAuthenticated = true;
    const second = open.request(Produce, 3, [Buffer.from('c')], true);
    expect([written.length, sent.length]).toEqual([1, 2]);

    sent[0]!.answer(Buffer.from('1'));
    sent[1]!.answer(Buffer.from('2'));
    expect((await Promise.all([first, second])).map(String)).toEqual(['1', '2']);
    void open.request(Produce, 3, [Buffer.from('direct again')], true);
    expect([written.length, sent.length]).toEqual([2, 2]);
  });
});
