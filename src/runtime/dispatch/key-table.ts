import { appendToLane, shiftLane, type WorkItem } from './work-item.js';

// Lanes of one partition by key bytes: hash, bucket, compare. No string is made per look-up.

const FIRST_BUCKETS = 16;

export class KeyTable {
  #buckets: Array<WorkItem | null> = emptyBuckets(FIRST_BUCKETS);
  #mask = FIRST_BUCKETS - 1;
  #size = 0;

  /** Keys with records. */
  get size(): number {
    return this.#size;
  }

  /** Puts it at the end of the lane of its key. True when it is the first one. */
  append(item: WorkItem): boolean {
    const key = item.key!;
    const hash = keyHash(key);
    for (let head = this.#buckets[hash & this.#mask]!; head !== null; head = head.chained!) {
      if (head.hash !== hash || !equalBytes(head.key!, key)) continue;
      appendToLane(head, item);
      return false;
    }
    this.#insert(item, hash);
    return true;
  }

  /** The head of a lane is finished: the one that takes its place; null: the lane is gone. */
  shift(head: WorkItem): WorkItem | null {
    const next = shiftLane(head);
    if (next === null) {
      this.#replace(head, head.chained);
      this.#size--;
    } else {
      next.hash = head.hash;
      next.chained = head.chained;
      this.#replace(head, next);
    }
    head.chained = null;
    return next;
  }

  *heads(): IterableIterator<WorkItem> {
    for (const first of this.#buckets) {
      for (let head = first; head !== null; head = head.chained) yield head;
    }
  }

  #insert(item: WorkItem, hash: number): void {
    if (this.#size > this.#mask) this.#grow();
    item.hash = hash;
    item.chained = this.#buckets[hash & this.#mask]!;
    this.#buckets[hash & this.#mask] = item;
    this.#size++;
  }

  #replace(head: WorkItem, by: WorkItem | null): void {
    const bucket = head.hash & this.#mask;
    let at = this.#buckets[bucket]!;
    if (at === head) {
      this.#buckets[bucket] = by;
      return;
    }
    while (at.chained !== head) at = at.chained!;
    at.chained = by;
  }

  #grow(): void {
    const before = this.#buckets;
    const buckets = emptyBuckets(before.length * 2);
    const mask = buckets.length - 1;
    for (const first of before) {
      for (let head = first; head !== null; ) {
        const next: WorkItem | null = head.chained;
        head.chained = buckets[head.hash & mask]!;
        buckets[head.hash & mask] = head;
        head = next;
      }
    }
    this.#buckets = buckets;
    this.#mask = mask;
  }
}

function emptyBuckets(count: number): Array<WorkItem | null> {
  return Array.from<WorkItem | null>({ length: count }).fill(null);
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
