import { type Clock, type Timer } from '../../../common/clock.js';

// Calls that wait in order until they can go on, each until its own deadline; all have the same patience, so the
// first in line is also the first to lose it.

export interface WaitingSend {
  /** Bytes that it keeps in memory by waiting. */
  readonly size: number;
  /** Goes on; false when it still cannot. */
  tryAgain(): boolean;
  /**
   * There is no hope left (`error`), or it waited too long: then `lastProblem` is what was in the way, if that is
   * known.
   */
  giveUp(error: Error | undefined, lastProblem: Error | undefined): void;
}

interface Entry {
  readonly send: WaitingSend;
  readonly deadline: number;
}

/** From so many gone entries on, the room that they take is given back. */
const COMPACT_FROM = 1024;

export class WaitingSends {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #entries: Entry[] = [];
  /** Entries before this one are gone. */
  #head = 0;
  #timer: Timer | undefined;
  #bytes = 0;
  /** What they wait for failed with this, last. */
  lastError: Error | undefined;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  get count(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(send: WaitingSend): void {
    this.#entries.push({ send, deadline: this.#clock.monotonic() + this.#patienceMs });
    this.#bytes += send.size;
    this.#setTimer();
  }

  /** Lets the first ones go on until one cannot. */
  drain(): void {
    while (this.#entries[this.#head]?.send.tryAgain()) this.#drop();
    this.#setTimer();
  }

  giveUpAll(error: Error): void {
    while (this.count > 0) this.#drop().giveUp(error, undefined);
    this.#setTimer();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    while (this.count > 0 && this.#entries[this.#head]!.deadline <= now) this.#drop().giveUp(undefined, this.lastError);
    // Those behind may need less than the ones that have gone.
    this.drain();
  }

  #drop(): WaitingSend {
    const { send } = this.#entries[this.#head++]!;
    this.#bytes -= send.size;
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return send;
  }

  #setTimer(): void {
    const first = this.#entries[this.#head];
    if (!first) {
      this.#entries = [];
      this.#head = 0;
      this.#timer?.cancel();
      this.#timer = undefined;
    } else {
      this.#timer ??= this.#clock.schedule(first.deadline - this.#clock.monotonic(), () => this.#expire(), {
        keepAlive: true,
      });
    }
  }
}

/** Resolves when whatever waits before the mark has gone on or given up. */
export function lastInLine(push: (marker: WaitingSend) => void): Promise<void> {
  return new Promise((resolve) => {
    push({
      size: 0,
      tryAgain: () => {
        resolve();
        return true;
      },
      giveUp: () => resolve(),
    });
  });
}
