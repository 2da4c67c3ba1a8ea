// Memory for large requests and answers, used again and again: fresh memory costs the system more to hand out, a page
// at a time, than the bytes cost to copy.

const SMALLEST = 128 * 1024;
/** What is larger comes seldom, and would be kept for nothing. */
const LARGEST = 4 * 1024 * 1024;
/** Less is not worth a room of its own. */
const ROOM_FROM = 64 * 1024;

export class FrameRooms {
  /** Rooms that nobody uses, by size. */
  readonly #free = new Map<number, Buffer[]>();
  readonly #own = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;

  constructor(
    readonly maxFreeBytes: number,
    readonly largest = LARGEST,
  ) {}

  /** Memory for at least so many bytes. */
  take(bytes: number): Buffer {
    if (bytes < ROOM_FROM) return Buffer.allocUnsafe(bytes);
    if (bytes > this.largest) return Buffer.allocUnsafeSlow(bytes);
    let size = SMALLEST;
    while (size < bytes) size *= 2;
    const free = this.#free.get(size)?.pop();
    if (free) {
      this.#freeBytes -= size;
      return free;
    }
    const room = Buffer.allocUnsafeSlow(size);
    this.#own.add(room.buffer);
    return room;
  }

  /** Memory for so many bytes that is there already; undefined when there is none. */
  takeSpare(bytes: number): Buffer | undefined {
    if (bytes < ROOM_FROM) return undefined;
    for (let size = SMALLEST; size <= this.largest; size *= 2) {
      const spare = size < bytes ? undefined : this.#free.get(size)?.pop();
      if (!spare) continue;
      this.#freeBytes -= size;
      return spare;
    }
    return undefined;
  }

  /** Nobody holds any part of the room that these bytes lie in any more. Harmless for bytes that lie elsewhere. */
  release({ buffer }: Buffer): void {
    const size = buffer.byteLength;
    if (!this.#own.has(buffer) || this.#freeBytes + size > this.maxFreeBytes) return;
    const free = this.#free.get(size) ?? [];
    if (free.some((room) => room.buffer === buffer)) return;
    free.push(Buffer.from(buffer));
    this.#free.set(size, free);
    this.#freeBytes += size;
  }
}
