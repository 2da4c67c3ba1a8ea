import { type FilePlace, type OpenFiles } from '../disk/open-files.js';
import { EntryFile } from './entry-file.js';

// The two sparse indexes of a segment, byte for byte Kafka's: from offset to file position, and from timestamp to
// offset. Offsets are stored relative to the segment's base.

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

const readTimestamp = (b: Buffer, at: number): number => b.readInt32BE(at) * 0x1_0000_0000 + b.readUInt32BE(at + 4);

/** Index of the last of `count` entries for which `qualifies` holds, given that it holds for a first stretch; or -1. */
function lastWhere(count: number, qualifies: (entry: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (qualifies(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Entry: the LAST offset of a batch and the position at which that batch starts. */
export class OffsetIndex {
  readonly entries: EntryFile;

  constructor(
    files: OpenFiles,
    place: FilePlace,
    readonly baseOffset: number,
  ) {
    this.entries = new EntryFile(files, place, 'index', OFFSET_ENTRY_BYTES);
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.entries.bytes.readInt32BE(entry * OFFSET_ENTRY_BYTES);
  }

  positionAt(entry: number): number {
    return this.entries.bytes.readInt32BE(entry * OFFSET_ENTRY_BYTES + 4);
  }

  append(lastOffset: number, position: number): void {
    const at = this.entries.add();
    this.entries.bytes.writeInt32BE(lastOffset - this.baseOffset, at);
    this.entries.bytes.writeInt32BE(position, at + 4);
  }

  /** Position from which a scan finds the batch that contains `offset`, if there is one. */
  lookup(offset: number): number {
    const entry = lastWhere(this.entries.count, (i) => this.offsetAt(i) <= offset);
    return entry < 0 ? 0 : this.positionAt(entry);
  }

  /** Start of a batch at or before `position`. */
  positionBefore(position: number): number {
    const entry = lastWhere(this.entries.count, (i) => this.positionAt(i) <= position);
    return entry < 0 ? 0 : this.positionAt(entry);
  }

  /** Position of the last entry's batch; 0 when there is none. */
  get lastPosition(): number {
    const { count } = this.entries;
    return count === 0 ? 0 : this.positionAt(count - 1);
  }

  isFull(maxBytes: number): boolean {
    return this.entries.count >= Math.floor(maxBytes / OFFSET_ENTRY_BYTES);
  }

  /** Drops entries of batches that start at `position` or behind it. */
  truncateTo(position: number): void {
    this.entries.truncate(lastWhere(this.entries.count, (i) => this.positionAt(i) < position) + 1);
  }

  /**
   * Whether the entries can belong to a log of this size: positions within it, both columns rising. Kafka fills the
   * unused rest of an active index with zeros; those are dropped first.
   */
  isSane(logSize: number): boolean {
    if (!this.entries.isWhole) return false;
    this.#dropPadding();
    const { count } = this.entries;
    if (count === 0) return true;
    const lastIsGood = this.offsetAt(count - 1) >= this.baseOffset && this.positionAt(count - 1) < logSize;
    return lastIsGood && (count < 2 || this.positionAt(count - 2) < this.positionAt(count - 1));
  }

  #dropPadding(): void {
    const { count } = this.entries;
    if (count === 0 || this.positionAt(count - 1) !== 0) return;
    // No entry points at position 0: the first batch of a segment is never indexed.
    this.entries.truncate(lastWhere(count, (i) => this.positionAt(i) !== 0) + 1);
  }
}

/** Entry: the largest timestamp so far and the last offset of the batch that holds it. */
export class TimeIndex {
  readonly entries: EntryFile;

  constructor(
    files: OpenFiles,
    place: FilePlace,
    readonly baseOffset: number,
  ) {
    this.entries = new EntryFile(files, place, 'timeindex', TIME_ENTRY_BYTES);
  }

  timestampAt(entry: number): number {
    return readTimestamp(this.entries.bytes, entry * TIME_ENTRY_BYTES);
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.entries.bytes.readInt32BE(entry * TIME_ENTRY_BYTES + 8);
  }

  /** Largest timestamp indexed; -1 when there is none. */
  get lastTimestamp(): number {
    const { count } = this.entries;
    return count === 0 ? -1 : this.timestampAt(count - 1);
  }

  /** Adds an entry if the timestamp is larger than the last one's. */
  maybeAppend(timestamp: number, lastOffset: number): void {
    if (timestamp <= this.lastTimestamp) return;
    const at = this.entries.add();
    const { bytes } = this.entries;
    bytes.writeInt32BE(Math.floor(timestamp / 0x1_0000_0000), at);
    bytes.writeInt32BE(timestamp | 0, at + 4);
    bytes.writeInt32BE(lastOffset - this.baseOffset, at + 8);
  }

  /** Offset before which every timestamp is below `timestamp`, as far as the index knows. */
  lookup(timestamp: number): number {
    const entry = lastWhere(this.entries.count, (i) => this.timestampAt(i) <= timestamp);
    return entry < 0 ? this.baseOffset : this.offsetAt(entry);
  }

  isFull(maxBytes: number): boolean {
    return this.entries.count >= Math.floor(maxBytes / TIME_ENTRY_BYTES) - 1;
  }

  /** Drops entries that point at `offset` or behind it. */
  truncateTo(offset: number): void {
    this.entries.truncate(lastWhere(this.entries.count, (i) => this.offsetAt(i) < offset) + 1);
  }

  isSane(): boolean {
    if (!this.entries.isWhole) return false;
    this.#dropPadding();
    const { count } = this.entries;
    if (count === 0) return true;
    if (this.offsetAt(count - 1) < this.baseOffset) return false;
    return count < 2 || this.timestampAt(count - 2) < this.timestampAt(count - 1);
  }

  #dropPadding(): void {
    const { count } = this.entries;
    if (count < 2 || this.timestampAt(count - 1) !== 0) return;
    this.entries.truncate(lastWhere(count, (i) => this.timestampAt(i) > 0) + 1);
  }
}
