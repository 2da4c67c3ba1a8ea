import { connect, createServer, type Server, type Socket } from 'node:net';
import { decodeResponsePayload, encodeResponseFrame, FrameSplitter } from '../../src/protocol/frame.js';
import { Metadata } from '../../src/protocol/messages/03-metadata.js';
import { FindCoordinator } from '../../src/protocol/messages/10-find-coordinator.js';

// A TCP proxy in front of a one-node broker that loses answers, cuts connections and delays, as the test decides for
// each request. Answers that name the broker's address name the proxy's instead, so that clients stay here.

export interface Exchange {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly connection: number;
}

/**
 * What becomes of a request: passed on, its answer swallowed or delayed, given to the broker twice (answered once), or
 * the connection cut before or after the broker acts.
 */
export type Fault = 'pass' | 'swallow' | 'duplicate' | 'cut-before' | 'cut-after' | { readonly delayMs: number };

export class FaultProxy {
  /** Decides about each request. */
  decide: (exchange: Exchange) => Fault = () => 'pass';
  readonly counts = { requests: 0, swallowed: 0, duplicated: 0, delayed: 0, cut: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #target: { host: string; port: number };
  #refusing = false;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#serve(client));
  }

  /** In front of `host:port`. */
  static async start(target: string, port = 0): Promise<FaultProxy> {
    const at = target.lastIndexOf(':');
    const proxy = new FaultProxy({ host: target.slice(0, at), port: Number(target.slice(at + 1)) });
    await new Promise<void>((resolve, reject) =>
      proxy.#server.once('error', reject).listen(port, '127.0.0.1', () => resolve()),
    );
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  set target(address: string) {
    const at = address.lastIndexOf(':');
    this.#target = { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
  }

  get openConnections(): number {
    return this.#sockets.size / 2;
  }

  /** Cuts every connection now. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Takes no connections, as if the broker were down. */
  down(): void {
    this.#refusing = true;
    this.cut();
  }

  up(): void {
    this.#refusing = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #redirected({ apiKey, apiVersion, correlationId }: Exchange, frame: Buffer): Buffer {
    const here = { host: '127.0.0.1', port: this.port };
    if (apiKey === Metadata.key) {
      const answer = decodeResponsePayload(Metadata, apiVersion, frame.subarray(4));
      const brokers = answer.brokers.map((broker) => ({ ...broker, ...here }));
      return Buffer.concat(encodeResponseFrame(Metadata, apiVersion, correlationId, { ...answer, brokers }));
    }
    if (apiKey === FindCoordinator.key) {
      const answer = decodeResponsePayload(FindCoordinator, apiVersion, frame.subarray(4));
      const coordinators = answer.coordinators.map((one) => ({ ...one, ...here }));
      const moved = { ...answer, ...here, coordinators };
      return Buffer.concat(encodeResponseFrame(FindCoordinator, apiVersion, correlationId, moved));
    }
    return framed(frame);
  }

  #serve(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const connection = ++this.#connections;
    const broker = connect({ ...this.#target, noDelay: true });
    const faults = new Map<number, { readonly exchange: Exchange; readonly fault: Fault }>();
    const end = () => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    /** Requests of which a second answer will come. */
    const surplus = new Set<number>();
    const requests = new FrameSplitter(1 << 28);
    client.on('data', (chunk) =>
      requests.push(chunk, (frame) => {
        this.counts.requests++;
        const exchange = {
          apiKey: frame.readInt16BE(0),
          apiVersion: frame.readInt16BE(2),
          correlationId: frame.readInt32BE(4),
          connection,
        };
        const fault = this.decide(exchange);
        if (fault === 'cut-before') {
          this.counts.cut++;
          client.resetAndDestroy();
          broker.end();
          return;
        }
        faults.set(exchange.correlationId, { exchange, fault });
        if (broker.destroyed) return;
        broker.write(framed(frame));
        if (fault !== 'duplicate') return;
        this.counts.duplicated++;
        surplus.add(exchange.correlationId);
        broker.write(framed(frame));
      }),
    );
    const answers = new FrameSplitter(1 << 28);
    let order: Promise<unknown> = Promise.resolve();
    broker.on('data', (chunk) =>
      answers.push(chunk, (frame) => {
        const correlationId = frame.readInt32BE(0);
        const known = faults.get(correlationId);
        faults.delete(correlationId);
        if (!known && surplus.delete(correlationId)) return;
        const fault = known?.fault ?? 'pass';
        if (fault === 'swallow') {
          this.counts.swallowed++;
        } else if (fault === 'cut-after') {
          this.counts.cut++;
          client.resetAndDestroy();
        } else {
          // Answers stay in order behind a delayed one.
          const delayMs = typeof fault === 'object' ? fault.delayMs : 0;
          if (delayMs > 0) this.counts.delayed++;
          if (delayMs > 0) order = order.then(() => new Promise((resolve) => setTimeout(resolve, delayMs)));
          const answer = known ? this.#redirected(known.exchange, frame) : framed(frame);
          order = order.then(() => client.destroyed || client.write(answer));
        }
      }),
    );
  }
}

function framed(frame: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(4 + frame.length);
  bytes.writeInt32BE(frame.length, 0);
  frame.copy(bytes, 4);
  return bytes;
}
