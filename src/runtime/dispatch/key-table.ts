import { Lane } from './work-item.js';

// Lanes of one partition by key bytes: hash, bucket, compare. No string is made per look-up.

const FIRST_BUCKETS = 16;
const MAX_SPARE = 4_096;

/** Lanes that are used again, by whichever partition needs one next: the last one that was given back first. */
export class SpareLanes {
  #first: Lane | null = null;
  #count = 0;

  take(): Lane {
    const lane = this.#first;
    if (lane === null) return new Lane();
    this.#first = lane.chained;
    lane.chained = null;
    this.#count--;
    return lane;
  }

  /** An empty one. */
  give(lane: Lane): void {
    if (this.#count === MAX_SPARE) return;
    lane.chained = this.#first;
    this.#first = lane;
    this.#count++;
  }
}

export class KeyTable {
  #buckets: Array<Lane | null> = emptyBuckets(FIRST_BUCKETS);
  #mask = FIRST_BUCKETS - 1;
  #size = 0;
  readonly #spare: SpareLanes;

  constructor(spare: SpareLanes) {
    this.#spare = spare;
  }

  /** Lanes with records. */
  get size(): number {
    return this.#size;
  }

  /** The lane of `key`, made when there is none. */
  laneOf(key: Buffer): Lane {
    const hash = keyHash(key);
    for (let lane = this.#buckets[hash & this.#mask]!; lane !== null; lane = lane.chained!) {
      if (lane.hash === hash && equalBytes(lane.key!, key)) return lane;
    }
    return this.#insert(key, hash);
  }

  /** Takes an idle lane out. */
  remove(lane: Lane): void {
    const bucket = lane.hash & this.#mask;
    let at = this.#buckets[bucket]!;
    if (at === lane) {
      this.#buckets[bucket] = lane.chained;
    } else {
      while (at.chained !== lane) at = at.chained!;
      at.chained = lane.chained;
    }
    this.#size--;
    lane.key = null;
    lane.chained = null;
    this.#spare.give(lane);
  }

  *lanes(): IterableIterator<Lane> {
    for (const first of this.#buckets) {
      for (let lane = first; lane !== null; lane = lane.chained) yield lane;
    }
  }

  #insert(key: Buffer, hash: number): Lane {
    if (this.#size > this.#mask) this.#grow();
    const lane = this.#spare.take();
    lane.key = key;
    lane.hash = hash;
    lane.chained = this.#buckets[hash & this.#mask]!;
    this.#buckets[hash & this.#mask] = lane;
    this.#size++;
    return lane;
  }

  #grow(): void {
    const before = this.#buckets;
    const buckets = emptyBuckets(before.length * 2);
    const mask = buckets.length - 1;
    for (let i = 0; i < before.length; i++) {
      for (let lane = before[i]!; lane !== null; ) {
        const next: Lane = lane.chained!;
        lane.chained = buckets[lane.hash & mask]!;
        buckets[lane.hash & mask] = lane;
        lane = next;
      }
    }
    this.#buckets = buckets;
    this.#mask = mask;
  }
}

function emptyBuckets(count: number): Array<Lane | null> {
  return Array.from<Lane | null>({ length: count }).fill(null);
}

/** 32-bit FNV-1a with a final mix: keys differ most in their last bytes, buckets are chosen by the low bits. */
function keyHash(key: Buffer): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, 0x0100_0193);
  return hash ^ (hash >>> 15);
}

/** A loop beats the native comparison below about 64 bytes, which is where keys are. */
function equalBytes(a: Buffer, b: Buffer): boolean {
  if (a === b) return true;
  const length = a.length;
  if (length !== b.length) return false;
  if (length > 64) return a.equals(b);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
