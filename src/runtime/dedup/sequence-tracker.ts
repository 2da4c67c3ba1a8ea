// Whether the numbers that producers give to the records of a partition arrive without gaps and in order. Pure.

/** What is wrong with a number, told when it arrives. */
export type SequenceFinding =
  /** Numbers from `from` to before `to` are missing; later found out of place they are `reordered`. */
  | { readonly kind: 'missing'; readonly producer: string; readonly from: number; readonly to: number }
  | { readonly kind: 'duplicate'; readonly producer: string; readonly number: number }
  /** It was missing, and comes after a higher one. */
  | { readonly kind: 'reordered'; readonly producer: string; readonly number: number };

/** Numbers of one producer that may be missing at a time; beyond it the oldest are given up as lost. */
const MOST_MISSING = 10_000;
/** Producers of one partition that are remembered. */
const MOST_PRODUCERS = 1_000;

interface Stream {
  next: number;
  readonly missing: Set<number>;
}

export class SequenceTracker {
  readonly #streams = new Map<string, Stream>();
  #last = -1;

  /** Numbers that are missing now. */
  get missing(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.missing.size;
    return count;
  }

  /** A record arrived at `offset`. A redelivery is nothing new; a producer's first record says where it begins. */
  arrived(offset: number, producer: string, number: number): SequenceFinding | undefined {
    if (offset <= this.#last) return undefined;
    this.#last = offset;
    const stream = this.#streams.get(producer);
    if (stream === undefined) {
      this.#begin(producer, number);
      return undefined;
    }
    if (number === stream.next) {
      stream.next++;
      return undefined;
    }
    if (number > stream.next) return this.#leap(stream, producer, number);
    if (stream.missing.delete(number)) return { kind: 'reordered', producer, number };
    return { kind: 'duplicate', producer, number };
  }

  #begin(producer: string, number: number): void {
    if (this.#streams.size >= MOST_PRODUCERS) this.#streams.delete(this.#streams.keys().next().value!);
    this.#streams.set(producer, { next: number + 1, missing: new Set() });
  }

  #leap(stream: Stream, producer: string, number: number): SequenceFinding {
    const from = stream.next;
    for (let gone = Math.max(from, number - MOST_MISSING); gone < number; gone++) stream.missing.add(gone);
    for (const oldest of stream.missing) {
      if (stream.missing.size <= MOST_MISSING) break;
      stream.missing.delete(oldest);
    }
    stream.next = number + 1;
    return { kind: 'missing', producer, from, to: number };
  }
}
