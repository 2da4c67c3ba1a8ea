import { processTime } from '../../common/clock.js';

// A few words of memory that a thread and its owner share. The owner can read them while the thread's event loop stands
// still: which call blocks it, which calls it has begun and when, which it never reached.
//
//   word 0      slot + 1 of the call whose synchronous part runs right now; 0 between calls
//   word 1 + s  the call in slot s: handed over, withdrawn, or when it began

const INSIDE = 0;
const HANDED_OVER = 0;
const WITHDRAWN = -1;
/** Times are kept in 30 bits of milliseconds, twelve days: enough to tell how long a call has been running. */
const TIME_MASK = 0x3fff_ffff;

/** Calls that one thread can have at the same time. */
export const BOARD_SLOTS = 1_024;

export class ThreadBoard {
  readonly #words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer((1 + BOARD_SLOTS) * 4)) {
    this.#words = new Int32Array(memory);
  }

  // The owner's side.

  /** A call is about to be sent into a slot that is free. */
  handOver(slot: number): void {
    Atomics.store(this.#words, 1 + slot, HANDED_OVER);
  }

  /** Takes a call back that the thread has not begun; false when it has. Never both. */
  withdraw(slot: number): boolean {
    return Atomics.compareExchange(this.#words, 1 + slot, HANDED_OVER, WITHDRAWN) === HANDED_OVER;
  }

  /** Slot of the call that keeps the thread's event loop from turning, if one does. */
  get blockedBy(): number | undefined {
    const inside = Atomics.load(this.#words, INSIDE);
    return inside === 0 ? undefined : inside - 1;
  }

  /** How long ago a call began, ms; undefined when it has not. */
  runningFor(slot: number): number | undefined {
    const began = Atomics.load(this.#words, 1 + slot);
    return began <= HANDED_OVER ? undefined : (timeWord() - began) & TIME_MASK;
  }

  // The thread's side.

  /** The call's synchronous part begins; false when it was taken back meanwhile. */
  enter(slot: number): boolean {
    if (Atomics.compareExchange(this.#words, 1 + slot, HANDED_OVER, timeWord()) !== HANDED_OVER) return false;
    Atomics.store(this.#words, INSIDE, slot + 1);
    return true;
  }

  /** The synchronous part has ended. */
  leave(): void {
    Atomics.store(this.#words, INSIDE, 0);
  }
}

/** Never 0. */
function timeWord(): number {
  return Math.floor(processTime()) & TIME_MASK || 1;
}
