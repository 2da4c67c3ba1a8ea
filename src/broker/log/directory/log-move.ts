import { partitionName, type TopicPartition } from '../../../common/topic-partition.js';
import { type WorkPace } from '../cleaner/work-pace.js';
import { type FileHandle, type FileSystem } from '../disk/file-system.js';
import { type PartitionLog } from '../partition-log.js';
import { type LogSegment } from '../segment/log-segment.js';
import { parseSegmentName, SEGMENT_EXTENSIONS, type SegmentExtension, segmentPath } from '../segment/segment-files.js';
import { LEADER_EPOCH_FILE, PARTITION_METADATA_FILE } from './checkpoint-file.js';
import { type LogDirectory } from './log-directory.js';
import { setAsideName } from './partition-directory.js';

// One log on its way to another directory. Its files are copied beside it while it goes on; when little is left the
// rest is copied, flushed and put in its place in one turn, so that no append can come in between. Until then the copy
// has a name that counts for nothing, as Kafka's "future" replica.

const CHUNK_BYTES = 256 * 1024;
/** Of all moves: a chunk is read and written in one turn. */
const CHUNK = Buffer.allocUnsafeSlow(CHUNK_BYTES);
/** So much is copied while everybody waits. */
const LAST_BYTES = 1024 * 1024;

export class LogMove {
  readonly #path: string;
  /** Bytes of each segment's log that were copied; closed ones are on the device when they are in `#whole`. */
  readonly #copied = new Map<LogSegment, number>();
  readonly #whole = new Set<LogSegment>();
  isCancelled = false;

  constructor(
    readonly source: PartitionLog,
    readonly target: LogDirectory,
    uniqueHex: string,
  ) {
    this.#path = `${target.path}/${setAsideName(source.topicPartition, uniqueHex, 'future')}`;
  }

  get topicPartition(): TopicPartition {
    return this.source.topicPartition;
  }

  /** Nobody wants it any more, or nobody can. */
  get isOver(): boolean {
    return this.isCancelled || this.source.isClosed || this.source.isUnserved || this.target.failure !== undefined;
  }

  get copiedBytes(): number {
    let bytes = 0;
    for (const segment of this.source.segments) bytes += this.#copied.get(segment) ?? 0;
    return bytes;
  }

  /** Offsets of the log that are not in the copy yet, closed segments counted as a whole. */
  get offsetLag(): number {
    const { segments, logEndOffset } = this.source;
    const first = segments.find((segment) => !this.#whole.has(segment) && this.#left(segment) > 0);
    return first ? Math.max(0, logEndOffset - first.baseOffset) : 0;
  }

  get #fs(): FileSystem {
    return this.target.context.fileSystem;
  }

  /** Copies until what is left can be done in one turn, or the move is over. */
  async copy(pace: WorkPace, stopped: AbortSignal): Promise<void> {
    this.#fs.makeDirectory(this.#path);
    for (;;) {
      if (this.isOver || stopped.aborted) return;
      const closed = this.source.segments.slice(0, -1).find((segment) => !this.#whole.has(segment));
      const segment = closed ?? this.source.segments.at(-1)!;
      if (!closed && this.#left(segment) <= LAST_BYTES) return;
      await this.#copyLog(segment, pace, stopped);
      if (closed && this.source.segments.includes(closed) && this.#left(closed) === 0) await this.#complete(closed);
    }
  }

  #left(segment: LogSegment): number {
    return segment.size - (this.#copied.get(segment) ?? 0);
  }

  async #copyLog(segment: LogSegment, pace: WorkPace, stopped: AbortSignal): Promise<void> {
    const isWanted = (): boolean => !this.isOver && !stopped.aborted && this.source.segments.includes(segment);
    while (isWanted() && this.#left(segment) > 0) {
      this.#copyChunk(segment);
      if (pace.spend(CHUNK_BYTES)) await pace.rest();
    }
  }

  #copyChunk(segment: LogSegment): void {
    const from = this.#copied.get(segment) ?? 0;
    const count = segment.log.handle().read(CHUNK, 0, Math.min(CHUNK_BYTES, segment.size - from), from);
    this.#with(segment, 'log', (handle) => {
      // Compaction puts another segment in the place of one that was copied.
      if (from === 0) handle.truncate(0);
      handle.write([CHUNK.subarray(0, count)], from);
    });
    this.#copied.set(segment, from + count);
  }

  #with(segment: LogSegment, extension: SegmentExtension, work: (handle: FileHandle) => void): void {
    const handle = this.#fs.open(segmentPath(this.#path, segment.baseOffset, extension), { create: true });
    try {
      work(handle);
    } finally {
      handle.close();
    }
  }

  /** A closed segment's indexes, and all of it on the device. */
  async #complete(segment: LogSegment): Promise<void> {
    this.#copyIndexes(segment);
    const handle = this.#fs.open(segmentPath(this.#path, segment.baseOffset, 'log'));
    try {
      await handle.sync();
    } finally {
      handle.close();
    }
    this.#whole.add(segment);
  }

  #copyIndexes(segment: LogSegment): void {
    for (const extension of SEGMENT_EXTENSIONS) {
      const path = segmentPath(segment.directory, segment.baseOffset, extension);
      if (extension === 'log' || !this.#fs.exists(path)) continue;
      this.#with(segment, extension, (handle) => {
        const content = this.#fs.readFile(path);
        handle.truncate(0);
        handle.write([content], 0);
        handle.syncNow();
      });
    }
  }

  /**
   * Puts the copy into its place in one turn, in which the log has to be replaced. False when more has to be copied
   * first. When this throws, the log is where it was.
   */
  finish(): boolean {
    const { source } = this;
    source.settle();
    const active = source.segments.at(-1)!;
    if (source.segments.some((segment) => segment !== active && !this.#whole.has(segment))) return false;
    if (this.#left(active) > LAST_BYTES) return false;
    this.#finishActive(active);
    this.#copySmallFiles();
    const fs = this.#fs;
    fs.syncDirectory(this.#path);
    const place = `${this.target.path}/${partitionName(source.topicPartition)}`;
    fs.rename(this.#path, place);
    fs.syncDirectory(this.target.path);
    return true;
  }

  #finishActive(active: LogSegment): void {
    while (this.#left(active) > 0) this.#copyChunk(active);
    if (active.size > 0) this.#with(active, 'log', (handle) => handle.syncNow());
    this.#copyIndexes(active);
  }

  #copySmallFiles(): void {
    const fs = this.#fs;
    const { directory, segments } = this.source;
    for (const name of fs.list(this.#path)) {
      const parsed = parseSegmentName(name);
      if (parsed && !segments.some(({ baseOffset }) => baseOffset === parsed.offset))
        fs.remove(`${this.#path}/${name}`);
    }
    // A log that does not begin at 0 has its start in the name of its first file, even of an empty one.
    for (const segment of segments) {
      const isThere = fs.exists(segmentPath(directory, segment.baseOffset, 'log'));
      if (isThere && segment.size === 0) this.#with(segment, 'log', (handle) => handle.syncNow());
    }
    const isSmall = (name: string): boolean =>
      name === LEADER_EPOCH_FILE ||
      name === PARTITION_METADATA_FILE ||
      parseSegmentName(name)?.extension === 'snapshot';
    for (const name of fs.list(directory).filter(isSmall)) {
      fs.writeFileAtomic(`${this.#path}/${name}`, fs.readFile(`${directory}/${name}`));
    }
  }

  /** Removes what was copied. */
  discard(): void {
    this.#fs.remove(this.#path);
  }
}
