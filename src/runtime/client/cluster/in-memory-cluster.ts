import { type Api } from '../../../protocol/api.js';
import {
  bytesOf,
  CORRELATION_ID_BYTES,
  decodeResponsePayload,
  requestBody,
  requestHead,
  SIZE_PREFIX_BYTES,
} from '../../../protocol/frame.js';
import { ApiVersions } from '../../../protocol/messages/18-api-versions.js';
import { RoutedCluster, type RoutedClusterOptions } from './routed-cluster.js';
import { type Transport, type TransportConnection, type VersionRange } from './transport.js';

// The cluster without sockets: frames go to a function, as a rule the broker's router. Everything above the
// connection is the code that runs in production.

/** The connection that a frame belongs to. */
export interface InMemoryConnection {
  readonly id: number;
  /** The address that the client meant. */
  readonly host: string;
  readonly port: number;
  /** Aborts when the client closes the connection. */
  readonly closed: AbortSignal;
}

/**
 * One request in, its answer out, both without size prefix; undefined when the request wants no answer. A rejection
 * closes the connection, as a broker does on what it cannot read.
 */
export type InMemoryExchange = (frame: Buffer, connection: InMemoryConnection) => Promise<Buffer | undefined>;

export interface InMemoryClusterOptions extends RoutedClusterOptions {
  readonly exchange: InMemoryExchange;
  /** Default `nestdaw`. */
  readonly clientId?: string;
}

export class InMemoryCluster extends RoutedCluster {
  constructor(options: InMemoryClusterOptions) {
    const transport = new InMemoryTransport(options.exchange, options.clientId ?? 'nestdaw');
    super(transport, [{ host: 'in-memory', port: 9092 }], options);
  }
}

class InMemoryTransport implements Transport {
  #lastId = 0;

  constructor(
    readonly exchange: InMemoryExchange,
    readonly clientId: string,
  ) {}

  async open(host: string, port: number, signal: AbortSignal): Promise<TransportConnection> {
    signal.throwIfAborted();
    const pipe = new Pipe(this.exchange, this.clientId, { id: ++this.#lastId, host, port });
    const giveUp = () => pipe.close(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const payload = await pipe.request(ApiVersions, 0, requestBody(ApiVersions, 0, EMPTY), true);
      for (const { apiKey, minVersion, maxVersion } of decodeResponsePayload(ApiVersions, 0, payload!).apiKeys) {
        pipe.versions.set(apiKey, { min: minVersion, max: maxVersion });
      }
      return pipe;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** It is the broker's memory. */
  release(): void {}
}

const EMPTY = { clientSoftwareName: '', clientSoftwareVersion: '' };

interface Queued {
  readonly frame: Buffer;
  readonly expectResponse: boolean;
  resolve(payload: Buffer | undefined): void;
  reject(error: Error): void;
}

/** One connection: the next frame is handed over when the one before is answered, as a broker reads a socket. */
class Pipe implements TransportConnection {
  readonly versions = new Map<number, VersionRange>();
  readonly #closed = new AbortController();
  readonly #peer: InMemoryConnection;
  #queue: Queued[] = [];
  #correlationId = 0;
  #busy = false;

  constructor(
    readonly exchange: InMemoryExchange,
    readonly clientId: string,
    peer: Omit<InMemoryConnection, 'closed'>,
  ) {
    this.#peer = { ...peer, closed: this.#closed.signal };
  }

  isOpen(): boolean {
    return !this.#closed.signal.aborted;
  }

  request(api: Api, version: number, body: readonly Buffer[], expectResponse: boolean): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#closed.signal.aborted) {
        reject(this.#closed.signal.reason as Error);
        return;
      }
      this.#queue.push({ frame: this.#frame(api, version, body), expectResponse, resolve, reject });
      if (!expectResponse) resolve(undefined);
      if (!this.#busy) this.#next();
    });
  }

  close(reason: Error): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(reason);
    const queue = this.#queue;
    this.#queue = [];
    for (const queued of queue) queued.reject(reason);
  }

  #next(): void {
    const queued = this.#queue[0];
    if (!queued) return;
    this.#busy = true;
    this.exchange(queued.frame, this.#peer).then(
      (answer) => this.#answered(queued, answer),
      (error: unknown) => {
        this.#busy = false;
        this.close(error as Error);
      },
    );
  }

  #answered(queued: Queued, answer: Buffer | undefined): void {
    this.#busy = false;
    if (this.#closed.signal.aborted) return;
    if (answer === undefined && queued.expectResponse) {
      this.close(new Error('Closed connection'));
      return;
    }
    this.#queue.shift();
    queued.resolve(answer?.subarray(CORRELATION_ID_BYTES));
    this.#next();
  }

  #frame(api: Api, version: number, body: readonly Buffer[]): Buffer {
    const correlationId = this.#correlationId++ & 0x7fff_ffff;
    const head = requestHead(api, version, correlationId, this.clientId, bytesOf(body));
    return Buffer.concat([head.subarray(SIZE_PREFIX_BYTES), ...body]);
  }
}
