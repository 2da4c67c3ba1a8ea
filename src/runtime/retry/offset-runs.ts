// Offsets that are added in about their order and taken in their order, as runs: a million that follow each other cost
// what one costs. Pure.

interface Run {
  from: number;
  /** Not included. */
  to: number;
}

export class OffsetRuns {
  readonly #runs: Run[] = [];

  /** Runs that are held. */
  get size(): number {
    return this.#runs.length;
  }

  /** One that is not in it. */
  add(offset: number): void {
    let at = this.#runs.length;
    while (at > 0 && this.#runs[at - 1]!.from > offset) at--;
    const before = this.#runs[at - 1];
    const after = this.#runs[at];
    const joinsAfter = after !== undefined && after.from === offset + 1;
    if (before !== undefined && before.to === offset) {
      before.to = joinsAfter ? after.to : offset + 1;
      if (joinsAfter) this.#runs.splice(at, 1);
    } else if (joinsAfter) after.from = offset;
    else this.#runs.splice(at, 0, { from: offset, to: offset + 1 });
  }

  /** Whether the offset was in it; it and all below are not in it any more. */
  takeUpTo(offset: number): boolean {
    while (this.#runs.length > 0 && this.#runs[0]!.to <= offset) this.#runs.shift();
    const first = this.#runs[0];
    if (first === undefined || first.from > offset) return false;
    first.from = offset + 1;
    if (first.from === first.to) this.#runs.shift();
    return true;
  }
}
