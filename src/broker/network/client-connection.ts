import { type Socket } from 'node:net';
import { type Clock, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { deferred } from '../../common/lifecycle.js';
import { type Logger } from '../../common/logger.js';
import { type FrameRooms } from '../../protocol/frame-rooms.js';
import { FrameSplitter } from '../../protocol/frame-splitter.js';
import { readInto } from './direct-reads.js';
import { type Answer, type Peer } from './request-router.js';

// One client's connection. Its requests are worked on one after another, so answers leave in order and the appends
// of one producer keep theirs; what the client sends ahead waits here, and beyond a limit in the socket.

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxRequestBytes: number;
  /** Requests, and bytes of requests, that may wait before the socket is no longer read. */
  readonly maxWaitingRequests: number;
  readonly maxWaitingBytes: number;
  /** Closed after so long without a byte in either direction; negative: never. */
  readonly maxIdleMs: number;
  readonly handle: (frame: Buffer, peer: Peer) => Answer | Promise<Answer>;
  /** Where large requests are assembled; shared by all connections. */
  readonly rooms?: FrameRooms;
  /** Where requests are read to, before there is more than their beginning; shared by all connections. */
  readonly readMemory?: Buffer;
}

const PRODUCE = 0;
const FETCH = 1;

export class ClientConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #splitter: FrameSplitter;
  readonly #peer: Peer;
  readonly #gone = new AbortController();
  readonly #closed = deferred();
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** A request is with an asynchronous handler. */
  #working = false;
  /** The socket's own buffer is full: nothing is worked on until it drains. */
  #clogged = false;
  #finishing = false;
  #lastByteAt: number;
  #idleTimer: Timer | undefined;

  constructor(
    socket: Socket,
    advertised: { readonly host: string; readonly port: number },
    options: ConnectionOptions,
  ) {
    this.#socket = socket;
    this.#options = options;
    const { readMemory } = options;
    this.#splitter = new FrameSplitter(options.maxRequestBytes, options.rooms, readMemory !== undefined);
    this.#peer = { clientHost: `/${plainAddress(socket.remoteAddress)}`, advertised, closed: this.#gone.signal };
    this.#lastByteAt = options.clock.monotonic();
    socket.setNoDelay(true);
    const readsDirectly = readMemory !== undefined && this.#readInto(readMemory);
    if (!readsDirectly) socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => {
      this.#clogged = false;
      this.#lastByteAt = options.clock.monotonic();
      this.#work();
    });
    socket.on('error', (error) => options.logger.debug?.(`${this.#peer.clientHost}: ${error.message}`));
    socket.once('close', () => this.#onClose());
    this.#watchIdle(options.maxIdleMs);
  }

  /** Resolves when the socket is gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get clientHost(): string {
    return this.#peer.clientHost;
  }

  /** Takes no further request; ends once the one in work is answered. */
  finish(): void {
    this.#finishing = true;
    this.#waiting.length = 0;
    // What still comes is read and dropped: unread bytes would turn the end into a reset, which can eat answers.
    this.#socket.resume();
    if (!this.#working) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** What is known to belong to a large request is read to where that is assembled. */
  #readInto(readMemory: Buffer): boolean {
    return readInto(
      this.#socket,
      () => (this.#finishing ? undefined : this.#splitter.space()) ?? readMemory,
      (memory, bytes) => {
        if (memory === readMemory) this.#read(memory.subarray(0, bytes));
        else this.#advance(bytes);
      },
    );
  }

  #advance(bytes: number): void {
    if (this.#finishing) return;
    this.#lastByteAt = this.#options.clock.monotonic();
    this.#splitter.advance(bytes, this.#queue);
    this.#work();
  }

  readonly #queue = (frame: Buffer): void => {
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  };

  #read(chunk: Buffer): void {
    if (this.#finishing) return;
    this.#lastByteAt = this.#options.clock.monotonic();
    try {
      this.#splitter.push(chunk, this.#queue);
    } catch (error) {
      // No frame boundary can be found any more, so there is nothing an answer could be matched to.
      this.#options.logger.warn(`${this.#peer.clientHost}: ${messageOf(error)}; the connection is closed`);
      this.destroy();
      return;
    }
    this.#work();
  }

  #work(): void {
    if (this.#working || this.#clogged || this.#waiting.length === 0) {
      this.#throttleReading();
      return;
    }
    // All that is answered in this turn leaves as one vectored write.
    this.#socket.cork();
    while (this.#waiting.length > 0 && !this.#working && !this.#clogged && !this.#finishing) {
      const frame = this.#waiting.shift()!;
      this.#waitingBytes -= frame.length;
      const answer = this.#options.handle(frame, this.#peer);
      if (answer instanceof Promise) {
        this.#working = true;
        void answer.then((settled) => this.#answered(frame, settled));
      } else {
        this.#send(frame, answer);
      }
    }
    this.#socket.uncork();
    this.#throttleReading();
  }

  #answered(frame: Buffer, answer: Answer): void {
    this.#working = false;
    if (this.#socket.destroyed) return;
    this.#socket.cork();
    this.#send(frame, answer);
    this.#socket.uncork();
    if (this.#finishing) this.#socket.end();
    else this.#work();
  }

  #send(frame: Buffer, answer: Answer): void {
    const { rooms } = this.#options;
    const apiKey = frame.length < 2 ? -1 : frame.readInt16BE(0);
    // What was produced is in the log now, and the answer holds no part of it. Other requests are not that simple.
    if (apiKey === PRODUCE) rooms?.release(frame);
    if (answer === undefined) return;
    if (answer === 'close') {
      this.#waiting.length = 0;
      this.#finishing = true;
      // Answers to earlier requests still leave.
      this.#socket.end(() => this.#socket.destroy());
      return;
    }
    this.#lastByteAt = this.#options.clock.monotonic();
    const last = answer.length - 1;
    for (const [i, piece] of answer.entries()) {
      // What was read for a fetch has left once the socket is done with the last piece.
      const isWhole = apiKey === FETCH && i === last && last > 0;
      const sent = isWhole && rooms ? () => releaseAll(rooms, answer) : undefined;
      if (!this.#socket.write(piece, sent)) this.#clogged = true;
    }
  }

  #throttleReading(): void {
    if (this.#finishing) return;
    const { maxWaitingRequests, maxWaitingBytes } = this.#options;
    const full = this.#waiting.length >= maxWaitingRequests || this.#waitingBytes >= maxWaitingBytes;
    const isPaused = this.#socket.isPaused();
    if (full && !isPaused) this.#socket.pause();
    else if (!full && isPaused) this.#socket.resume();
  }

  /** One timer, armed again for what is left: cheaper than moving a timer with every byte. */
  #watchIdle(afterMs: number): void {
    const { clock, maxIdleMs, logger } = this.#options;
    if (maxIdleMs < 0) return;
    this.#idleTimer = clock.schedule(afterMs, () => {
      const left = this.#lastByteAt + maxIdleMs - clock.monotonic();
      if (left > 0) {
        this.#watchIdle(left);
        return;
      }
      logger.debug?.(`${this.#peer.clientHost}: closed after ${maxIdleMs} ms without a byte (connections.max.idle.ms)`);
      this.destroy();
    });
  }

  #onClose(): void {
    this.#idleTimer?.cancel();
    this.#waiting.length = 0;
    this.#gone.abort();
    this.#closed.resolve();
  }
}

function releaseAll(rooms: FrameRooms, pieces: readonly Buffer[]): void {
  for (const piece of pieces) rooms.release(piece);
}

/** The address without the prefix that IPv4 has on a socket for both families. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
