// Memory of batches, used again: a slab of `batch.size` goes from a batch that is stored to the next one that is begun
// (in the Java client: BufferPool). Fresh memory for each would cost more than all that is written into it.

/** Most bytes in slabs, in batches and free: what waits while a producer still says that it has room. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Most bytes that are kept while no batch is under way: many producers may be idle. */
const MOST_IDLE_BYTES = 1024 * 1024;
/** Smaller ones are not worth it, and larger ones would be few. */
const SMALLEST = 1024;
const LARGEST = 1024 * 1024;

export class BatchSlabs {
  readonly #size: number;
  readonly #most: number;
  /** The last one used first: it is in the processor's cache. */
  readonly #free: Buffer[] = [];
  #inUse = 0;

  constructor(batchSize: number) {
    this.#size = batchSize;
    this.#most = batchSize < SMALLEST || batchSize > LARGEST ? 0 : Math.floor(MOST_BYTES / batchSize);
  }

  /** A slab for a batch that begins with so many bytes; undefined when it needs memory of its own. */
  take(bytes: number): Buffer | undefined {
    if (bytes > this.#size || this.#inUse >= this.#most) return undefined;
    this.#inUse++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** `isIdle`: nobody reads it any more; another slab takes its place otherwise. */
  giveBack(slab: Buffer, isIdle: boolean): void {
    this.#inUse--;
    if (isIdle) this.#free.push(slab);
    if (this.#inUse > 0) return;
    const most = Math.floor(MOST_IDLE_BYTES / this.#size);
    if (this.#free.length > most) this.#free.length = most;
  }
}
