import { type Clock } from '../../../common/clock.js';
import { type PoolWorker } from './pool-worker.js';

// The slices of time in which handlers start: when one is over, whatever else the event loop has to do gets its turn.
// Here the clock is read for them.

/** Handlers run this long before other work of the event loop (sockets, heartbeats, timers) gets its turn. */
const SLICE_MS = 10;
/** The same in calls, for clocks that stand still. */
const SLICE_CALLS = 10_000;
/** When more workers than this go on in one turn the clock is read for some of their starts only. */
const TIMED_WORKERS = 64;
/** Once in so many of those. */
const STARTS_PER_READING = 16;

export interface StartSliceOptions {
  readonly clock: Clock;
  /** Moment of the monotonic clock from which on records may be somebody else's. */
  readonly sessionEndsAt: () => number;
}

export class StartSlice {
  readonly #options: StartSliceOptions;
  readonly #wake: () => void;
  #number = 0;
  #start = Number.NEGATIVE_INFINITY;
  #calls = 0;
  /** Workers that have gone on in it. */
  #wentOn = 0;
  #now = 0;
  #isInTime = false;

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
    this.#calls = this.#wentOn = 0;
    this.#number++;
  }

  /**
   * Many workers go on in this turn, each of them once: the time that was read for one of the starts just before will
   * do. Reading it makes the processor wait for all that it has under way, and all who come behind wait as well.
   */
  isCrowded(worker: PoolWorker): boolean {
    if (worker.slice === this.#number) return false;
    worker.slice = this.#number;
    const count = ++this.#wentOn;
    // No time is used in a later turn.
    if (count === TIMED_WORKERS) this.#wake();
    return count > TIMED_WORKERS && count % STARTS_PER_READING !== 0;
  }

  /** Whether a record may begin now, or in a crowd whether it might just before. */
  allows(isTimed: boolean): boolean {
    if (isTimed) this.#look();
    if (!this.#isInTime) return false;
    this.#calls++;
    return true;
  }

  readClock(): void {
    this.#now = this.#options.clock.monotonic();
  }

  #look(): void {
    this.readClock();
    // What begins then is begun by its next owner, too. What is lost is dropped, and the next assignment wakes.
    this.#isInTime = this.#now < this.#options.sessionEndsAt();
    if (!this.#isInTime) return;
    // Handlers that settle in microtasks would otherwise follow each other for ever, and heartbeats never go out.
    const spentMs = this.#now - this.#start;
    this.#isInTime = spentMs <= SLICE_MS && this.#calls <= SLICE_CALLS;
    // Handlers that wait end in many short turns, and none of those takes anything from other work: a slice that
    // began in an earlier turn must not put them off.
    if (spentMs > SLICE_MS / 2 || !this.#isInTime) this.#wake();
  }
}
