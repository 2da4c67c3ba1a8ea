import { type Clock, sleep } from '../../../common/clock.js';

// Cuts long work into slices. The cleaner shares its thread with every request: it works for a moment, then lets the
// others work for longer, and longer still when its share of the disk is used up.

/** A request that comes at the wrong moment waits so long. */
const SLICE_MS = 1;
/** A slice of one millisecond is followed by so many of rest. */
const REST_FACTOR = 2;
const MIN_REST_MS = 1;
/** A slice that time does not end, for a clock that stands still, ends after so many bytes. */
const SLICE_BYTES = 4 * 1024 * 1024;

export class WorkPace {
  #sliceStart = 0;
  #sliceBytes = 0;
  #start = 0;
  #bytes = 0;

  constructor(
    private readonly clock: Clock,
    /** Ends every rest at once. */
    private readonly signal: AbortSignal,
    private readonly bytesPerSecond: number,
  ) {
    this.#sliceStart = this.#start = clock.monotonic();
  }

  /** Counts bytes read or written. True when the slice is over: rest then. */
  spend(bytes: number): boolean {
    this.#bytes += bytes;
    this.#sliceBytes += bytes;
    return this.#sliceBytes >= SLICE_BYTES || this.clock.monotonic() - this.#sliceStart >= SLICE_MS;
  }

  async rest(): Promise<void> {
    const now = this.clock.monotonic();
    const allowedAt = this.#start + (this.#bytes / this.bytesPerSecond) * 1000;
    const pause = Math.max(MIN_REST_MS, (now - this.#sliceStart) * REST_FACTOR, allowedAt - now);
    await sleep(this.clock, pause, this.signal);
    this.#sliceStart = this.clock.monotonic();
    this.#sliceBytes = 0;
  }
}
