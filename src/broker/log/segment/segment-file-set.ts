import { type OpenFiles, type PathSource, type PooledFile } from '../disk/open-files.js';
import { type EntryFile } from './entry-file.js';
import { DELETED_SUFFIX, SEGMENT_EXTENSIONS, type SegmentExtension, segmentPath } from './segment-files.js';
import { OffsetIndex, TimeIndex } from './sparse-index.js';
import { TransactionIndex } from './transaction-index.js';

// The files of one segment, as files: where they lie, how they reach the device, and how they leave. A base of the
// segment and no part of it: thousands of idle segments then need no second object each.

export abstract class SegmentFileSet implements PathSource {
  readonly log: PooledFile;
  /** Made when they are asked for: an idle segment has none. */
  #offsetIndex: OffsetIndex | undefined;
  #timeIndex: TimeIndex | undefined;
  #transactionIndex: TransactionIndex | undefined;
  /** False while the log file waits for its first batch. */
  protected hasFile = true;
  #hasNoIndexes = false;
  #isRetired = false;
  #suffix: string;

  constructor(
    readonly directory: string,
    readonly baseOffset: number,
    protected readonly files: OpenFiles,
    suffix = '',
  ) {
    this.#suffix = suffix;
    this.log = files.file(this);
  }

  /** Neither the log file nor one of an index is there: nobody has to look. */
  protected beginWithoutFiles(): void {
    this.hasFile = false;
    this.#hasNoIndexes = true;
  }

  /** Whether there could be a file of an index. */
  get mayHaveIndexes(): boolean {
    return !this.#hasNoIndexes || this.hasFile;
  }

  get offsetIndex(): OffsetIndex {
    this.#offsetIndex ??= this.#taken(new OffsetIndex(this.files, this, this.baseOffset));
    return this.#offsetIndex;
  }

  get timeIndex(): TimeIndex {
    this.#timeIndex ??= this.#taken(new TimeIndex(this.files, this, this.baseOffset));
    return this.#timeIndex;
  }

  get transactionIndex(): TransactionIndex {
    if (!this.#transactionIndex) {
      this.#transactionIndex = new TransactionIndex(this.files, this);
      if (this.#hasNoIndexes) this.#transactionIndex.entries.beginEmpty();
    }
    return this.#transactionIndex;
  }

  #taken<I extends OffsetIndex | TimeIndex>(index: I): I {
    index.entries.setActive(this.log.isActive);
    if (this.#hasNoIndexes) index.entries.beginEmpty();
    return index;
  }

  /** The indexes leave memory, save one that holds what its file does not; whoever asks for one reads it again. */
  releaseIndexes(): void {
    if (this.hasFile) this.#hasNoIndexes = false;
    if (this.#offsetIndex?.entries.release()) this.#offsetIndex = undefined;
    if (this.#timeIndex?.entries.release()) this.#timeIndex = undefined;
    if (this.#transactionIndex?.entries.release()) this.#transactionIndex = undefined;
  }

  pathOf(extension: SegmentExtension): string {
    return segmentPath(this.directory, this.baseOffset, extension) + this.#suffix;
  }

  /** Its files are on their way out. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  setActive(active: boolean): void {
    this.log.isActive = active;
    this.#offsetIndex?.entries.setActive(active);
    this.#timeIndex?.entries.setActive(active);
  }

  writeIndexes(): void {
    // The time index first: an offset entry then never stands for timestamps that are not indexed.
    this.timeIndex.entries.write();
    this.offsetIndex.entries.write();
    if (this.transactionIndex.entries.hasUnwritten) this.transactionIndex.entries.write();
  }

  /** fsync of the log and its indexes. Ends early and without error when the segment is retired meanwhile. */
  sync(): Promise<void> {
    const { log, timeIndex, offsetIndex, transactionIndex } = this;
    const files = [log, timeIndex.entries, offsetIndex.entries];
    return this.#syncEach(transactionIndex.entries.exists() ? [...files, transactionIndex.entries] : files);
  }

  /** fsync of the log file alone. */
  syncLog(): Promise<void> {
    return this.#syncEach([this.log]);
  }

  async #syncEach(files: readonly (PooledFile | EntryFile)[]): Promise<void> {
    try {
      for (const file of files) if (this.hasFile && !this.#isRetired) await file.sync();
    } catch (error) {
      if (!this.#isRetired) throw error;
    }
  }

  /** Takes the files out of the log; returns their new names, for removal after a delay. */
  retire(): string[] {
    this.#isRetired = true;
    return this.rename(DELETED_SUFFIX);
  }

  /** Gives the files another suffix and returns their new names. Should one fail, each is still found where it is. */
  rename(suffix: string): string[] {
    const { log, offsetIndex, timeIndex, transactionIndex } = this;
    const files = [log, offsetIndex.entries, timeIndex.entries, transactionIndex.entries];
    // The log first: recovery goes by it.
    const renamed = SEGMENT_EXTENSIONS.map((extension, i) =>
      files[i]!.rename(segmentPath(this.directory, this.baseOffset, extension) + suffix),
    );
    this.#suffix = suffix;
    return renamed.filter((path) => path !== undefined);
  }

  close(): void {
    this.log.close();
    this.#offsetIndex?.entries.close();
    this.#timeIndex?.entries.close();
    this.#transactionIndex?.entries.close();
  }
}
