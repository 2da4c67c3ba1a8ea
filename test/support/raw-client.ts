import { connect, type Socket } from 'node:net';
import { type Broker } from '../../src/broker/broker.js';
import { type Deferred, deferred } from '../../src/common/lifecycle.js';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { decodeResponsePayload, encodeRequestFrame } from '../../src/protocol/frame.js';
import { FrameSplitter } from '../../src/protocol/frame-splitter.js';

// A client without any cleverness: typed requests out, typed answers in, over a socket or straight into a broker.

export interface RawClient {
  send<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>>;
  /** Sends without expecting an answer. */
  post<A extends Api>(api: A, version: number, request: RequestInput<A>): void;
  close(): void;
}

interface Pending extends Deferred<any> {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
}

/** A client over one socket; answers are matched strictly in order. */
export class SocketClient implements RawClient {
  readonly #pending: Pending[] = [];
  readonly #closed = deferred();
  #correlationId = 0;
  clientId = 'raw';

  private constructor(readonly socket: Socket) {
    const splitter = new FrameSplitter(100 * 1024 * 1024);
    socket.on('data', (chunk) => splitter.push(chunk, (frame) => this.#answered(frame)));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const pending of this.#pending.splice(0)) pending.reject(new Error('connection closed'));
      this.#closed.resolve();
    });
  }

  static connect(port: number, host = '127.0.0.1'): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new SocketClient(socket)));
    });
  }

  /** Resolves when the broker has ended the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  #answered(frame: Buffer): void {
    const pending = this.#pending.shift();
    if (!pending) throw new Error('an answer that nobody asked for');
    const correlationId = frame.readInt32BE(0);
    if (correlationId !== pending.correlationId) {
      pending.reject(new Error(`answer ${correlationId} where ${pending.correlationId} was due`));
      return;
    }
    try {
      pending.resolve(decodeResponsePayload(pending.api, pending.version, frame.subarray(4)));
    } catch (error) {
      pending.reject(error);
    }
  }

  send<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const correlationId = this.#correlationId++;
    const pending = { ...deferred<any>(), api, version, correlationId };
    this.#pending.push(pending);
    this.#write(encodeRequestFrame(api, version, correlationId, this.clientId, request));
    return pending.promise;
  }

  post<A extends Api>(api: A, version: number, request: RequestInput<A>): void {
    this.#write(encodeRequestFrame(api, version, this.#correlationId++, this.clientId, request));
  }

  #write(pieces: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(pieces));
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A client of a broker in this process, without a socket. */
export function directClient(broker: Pick<Broker, 'exchangeFrame'>, clientId = 'raw'): RawClient {
  const frameOf = <A extends Api>(api: A, version: number, request: RequestInput<A>) =>
    Buffer.concat(encodeRequestFrame(api, version, 7, clientId, request)).subarray(4);
  return {
    async send(api, version, request) {
      const answer = await broker.exchangeFrame(frameOf(api, version, request));
      if (!answer) throw new Error('no answer');
      return decodeResponsePayload(api, version, answer.subarray(4));
    },
    post(api, version, request) {
      void broker.exchangeFrame(frameOf(api, version, request));
    },
    close: () => undefined,
  };
}
