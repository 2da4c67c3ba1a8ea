// The latest offset of every key in a stretch of a log. Keys are compared byte by byte, so no two are ever taken for
// one; the memory is bounded, and a map that is full covers the log up to `latestOffset` only.

/** What a key costs beside its bytes: offset, hash, end of its bytes, and its share of the slots. */
const ENTRY_BYTES = 28;
/** Small tables that grow one by one: growing a single large one would hold up everything else. */
const SHARDS = 256;
const FIRST_ENTRIES = 8;
const FIRST_KEY_BYTES = 128;

export class OffsetMap {
  readonly #shards = Array.from({ length: SHARDS }, (): Shard | undefined => undefined);
  readonly #maxBytes: number;
  readonly #seed: number;
  #bytes = 0;
  #size = 0;
  /** All records up to this offset are taken in. */
  latestOffset = -1;

  /** `seed` is random: nobody can choose keys that all fall into one place. */
  constructor(maxBytes: number, seed: number) {
    this.#maxBytes = maxBytes;
    this.#seed = seed | 0;
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Notes that the key in `b` stands at `offset`. False, and nothing is noted, when there is no room for it. */
  put(b: Buffer, start: number, length: number, offset: number): boolean {
    const hash = hashOf(b, start, length, this.#seed);
    const shard = this.#shardOf(hash);
    const entry = shard.find(b, start, length, hash);
    if (entry >= 0) {
      shard.setOffset(entry, offset);
    } else {
      const bytes = ENTRY_BYTES + length;
      // One key must always fit, or cleaning would never get anywhere.
      if (this.#bytes + bytes > this.#maxBytes && this.#size > 0) return false;
      shard.add(b, start, length, hash, offset);
      this.#bytes += bytes;
      this.#size++;
    }
    this.latestOffset = offset;
    return true;
  }

  #shardOf(hash: number): Shard {
    const known = this.#shards[hash >>> 24];
    if (known !== undefined) return known;
    const shard = new Shard();
    this.#shards[hash >>> 24] = shard;
    return shard;
  }

  /** The latest offset of the key; -1 for one that is not in the map. */
  get(b: Buffer, start: number, length: number): number {
    const hash = hashOf(b, start, length, this.#seed);
    const shard = this.#shards[hash >>> 24];
    if (shard === undefined) return -1;
    const entry = shard.find(b, start, length, hash);
    return entry < 0 ? -1 : shard.offsetOf(entry);
  }
}

/** An open hash table; its keys lie back to back in one buffer. */
class Shard {
  #slots = new Int32Array(FIRST_ENTRIES * 2);
  #hashes = new Int32Array(FIRST_ENTRIES);
  #ends = new Uint32Array(FIRST_ENTRIES);
  #offsets = new Float64Array(FIRST_ENTRIES);
  #keys = Buffer.allocUnsafe(FIRST_KEY_BYTES);
  #count = 0;

  /** Index of the key's entry; -1 when there is none. */
  find(b: Buffer, start: number, length: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#holds(entry, b, start, length)) return entry;
    }
  }

  #holds(entry: number, b: Buffer, start: number, length: number): boolean {
    const from = entry === 0 ? 0 : this.#ends[entry - 1]!;
    if (this.#ends[entry]! - from !== length) return false;
    for (let i = 0; i < length; i++) if (this.#keys[from + i] !== b[start + i]) return false;
    return true;
  }

  offsetOf(entry: number): number {
    return this.#offsets[entry]!;
  }

  setOffset(entry: number, offset: number): void {
    this.#offsets[entry] = offset;
  }

  add(b: Buffer, start: number, length: number, hash: number, offset: number): void {
    if (this.#count === this.#hashes.length) this.#grow();
    const entry = this.#count++;
    const from = entry === 0 ? 0 : this.#ends[entry - 1]!;
    if (from + length > this.#keys.length) {
      const larger = Buffer.allocUnsafe(Math.max(from + length, this.#keys.length * 2));
      this.#keys.copy(larger, 0, 0, from);
      this.#keys = larger;
    }
    b.copy(this.#keys, from, start, start + length);
    this.#ends[entry] = from + length;
    this.#hashes[entry] = hash;
    this.#offsets[entry] = offset;
    this.#place(entry);
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[entry]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    const hashes = new Int32Array(capacity);
    const ends = new Uint32Array(capacity);
    const offsets = new Float64Array(capacity);
    hashes.set(this.#hashes);
    ends.set(this.#ends);
    offsets.set(this.#offsets);
    this.#hashes = hashes;
    this.#ends = ends;
    this.#offsets = offsets;
    this.#slots = new Int32Array(capacity * 2);
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry);
  }
}

function hashOf(b: Buffer, start: number, length: number, seed: number): number {
  let h = seed ^ length;
  for (let i = start; i < start + length; i++) h = Math.imul(h ^ b[i]!, 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  return h ^ (h >>> 15);
}
