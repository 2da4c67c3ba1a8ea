import { type Clock, type Timer } from '../../../common/clock.js';

// Calls that wait in order until they can go on, each until its own deadline; all have the same patience, so the
// first in line is also the first to lose it.

export interface WaitingSend {
  /** Bytes that it keeps in memory by waiting. */
  readonly size: number;
  /** Goes on; false when it still cannot. */
  tryAgain(): boolean;
  /** Waited too long, or there is no hope left. */
  giveUp(error: Error | undefined): void;
}

interface Entry {
  readonly send: WaitingSend;
  readonly deadline: number;
}

export class WaitingSends {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #entries: Entry[] = [];
  #timer: Timer | undefined;
  #bytes = 0;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  get count(): number {
    return this.#entries.length;
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
    let gone = 0;
    while (gone < this.#entries.length && this.#entries[gone]!.send.tryAgain()) {
      this.#bytes -= this.#entries[gone]!.send.size;
      gone++;
    }
    this.#drop(gone);
  }

  giveUpAll(error: Error): void {
    const entries = this.#entries;
    this.#drop(entries.length);
    this.#bytes = 0;
    for (const { send } of entries) send.giveUp(error);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    const late = this.#entries.filter(({ deadline }) => deadline <= now);
    for (const { send } of late) this.#bytes -= send.size;
    this.#drop(late.length);
    for (const { send } of late) send.giveUp(undefined);
  }

  #drop(count: number): void {
    if (count > 0) this.#entries = this.#entries.slice(count);
    if (this.#entries.length === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else {
      this.#setTimer();
    }
  }

  #setTimer(): void {
    const [first] = this.#entries;
    if (this.#timer || !first) return;
    this.#timer = this.#clock.schedule(first.deadline - this.#clock.monotonic(), () => this.#expire(), {
      keepAlive: true,
    });
  }
}
