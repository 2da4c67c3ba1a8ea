// Which call goes to which thread. Pure: events in (submitted, begun, finished, died …), decisions out (`next`).
//
// What may run at the same time is the dispatcher's business: whatever is submitted may run beside everything else.
// Here it is only shared out, so that no thread idles while calls wait. A thread is given no more than it will begin
// within a moment, for what waits inside a busy thread cannot be had by another one; of quick calls that is many (one
// message for all of them), of slow ones two.

/** A thread is kept fed for about this long. */
const AHEAD_MS = 2;
const MIN_AHEAD = 2;
const MAX_AHEAD = 256;

interface Held<C> {
  readonly call: C;
  /** Grows with every hand-over, for the order of calls that come back. */
  readonly turn: number;
}

interface Load<C> {
  readonly thread: number;
  readonly slots: Array<Held<C> | undefined>;
  readonly free: number[];
  /** Calls in work, begun or not. */
  size: number;
  handedOver: number;
  begun: number;
  ahead: number;
}

/** A call to be sent to a thread, into a slot of its own until it is finished. */
export interface Placement<C> {
  readonly thread: number;
  readonly slot: number;
  readonly call: C;
}

export class CallScheduler<C> {
  readonly #loads = new Map<number, Load<C>>();
  #waiting: C[] = [];
  #head = 0;
  #turn = 0;

  /** Calls that no thread has. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Calls that threads have. */
  get placed(): number {
    let sum = 0;
    for (const { size } of this.#loads.values()) sum += size;
    return sum;
  }

  /** Calls that a thread has. */
  sizeOf(thread: number): number {
    return this.#loads.get(thread)?.size ?? 0;
  }

  /** A thread is ready, with room for `slots` calls. */
  add(thread: number, slots: number): void {
    const free = Array.from({ length: slots }, (_, index) => slots - 1 - index);
    const load = { thread, slots: [], free, size: 0, handedOver: 0, begun: 0, ahead: MIN_AHEAD };
    this.#loads.set(thread, load);
  }

  submit(call: C): void {
    this.#waiting.push(call);
  }

  /** Takes a call out that waits; false when it does not. */
  forget(call: C): boolean {
    const at = this.#waiting.indexOf(call, this.#head);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    return true;
  }

  /** Calls that have to run again, before all others and in the order in which they were handed over first. */
  putBack(calls: readonly C[]): void {
    this.#waiting = [...calls, ...this.#waiting.slice(this.#head)];
    this.#head = 0;
  }

  /** The next call to send, and where to; undefined when none waits or no thread takes one. */
  next(): Placement<C> | undefined {
    if (this.waiting === 0) return undefined;
    const load = this.#leastLoaded();
    if (load === undefined) return undefined;
    const call = this.#takeWaiting();
    const slot = load.free.pop()!;
    load.slots[slot] = { call, turn: this.#turn++ };
    load.size++;
    load.handedOver++;
    return { thread: load.thread, slot, call };
  }

  /**
   * How many calls a thread has begun since it is there, and how long the synchronous part of the latest ones took, ms
   * each.
   */
  begun(thread: number, total: number, callMs: number): void {
    const load = this.#loads.get(thread);
    if (load === undefined) return;
    load.begun = total;
    load.ahead = Math.max(MIN_AHEAD, Math.min(MAX_AHEAD, Math.floor(AHEAD_MS / Math.max(callMs, 0.001))));
  }

  /** A call in work; undefined when the slot is free. */
  callIn(thread: number, slot: number): C | undefined {
    return this.#loads.get(thread)?.slots[slot]?.call;
  }

  /** A call is over; its slot is free. Undefined when there is none. */
  finish(thread: number, slot: number): C | undefined {
    const call = this.takeBack(thread, slot);
    if (call !== undefined) this.release(thread, slot);
    return call;
  }

  /** A call was taken back. Its slot is not free before the thread has passed over what it was sent: see `release`. */
  takeBack(thread: number, slot: number): C | undefined {
    const load = this.#loads.get(thread);
    const held = load?.slots[slot];
    if (load === undefined || held === undefined) return undefined;
    load.slots[slot] = undefined;
    load.size--;
    return held.call;
  }

  /** The thread has passed over a call that was taken back: the slot may be used again. */
  release(thread: number, slot: number): void {
    this.#loads.get(thread)?.free.push(slot);
  }

  /** A thread that has nothing to do, and the busiest one that has calls it may not have begun: worth sharing. */
  imbalance(): { readonly busy: number; readonly slots: readonly number[] } | undefined {
    if (this.waiting > 0) return undefined;
    let idle = false;
    let busy: Load<C> | undefined;
    for (const load of this.#loads.values()) {
      if (load.size === 0) idle = true;
      else if (load.size > 1 && load.handedOver > load.begun && (busy === undefined || load.size > busy.size))
        busy = load;
    }
    if (!idle || busy === undefined) return undefined;
    return { busy: busy.thread, slots: inTurn(busy).map(({ slot }) => slot) };
  }

  /** A thread is gone: gives what it had, in the order of the hand-over. */
  remove(thread: number): Array<Placement<C>> {
    const load = this.#loads.get(thread);
    this.#loads.delete(thread);
    return load === undefined ? [] : inTurn(load);
  }

  /** Nothing will run any more: gives what waited. */
  clear(): C[] {
    const left = this.#waiting.slice(this.#head);
    this.#waiting = [];
    this.#head = 0;
    return left;
  }

  #leastLoaded(): Load<C> | undefined {
    let best: Load<C> | undefined;
    let bestAhead = 0;
    for (const load of this.#loads.values()) {
      const ahead = load.handedOver - load.begun;
      if (load.free.length === 0 || ahead >= load.ahead) continue;
      if (best === undefined || ahead < bestAhead || (ahead === bestAhead && load.size < best.size)) {
        best = load;
        bestAhead = ahead;
      }
    }
    return best;
  }

  #takeWaiting(): C {
    const call = this.#waiting[this.#head]!;
    this.#waiting[this.#head++] = undefined as C;
    if (this.#head === this.#waiting.length || this.#head > 4_096) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return call;
  }
}

function inTurn<C>({ thread, slots }: Load<C>): Array<Placement<C>> {
  return slots
    .flatMap((held, slot) => (held === undefined ? [] : [{ thread, slot, call: held.call, turn: held.turn }]))
    .sort((a, b) => a.turn - b.turn)
    .map(({ slot, call }) => ({ thread, slot, call }));
}
