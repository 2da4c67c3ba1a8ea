import { OffsetRuns } from './offset-runs.js';

// Which keys of one partition have records waiting in its retry lane: their later records must follow them there. No
// I/O, no clock. Every record of the lane is counted once, whether it was found by the scan at the start, sent from
// here, or read before its acknowledgment came.

export class KeyLanes {
  readonly #waiting = new Map<string, number>();
  /** Sent from here and acknowledged, but not read back yet: counted already. */
  readonly #acknowledged = new OffsetRuns();
  /** Next offset of the lane to be read; what lies before it is counted. */
  #position: number;
  /** End of what the scan counted. */
  #scannedTo: number;

  /** @param position where reading of the lane begins */
  constructor(position: number) {
    this.#position = position;
    this.#scannedTo = position;
  }

  /** Whether a record of the key would overtake one that waits. */
  mustFollow(key: string): boolean {
    return this.#waiting.size > 0 && this.#waiting.has(key);
  }

  /** Keys that wait, and records. */
  get size(): { readonly keys: number; readonly records: number } {
    let records = 0;
    for (const count of this.#waiting.values()) records += count;
    return { keys: this.#waiting.size, records };
  }

  /** The scan met a record that nobody has finished. */
  scanned(key: string | null, offset: number): void {
    this.#scannedTo = offset + 1;
    this.#add(key);
  }

  /** A record is on its way to the lane: from now on the key waits. */
  sent(key: string | null): void {
    this.#add(key);
  }

  acknowledged(key: string | null, offset: number): void {
    // Read already, and counted then; or a repetition of what the scan has counted.
    if (offset < this.#position || offset < this.#scannedTo) this.#remove(key);
    else this.#acknowledged.add(offset);
  }

  /** It did not get there, as far as is known; should it be there all the same, reading it counts it. */
  refused(key: string | null): void {
    this.#remove(key);
  }

  /** The lane's next record was read. */
  received(key: string | null, offset: number): void {
    if (offset < this.#position) return;
    this.#position = offset + 1;
    if (offset >= this.#scannedTo && !this.#acknowledged.takeUpTo(offset)) this.#add(key);
  }

  /** A record of the lane is finished: handled, or on its way further. */
  finished(key: string | null): void {
    this.#remove(key);
  }

  #add(key: string | null): void {
    if (key !== null) this.#waiting.set(key, (this.#waiting.get(key) ?? 0) + 1);
  }

  #remove(key: string | null): void {
    if (key === null) return;
    const left = (this.#waiting.get(key) ?? 0) - 1;
    if (left > 0) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
  }
}
