import { NestdawError } from '../common/errors.js';
import { type FrameRooms } from './frame-rooms.js';

// Cuts a stream of bytes into frames. A frame that lies within one chunk is handed on as a slice of it; one that
// spans several is assembled in memory that is there already, else in a buffer that grows with the bytes that arrived,
// never with the size announced.

const PREFIX_BYTES = 4;
/** Frames up to this size get their whole room at once. */
const FIRST_ROOM = 64 * 1024;
/** Room for so many times the bytes that are there: a usual request is moved no more than once. */
const AHEAD = 16;
/** Less is not worth a read of its own: the next frame's beginning may come along with it. */
const LEAST_SPACE = 16 * 1024;

const NOTHING = Buffer.alloc(0);

export class FrameSplitter {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** Size of the frame under way; -1 while its prefix is not complete. */
  #size = -1;
  #room: Buffer = NOTHING;
  #filled = 0;

  /**
   * With `rooms`, large frames are assembled there, and stay there until they are released. Chunks that are `lent` may
   * be reused once they were taken. Room is made for `ahead` times the bytes that are there.
   */
  constructor(
    readonly maxFrameBytes: number,
    readonly rooms?: FrameRooms,
    readonly lent = false,
    readonly ahead = AHEAD,
  ) {}

  /** Bytes held back because their frame is not complete. */
  get pendingBytes(): number {
    return this.#prefixBytes + this.#filled;
  }

  /** Where the next bytes may be read to, instead of being pushed; undefined when they should be pushed. */
  space(): Buffer | undefined {
    if (this.#filled === 0 || this.#size - this.#filled < LEAST_SPACE) return undefined;
    if (this.#filled === this.#room.length) this.#reserve(this.#filled + 1);
    return this.#room.subarray(this.#filled, Math.min(this.#room.length, this.#size));
  }

  /** So many bytes were read to `space`. */
  advance(bytes: number, onFrame: (frame: Buffer) => void): void {
    this.#filled += bytes;
    if (this.#filled < this.#size) return;
    const frame = this.#room.subarray(0, this.#size);
    this.#restart();
    onFrame(frame);
  }

  /**
   * Takes a chunk, which the caller must not reuse unless chunks are lent, and hands on every frame that it completes.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let at = 0;
    for (;;) {
      if (this.#size < 0) {
        at = this.#readPrefix(chunk, at);
        if (this.#size < 0) return;
      }
      const missing = this.#size - this.#filled;
      if (chunk.length - at < missing) {
        this.#collect(chunk, at, chunk.length);
        return;
      }
      const frame = this.#filled === 0 ? this.#cut(chunk, at, at + missing) : this.#complete(chunk, at, at + missing);
      at += missing;
      this.#restart();
      onFrame(frame);
    }
  }

  #restart(): void {
    this.#size = -1;
    this.#filled = 0;
    this.#room = NOTHING;
  }

  #cut(chunk: Buffer, from: number, to: number): Buffer {
    const slice = chunk.subarray(from, to);
    return this.lent ? Buffer.from(slice) : slice;
  }

  #readPrefix(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#prefixBytes === 0 && chunk.length - at >= PREFIX_BYTES) {
      this.#size = this.#checked(chunk.readInt32BE(at));
      return at + PREFIX_BYTES;
    }
    while (at < chunk.length && this.#prefixBytes < PREFIX_BYTES) this.#prefix[this.#prefixBytes++] = chunk[at++]!;
    if (this.#prefixBytes === PREFIX_BYTES) {
      this.#prefixBytes = 0;
      this.#size = this.#checked(this.#prefix.readInt32BE(0));
    }
    return at;
  }

  #checked(size: number): number {
    if (size >= 0 && size <= this.maxFrameBytes) return size;
    throw new NestdawError(
      'KAFKA_PROTOCOL_MALFORMED',
      `frame of ${size} bytes, allowed are 0 to ${this.maxFrameBytes}: the peer does not speak Kafka's protocol ` +
        'on this port, or the limit must be raised',
    );
  }

  #complete(chunk: Buffer, from: number, to: number): Buffer {
    this.#collect(chunk, from, to);
    return this.#room.subarray(0, this.#size);
  }

  #collect(chunk: Buffer, from: number, to: number): void {
    const filled = this.#filled + to - from;
    if (filled > this.#room.length) this.#reserve(filled);
    chunk.copy(this.#room, this.#filled, from, to);
    this.#filled = filled;
  }

  #reserve(filled: number): void {
    const room = this.rooms?.takeSpare(this.#size) ?? this.#newRoom(filled);
    this.#room.copy(room, 0, 0, this.#filled);
    this.rooms?.release(this.#room);
    this.#room = room;
  }

  #newRoom(filled: number): Buffer {
    const wanted = Math.min(this.#size, Math.max(FIRST_ROOM, filled * this.ahead));
    return this.rooms ? this.rooms.take(wanted) : Buffer.allocUnsafe(wanted);
  }
}
