// Where the last few reads of a segment ended. A reader that goes on from there needs neither index nor scan.

const SLOTS = 4;

export class PositionHints {
  readonly #offsets = new Float64Array(SLOTS).fill(-1);
  readonly #positions = new Float64Array(SLOTS);
  #next = 0;

  /** Position of the batch that starts at `offset`, or -1. */
  get(offset: number): number {
    for (let i = 0; i < SLOTS; i++) if (this.#offsets[i] === offset) return this.#positions[i]!;
    return -1;
  }

  put(offset: number, position: number): void {
    if (this.get(offset) >= 0) return;
    this.#offsets[this.#next] = offset;
    this.#positions[this.#next] = position;
    this.#next = (this.#next + 1) % SLOTS;
  }
}
