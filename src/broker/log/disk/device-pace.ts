// How long the device takes for an fsync, as the shortest of late ones tells: the others also waited for something
// else.

const WINDOW = 32;

export class DevicePace {
  readonly #late: number[] = [];
  #at = 0;

  note(ms: number): void {
    this.#late[this.#at] = ms;
    this.#at = (this.#at + 1) % WINDOW;
  }

  /** 0 as long as nothing is known. */
  get shortestMs(): number {
    return this.#late.length === 0 ? 0 : Math.min(...this.#late);
  }
}
