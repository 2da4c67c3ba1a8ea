import { writeUnsynced } from '../directory/checkpoint-file.js';
import { type FileSystem } from '../disk/file-system.js';
import { segmentPath } from '../segment/segment-files.js';
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.js';
import { type ProducerState, type ProducerStates } from './producer-state.js';

// The producer snapshots in a partition's directory. They carry a checksum, so none is synced: one that did not
// survive a power loss is noticed, and the log is read from an older one.

const NONE: readonly number[] = [];

export class SnapshotFiles {
  #offsets: readonly number[];

  constructor(
    private readonly fs: FileSystem,
    private readonly directory: string,
    offsets: readonly number[],
  ) {
    this.#offsets = offsets.length === 0 ? NONE : [...offsets].sort((a, b) => a - b);
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  write(offset: number, states: ProducerStates): void {
    writeUnsynced(this.fs, segmentPath(this.directory, offset, 'snapshot'), encodeSnapshot(states.all()));
    if (!this.#offsets.includes(offset)) this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b);
  }

  /** The newest sound snapshot at or before `limit`; damaged ones and those behind `limit` are removed on the way. */
  readNewest(limit: number, now: number): { offset: number; states: ProducerState[] } | undefined {
    for (let offset = this.#offsets.at(-1); offset !== undefined; offset = this.#offsets.at(-1)) {
      const path = segmentPath(this.directory, offset, 'snapshot');
      const states = offset <= limit ? decodeSnapshot(this.fs.readFile(path), now) : undefined;
      if (states) return { offset, states };
      this.#remove(offset);
    }
    return undefined;
  }

  /** Keeps the newest one and those at the base of a segment. */
  prune(isSegmentBase: (offset: number) => boolean): void {
    for (const offset of this.#offsets.slice(0, -1)) if (!isSegmentBase(offset)) this.#remove(offset);
  }

  #remove(offset: number): void {
    this.fs.remove(segmentPath(this.directory, offset, 'snapshot'));
    this.#offsets = this.#offsets.filter((known) => known !== offset);
  }
}
