import { type ProcessHold } from '../../../common/process-hold.js';
import { type Api } from '../../../protocol/api.js';
import { bytesOf, requestHead } from '../../../protocol/frame.js';
import { type TappedBroker, type TappedConnection, type TappedSocket } from './kafkajs-taps.js';
import { type TransportConnection, type VersionRange } from './transport.js';

// Requests over one connection of kafkajs. They enter its queue of requests as its own do, but their bytes go to the
// socket as they are: kafkajs's `send` would copy a request twice, into memory that it fills with zeros first.

/** Up to this size a request is joined: one write of a small buffer costs less than one of its pieces. */
const JOIN_UP_TO = 4096;

export class KafkajsConnection implements TransportConnection {
  readonly versions: ReadonlyMap<number, VersionRange>;
  readonly #connection: TappedConnection;
  readonly #hold: ProcessHold | undefined;
  /** Requests that went through kafkajs's `send` and are not answered yet. */
  #behindLogin = 0;
  /** Requests that are not answered yet, while an idle connection does not keep the process alive. */
  #asked = 0;

  /** @param hold whether an idle connection keeps the process alive; without one it does */
  constructor(broker: TappedBroker, hold?: ProcessHold) {
    this.#connection = broker.connection;
    this.#hold = hold?.isOn === true ? undefined : hold;
    this.#hold?.add(this.#connection.socket!);
    this.versions = new Map(
      Object.entries(broker.versions()).map(([key, { minVersion, maxVersion }]) => [
        Number(key),
        { min: minVersion, max: maxVersion },
      ]),
    );
  }

  isOpen(): boolean {
    return this.#connection.isConnected();
  }

  request(api: Api, version: number, body: readonly Buffer[], expectResponse: boolean): Promise<Buffer | undefined> {
    // A session that runs out is renewed by `send` alone, and what is called meanwhile must not pass those that wait.
    const answer =
      this.#behindLogin > 0 || this.#needsLogin()
        ? this.#sendBehindLogin(api, version, body, expectResponse)
        : this.#send(api, version, body, expectResponse);
    return this.#hold === undefined || this.#hold.isOn ? answer : this.#holdingUntil(answer, this.#hold);
  }

  async #holdingUntil<T>(answer: Promise<T>, hold: ProcessHold): Promise<T> {
    const socket = this.#connection.socket!;
    this.#asked++;
    hold.remove(socket);
    try {
      return await answer;
    } finally {
      this.#asked--;
      if (this.#asked === 0 && this.isOpen()) hold.add(socket);
    }
  }

  #needsLogin(): boolean {
    const connection = this.#connection;
    return connection.sasl !== null && !connection.isAuthenticated();
  }

  #send(api: Api, version: number, body: readonly Buffer[], expectResponse: boolean): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      const connection = this.#connection;
      connection.failIfNotConnected();
      const correlationId = connection.nextCorrelationId();
      connection.requestQueue.push({
        entry: {
          apiKey: api.key,
          apiName: api.name,
          apiVersion: version,
          correlationId,
          resolve: ({ payload }) => resolve(payload ?? undefined),
          reject,
        },
        expectResponse,
        sendRequest() {
          const head = requestHead(api, version, correlationId, connection.clientId, bytesOf(body));
          write(connection.socket!, head, body);
        },
      });
    });
  }

  #sendBehindLogin(
    api: Api,
    version: number,
    body: readonly Buffer[],
    expectResponse: boolean,
  ): Promise<Buffer | undefined> {
    const bytes = Buffer.concat(body);
    this.#behindLogin++;
    return this.#connection
      .send({
        request: {
          apiKey: api.key,
          apiVersion: version,
          apiName: api.name,
          encode: () => ({ buf: bytes, buffer: bytes }), // synchronous: an awaited one would let later requests pass
          expectResponse: () => expectResponse,
        },
        // An object without `clientSideThrottleTime`: kafkajs would hold back everything on this connection.
        response: { decode: (payload) => ({ payload }), parse: ({ payload }) => payload },
        logResponseError: false,
      })
      .finally(() => this.#behindLogin--);
  }

  close(reason: Error): void {
    if (this.#connection.socket) this.#hold?.remove(this.#connection.socket);
    this.#connection.rejectRequests(reason);
    // With nothing under way left this does not wait; what is written already still goes out.
    void this.#connection.disconnect().finally(() => this.#connection.socket?.destroySoon());
  }
}

function write(socket: TappedSocket, head: Buffer, body: readonly Buffer[]): void {
  if (head.length + bytesOf(body) <= JOIN_UP_TO) {
    socket.write(Buffer.concat([head, ...body]));
    return;
  }
  // All pieces leave in one vectored write.
  socket.cork();
  socket.write(head);
  for (const piece of body) socket.write(piece);
  socket.uncork();
}
