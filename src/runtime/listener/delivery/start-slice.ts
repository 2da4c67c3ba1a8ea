import { type Clock } from '../../../common/clock.js';

// The slices of time in which handlers start: when one is over, whatever else the event loop has to do gets its turn.
// Here the clock is read for them.

/** Handlers run this long before other work of the event loop (sockets, heartbeats, timers) gets its turn. */
const SLICE_MS = 10;
/** The same in calls, for clocks that stand still. */
const SLICE_CALLS = 10_000;

export interface StartSliceOptions {
  readonly clock: Clock;
  /** Moment of the monotonic clock from which on records may be somebody else's. */
  readonly sessionEndsAt: () => number;
}

export class StartSlice {
  readonly #options: StartSliceOptions;
  readonly #wake: () => void;
  #start = Number.NEGATIVE_INFINITY;
  #calls = 0;
  #now = 0;

  /** @param wake begins the next slice in a later turn */
  constructor(options: StartSliceOptions, wake: () => void) {
    this.#options = options;
    this.#wake = wake;
  }

  /** What the clock said when it was read last. */
  get now(): number {
    return this.#now;
  }

  begin(): void {
    this.#start = this.#options.clock.monotonic();
    this.#calls = 0;
  }

  readClock(): void {
    this.#now = this.#options.clock.monotonic();
  }

  /** Whether one more record may begin now. */
  allows(): boolean {
    this.readClock();
    // What begins then is begun by its next owner, too. What is lost is dropped, and the next assignment wakes.
    if (this.#now >= this.#options.sessionEndsAt()) return false;
    // Handlers that settle in microtasks would otherwise follow each other for ever, and heartbeats never go out.
    const spentMs = this.#now - this.#start;
    const isOver = spentMs > SLICE_MS || this.#calls > SLICE_CALLS;
    // Handlers that wait end in many short turns, and none of those takes anything from other work: a slice that
    // began in an earlier turn must not put them off.
    if (isOver || spentMs > SLICE_MS / 2) this.#wake();
    if (!isOver) this.#calls++;
    return !isOver;
  }
}
