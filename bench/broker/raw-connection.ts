import { connect, type Socket } from 'node:net';

// A client without a protocol of its own: ready-made frames out, answers counted. What it costs is the same for
// every broker that it talks to.

const READ_BUFFER_BYTES = 1024 * 1024;
/** Answers up to this size are handed over whole; of larger ones only the size. */
const WHOLE_BYTES = 256 * 1024;

type Waiting = (answer: Buffer | undefined, bytes: number) => void;

export class RawConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  /** Bytes of the answer under way, size prefix included; kept as far as it may be handed over. */
  #head: Buffer = Buffer.alloc(0);
  #size = -1;
  #seen = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static connect(port: number, bufferBytes: number = READ_BUFFER_BYTES): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      let connection: RawConnection | undefined;
      const buffer = Buffer.allocUnsafe(bufferBytes);
      const callback = (length: number, bytes: Uint8Array): boolean => {
        connection!.#read(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return true;
      };
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } }, () => {
        connection = new RawConnection(socket);
        resolve(connection);
      });
      socket.once('error', reject);
    });
  }

  /** Writes the frame, size prefix included, and resolves with the answer behind its prefix, if it is small. */
  send(frame: Buffer | readonly Buffer[]): Promise<Buffer | undefined> {
    return new Promise((resolve) => this.post(frame, resolve));
  }

  post(frame: Buffer | readonly Buffer[], onAnswer: Waiting): void {
    this.#waiting.push(onAnswer);
    if (Buffer.isBuffer(frame)) {
      this.#socket.write(frame);
      return;
    }
    this.#socket.cork();
    for (const piece of frame) this.#socket.write(piece);
    this.#socket.uncork();
  }

  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#size < 0) at = this.#readPrefix(chunk, at);
      if (this.#size < 0) return;
      const taken = Math.min(chunk.length - at, this.#size - this.#seen);
      if (this.#size <= WHOLE_BYTES) this.#keep(chunk.subarray(at, at + taken));
      this.#seen += taken;
      at += taken;
      if (this.#seen === this.#size) this.#answered();
    }
  }

  #readPrefix(chunk: Buffer, at: number): number {
    const taken = Math.min(4 - this.#head.length, chunk.length - at);
    this.#keep(chunk.subarray(at, at + taken));
    if (this.#head.length === 4) {
      this.#size = this.#head.readInt32BE(0);
      this.#head = Buffer.alloc(0);
      this.#seen = 0;
    }
    return at + taken;
  }

  #keep(bytes: Buffer): void {
    this.#head = this.#head.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#head, bytes]);
  }

  #answered(): void {
    const answer = this.#size <= WHOLE_BYTES ? this.#head : undefined;
    const bytes = this.#size;
    this.#size = -1;
    this.#head = Buffer.alloc(0);
    this.#waiting.shift()!(answer, bytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Sends `count` frames with `outstanding` at once; resolves with the ms that it took. */
export function pump(
  connection: RawConnection,
  options: {
    readonly count: number;
    readonly outstanding: number;
    readonly frame: (i: number) => Buffer | readonly Buffer[];
    readonly onAnswer?: (answer: Buffer | undefined, bytes: number) => void;
  },
): Promise<number> {
  const { count, outstanding, frame, onAnswer } = options;
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let sent = 0;
    let answered = 0;
    const next = (): void => {
      connection.post(frame(sent++), (answer, bytes) => {
        try {
          onAnswer?.(answer, bytes);
        } catch (error) {
          reject(error as Error);
          return;
        }
        answered++;
        if (answered === count) resolve(performance.now() - started);
        else if (sent < count) next();
      });
    };
    for (let i = 0; i < Math.min(outstanding, count); i++) next();
  });
}
