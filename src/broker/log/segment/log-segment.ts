import { verifyCrc } from '../../../protocol/record-batch.js';
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchSize,
  isWholeBatch,
  lastOffset,
  MAGIC_V2,
  magic,
  maxTimestamp,
  nextOffset,
} from '../../../protocol/record-batch-header.js';
import { type OpenFiles } from '../disk/open-files.js';
import { type LogConfig } from '../log-config.js';
import { type ReadOptions } from '../log-results.js';
import { type BatchVisitor, scanBatches } from './batch-scanner.js';
import { trustedPosition } from './index-trust.js';
import { PositionHints } from './position-hints.js';
import { type RollState } from './roll-policy.js';
import { SegmentFileSet } from './segment-file-set.js';

// One segment: a log file and its indexes. Nothing is read before it is needed: a closed segment costs no
// descriptor and no memory until somebody reads it.

const NOTHING = Buffer.alloc(0);

export interface SegmentOptions {
  readonly baseOffset: number;
  readonly createdAt: number;
  readonly jitterMs?: number;
  /** Bytes between two index entries: index.interval.bytes. */
  readonly indexIntervalBytes: number;
  /** Behind the names of its files, while it is not yet part of its log. */
  readonly suffix?: string;
}

export type SegmentRead = Pick<ReadOptions, 'maxBytes' | 'minOneBatch' | 'memory'>;

export interface RecoveryResult {
  /** First offset behind the last sound batch. */
  readonly nextOffset: number;
  /** Bytes cut off: a torn or damaged batch and all behind it. */
  readonly cutBytes: number;
}

export class LogSegment extends SegmentFileSet {
  readonly createdAt: number;
  readonly jitterMs: number;
  readonly #intervalBytes: number;
  #hints: PositionHints | undefined;
  #size = -1;
  #isLoaded = false;
  #nextOffset: number;
  #bytesSinceEntry = 0;
  #maxTimestamp = -1;
  #offsetOfMaxTimestamp = -1;
  #firstTimestamp: number | undefined;
  #isTorn = false;
  #isIntact = true;
  /** Whether the indexes may have to be written out when the segment ends. */
  #isChanged = false;

  constructor(directory: string, files: OpenFiles, options: SegmentOptions) {
    super(directory, options.baseOffset, files, options.suffix);
    this.createdAt = options.createdAt;
    this.jitterMs = options.jitterMs ?? 0;
    this.#intervalBytes = options.indexIntervalBytes;
    this.#nextOffset = options.baseOffset;
  }

  /** Makes the log file of a new segment. Whatever a crash left under its name goes. */
  create(): void {
    try {
      const handle = this.log.handle(true);
      if (handle.size() > 0) handle.truncate(0);
      for (const index of [this.offsetIndex, this.timeIndex, this.transactionIndex]) index.entries.reset();
    } catch (error) {
      // The log goes on in the segment before: an empty one in its midst would look like its end.
      this.close();
      this.files.fileSystem.remove(this.log.path);
      throw error;
    }
    this.#size = 0;
    this.#isLoaded = true;
  }

  /** The first segment of a new log: its file is made by the first append, so that an empty log costs none. */
  createLater(): void {
    this.#size = 0;
    this.#isLoaded = true;
    this.beginWithoutFiles();
  }

  /** Bytes in the log file. */
  get size(): number {
    if (this.#size < 0) this.#size = this.log.handle().size();
    return this.#size;
  }

  /** First offset behind the segment's last batch. */
  get nextOffset(): number {
    this.#load();
    return this.#nextOffset;
  }

  /** Largest timestamp of a batch; -1 when the segment is empty. */
  get maxTimestamp(): number {
    this.#load();
    return this.#maxTimestamp;
  }

  /** Last offset of the first batch that holds `maxTimestamp`. */
  get offsetOfMaxTimestamp(): number {
    this.#load();
    return this.#offsetOfMaxTimestamp;
  }

  /** A write failed and what it left could not be cut off: nothing may be appended behind it. */
  get isTorn(): boolean {
    return this.#isTorn;
  }

  /** Whether the file ends where its last batch ends. */
  get isIntact(): boolean {
    this.#load();
    return this.#isIntact;
  }

  rollState(config: LogConfig): RollState {
    return {
      baseOffset: this.baseOffset,
      size: this.size,
      firstTimestamp: this.firstTimestamp,
      createdAt: this.createdAt,
      jitterMs: this.jitterMs,
      hasFullIndex:
        this.offsetIndex.isFull(config.segmentIndexBytes) || this.timeIndex.isFull(config.segmentIndexBytes),
    };
  }

  /** Largest timestamp of the first batch; -1 when there is none. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp !== undefined) return this.#firstTimestamp;
    if (this.size < BATCH_HEADER_BYTES) return -1;
    const header = this.readBytes(0, BATCH_HEADER_BYTES);
    this.#firstTimestamp = maxTimestamp(header);
    return this.#firstTimestamp;
  }

  /** Writes whole batches behind the last one. When the write fails the file is cut back to where it was. */
  append(batches: Buffer): void {
    this.#load();
    const position = this.#size;
    const handle = this.log.handle(!this.hasFile);
    this.hasFile = true;
    this.#isChanged = true;
    try {
      handle.write([batches], position);
    } catch (error) {
      try {
        handle.truncate(position);
      } catch {
        this.#isTorn = true; // the write's error says more than this one
      }
      throw error;
    }
    this.#size = position + batches.length;
    if (this.#firstTimestamp === undefined && position === 0) this.#firstTimestamp = maxTimestamp(batches);
    for (let at = 0, size = 0; at < batches.length; at += size) {
      size = batchSize(batches, at);
      this.#note(batches, at, position + at, size);
    }
  }

  /** Bookkeeping of one batch, as it is appended or found again. */
  #note(buffer: Buffer, at: number, position: number, size: number): void {
    const last = lastOffset(buffer, at);
    const timestamp = maxTimestamp(buffer, at);
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
      this.#offsetOfMaxTimestamp = last;
    }
    if (this.#bytesSinceEntry > this.#intervalBytes) {
      this.timeIndex.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
      this.offsetIndex.append(last, position);
      this.#bytesSinceEntry = 0;
      if (this.offsetIndex.entries.isDue) this.#writeDueEntries();
    }
    this.#bytesSinceEntry += size;
    this.#nextOffset = last + 1;
  }

  #writeDueEntries(): void {
    try {
      this.writeIndexes();
    } catch {
      // The entries stay held back; the next flush tries again and reports.
    }
  }

  /** Takes up a segment found on disk: indexes that cannot be right are rebuilt, the rest is read from their end. */
  #load(): void {
    if (this.#isLoaded) return;
    this.#takeUp(false, Number.POSITIVE_INFINITY);
  }

  /**
   * Takes the segment up after an unclean stop: cuts it off at the first batch that is torn, out of order or fails its
   * checksum. Batches that end at or before `verifyFrom` are trusted; `rebuild` trusts no index either.
   */
  recover(rebuild: boolean, verifyFrom: number): RecoveryResult {
    if (!this.hasFile) return { nextOffset: this.#nextOffset, cutBytes: 0 };
    this.#isChanged = true;
    const end = this.#takeUp(rebuild, verifyFrom);
    const cutBytes = this.#size - end;
    if (cutBytes > 0) {
      this.log.handle().truncate(end);
      this.offsetIndex.truncateTo(end);
      this.timeIndex.truncateTo(this.#nextOffset);
      this.#takeUp(false, Number.POSITIVE_INFINITY); // the largest timestamp may have been in what is gone
    }
    return { nextOffset: this.#nextOffset, cutBytes };
  }

  #takeUp(rebuild: boolean, verifyFrom: number): number {
    this.#isLoaded = true;
    this.#size = this.log.handle().size();
    const from = rebuild ? -1 : trustedPosition(this);
    if (from < 0) {
      this.#isChanged = true;
      this.offsetIndex.entries.reset();
      this.timeIndex.entries.reset();
    }
    this.#nextOffset = this.baseOffset;
    this.#bytesSinceEntry = 0;
    this.#maxTimestamp = this.timeIndex.lastTimestamp;
    const { count } = this.timeIndex.entries;
    this.#offsetOfMaxTimestamp = count === 0 ? -1 : this.timeIndex.offsetAt(count - 1);
    const verifies = verifyFrom !== Number.POSITIVE_INFINITY;
    const end = this.scan(Math.max(0, from), verifies, (buffer, at, position, size) => {
      if (magic(buffer, at) !== MAGIC_V2 || baseOffset(buffer, at) < this.#nextOffset) return false;
      if (lastOffset(buffer, at) < baseOffset(buffer, at)) return false;
      if (verifies && nextOffset(buffer, at) > verifyFrom && !verifyCrc(buffer.subarray(0, at + size), at))
        return false;
      this.#note(buffer, at, position, size);
      return true;
    });
    this.#isIntact = end === this.#size;
    // The end of a torn time index may be missing.
    if (this.#maxTimestamp > this.timeIndex.lastTimestamp) this.#isChanged = true;
    return end;
  }

  scan(from: number, whole: boolean, visit: BatchVisitor, to: number = this.size): number {
    return to - from < BATCH_HEADER_BYTES ? from : scanBatches(this.log.handle(), from, to, whole, visit);
  }

  readBytes(position: number, length: number, memory?: (bytes: number) => Buffer): Buffer {
    const bytes = memory ? memory(length) : Buffer.allocUnsafe(length);
    return bytes.subarray(0, this.log.handle().read(bytes, 0, length, position));
  }

  /** Position of the first batch that ends behind `offset`; the size when there is none. */
  positionOf(offset: number): number {
    this.#load();
    if (offset >= this.#nextOffset) return this.#size;
    const hinted = this.#hints?.get(offset);
    if (hinted !== undefined && hinted >= 0) return hinted;
    const from = this.offsetIndex.lookup(offset);
    return this.scan(from, false, (buffer, at) => lastOffset(buffer, at) < offset);
  }

  /**
   * Whole batches from the one that contains `offset` (or, over a gap, the next), up to `limit`, a position. The first
   * one comes even if it is larger than `maxBytes` when `minOneBatch` says so.
   */
  read(offset: number, { maxBytes, minOneBatch, memory }: SegmentRead, limit: number = this.size): Buffer {
    const position = this.positionOf(offset);
    const available = limit - position;
    if (available < BATCH_HEADER_BYTES) return NOTHING;
    let bytes = this.readBytes(position, Math.min(available, Math.max(maxBytes, BATCH_HEADER_BYTES)), memory);
    const first = batchSize(bytes);
    if (first > maxBytes) {
      if (!minOneBatch) return NOTHING;
      bytes = this.readBytes(position, first, memory);
    }
    return this.#trimToBatches(bytes, position);
  }

  #trimToBatches(bytes: Buffer, position: number): Buffer {
    let end = 0;
    let next = -1;
    while (isWholeBatch(bytes, end)) {
      next = nextOffset(bytes, end);
      end += batchSize(bytes, end);
    }
    if (next >= 0) {
      this.#hints ??= new PositionHints();
      this.#hints.put(next, position + end);
    }
    return end === bytes.length ? bytes : bytes.subarray(0, end);
  }

  /** The segment takes no more batches: its last timestamp is indexed and the indexes are written out. */
  seal(): void {
    if (!this.hasFile) return;
    this.#load();
    if (!this.#isChanged && !this.offsetIndex.entries.hasUnwritten && !this.timeIndex.entries.hasUnwritten) return;
    this.timeIndex.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
    this.writeIndexes();
  }
}
