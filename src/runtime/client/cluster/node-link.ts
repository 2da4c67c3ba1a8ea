import { type Clock } from '../../../common/clock.js';
import { hasCode, messageOf, NestdawError } from '../../../common/errors.js';
import { type Api } from '../../../protocol/api.js';
import { addressText, type ServerAddress } from './bootstrap-servers.js';
import { type Transport, type TransportConnection, type VersionRange } from './transport.js';

// One lane to one node: at most one connection, opened when a request needs it and opened once however many wait.
// A connection that broke is replaced, never revived: late events of the old one must not hit the new one.

interface Waiting {
  run(connection: TransportConnection): void;
  fail(error: NestdawError): void;
}

export interface NodeLinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Ms for connecting, version exchange and authentication together. */
  readonly setupTimeoutMs: number;
}

export class NodeLink {
  readonly address: string;
  #connection: TransportConnection | undefined;
  /** Calls that arrived while the connection is being opened; they go out in this order before any later one. */
  #waiting: Waiting[] = [];
  #opening: AbortController | undefined;
  #closed: NestdawError | undefined;

  constructor(
    readonly server: ServerAddress,
    readonly options: NodeLinkOptions,
  ) {
    this.address = addressText(server);
  }

  isOpen(): boolean {
    return this.#connection?.isOpen() ?? false;
  }

  /** Versions of the peer behind the present connection; opens one when there is none. */
  versions(): Promise<ReadonlyMap<number, VersionRange>> {
    return new Promise((resolve, reject) => {
      this.#whenOpen({ run: (connection) => resolve(connection.versions), fail: reject });
    });
  }

  /** Rejects with KAFKA_CONNECTION_FAILED, KAFKA_REQUEST_TIMEOUT or, after `close`, with the reason given there. */
  request(
    api: Api,
    version: number,
    body: readonly Buffer[],
    timeoutMs: number,
    expectResponse: boolean,
  ): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      let used: TransportConnection | undefined;
      const timer = this.options.clock.schedule(timeoutMs, () => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        const error = timeoutError(`${this.address} did not answer ${api.name} within ${timeoutMs} ms`);
        reject(error);
        if (used) this.#giveUp(used, error);
      });
      const failed = (error: unknown): void => {
        timer.cancel();
        reject(this.#lost(api, error));
      };
      const waiting: Waiting = {
        run: (connection) => {
          used = connection;
          connection.request(api, version, body, expectResponse).then((payload) => {
            timer.cancel();
            resolve(payload);
          }, failed);
        },
        fail: failed,
      };
      this.#whenOpen(waiting);
    });
  }

  /** Rejects everything under way with `reason`; later requests too. */
  close(reason: NestdawError): void {
    this.#closed = reason;
    this.#opening?.abort(reason);
    this.#failWaiting(reason);
    this.#connection?.close(reason);
    this.#connection = undefined;
  }

  #whenOpen(waiting: Waiting): void {
    const connection = this.#connection;
    if (this.#closed) {
      waiting.fail(this.#closed);
    } else if (connection?.isOpen() && !this.#opening) {
      waiting.run(connection);
    } else {
      this.#waiting.push(waiting);
      if (!this.#opening) this.#open();
    }
  }

  #open(): void {
    const { transport, clock, setupTimeoutMs } = this.options;
    const opening = new AbortController();
    this.#opening = opening;
    this.#connection = undefined;
    const timer = clock.schedule(setupTimeoutMs, () => {
      const error = connectionError(`${this.address}: no connection within ${setupTimeoutMs} ms`);
      opening.abort(error);
      this.#opened(opening, error);
    });
    transport.open(this.server.host, this.server.port, opening.signal).then(
      (connection) => {
        timer.cancel();
        // Given up meanwhile: nobody waits for this one any more.
        if (opening.signal.aborted) connection.close(opening.signal.reason as Error);
        else this.#opened(opening, connection);
      },
      (error: unknown) => {
        timer.cancel();
        this.#opened(opening, this.#setupError(error));
      },
    );
  }

  #opened(opening: AbortController, result: TransportConnection | NestdawError): void {
    if (this.#opening !== opening) return;
    this.#opening = undefined;
    if (result instanceof NestdawError) {
      this.#failWaiting(result);
      return;
    }
    this.#connection = result;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.run(result);
  }

  #failWaiting(error: NestdawError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.fail(error);
  }

  /** A peer that left one request unanswered answers nothing behind it either: the next request gets a new socket. */
  #giveUp(connection: TransportConnection, cause: NestdawError): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.close(connectionError(`closed because ${cause.message}`, cause));
  }

  #lost(api: Api, error: unknown): NestdawError {
    if (this.#closed) return this.#closed;
    if (error instanceof NestdawError && error.message.startsWith(this.address)) return error;
    return connectionError(`${this.address}: ${api.name} failed, ${messageOf(error)}`, error);
  }

  #setupError(error: unknown): NestdawError {
    if (this.#closed) return this.#closed;
    if (hasCode(error, 'KAFKA_TRANSPORT_INCOMPATIBLE')) return error as NestdawError;
    const retriable = (error as { retriable?: unknown } | null)?.retriable !== false;
    return new NestdawError('KAFKA_CONNECTION_FAILED', `${this.address}: ${messageOf(error)}`, {
      cause: error,
      retriable,
    });
  }
}

export function connectionError(message: string, cause?: unknown): NestdawError {
  return new NestdawError('KAFKA_CONNECTION_FAILED', message, { cause, retriable: true });
}

function timeoutError(message: string): NestdawError {
  return new NestdawError('KAFKA_REQUEST_TIMEOUT', message, { retriable: true });
}
