import { type FileOwner, type FilePlace, type OpenFiles, type PooledFile } from '../disk/open-files.js';
import { type SegmentExtension } from './segment-files.js';

// A file of entries of one size, as Kafka's indexes are, held in memory while it is used. Entries reach the file in
// groups: an index can always be rebuilt from its log, so it need not be written with every batch.

const NOTHING: Buffer = Buffer.alloc(0);
const FIRST_ENTRIES = 32;
/** Entries held back before they are written: what a crash costs is a scan of so many index intervals. */
const WRITE_EVERY = 32;

export class EntryFile implements FileOwner {
  readonly #file: PooledFile;
  #bytes = NOTHING;
  #count = 0;
  /** Entries already in the file. */
  #written = 0;
  #isLoaded = false;

  constructor(
    files: OpenFiles,
    place: FilePlace,
    extension: SegmentExtension,
    readonly entryBytes: number,
  ) {
    this.#file = files.file(place, extension, this);
  }

  /** An index that loses its descriptor gives up its memory too, unless it holds what the file does not. */
  evicted(): void {
    if (this.#written === this.#count) this.#unload();
  }

  get path(): string {
    return this.#file.path;
  }

  /** The entries back to back; only the first `count` are meant. */
  get bytes(): Buffer {
    if (!this.#isLoaded) this.#load();
    return this.#bytes;
  }

  get count(): number {
    if (!this.#isLoaded) this.#load();
    return this.#count;
  }

  /** Size of all entries; asking does not bring them into memory. */
  get sizeBytes(): number {
    if (this.#isLoaded) return this.#count * this.entryBytes;
    return this.#file.exists() ? this.#file.handle().size() : 0;
  }

  get hasUnwritten(): boolean {
    return this.#written < this.#count;
  }

  exists(): boolean {
    return this.hasUnwritten || this.#file.exists();
  }

  /** Whether the file's size is one that whole entries make. */
  get isWhole(): boolean {
    return !this.#file.exists() || this.#file.handle().size() % this.entryBytes === 0;
  }

  setActive(active: boolean): void {
    this.#file.isActive = active;
  }

  #load(): void {
    this.#isLoaded = true;
    this.#count = this.#written = 0;
    if (!this.#file.exists()) return;
    const handle = this.#file.handle();
    this.#count = this.#written = Math.floor(handle.size() / this.entryBytes);
    this.#bytes = Buffer.allocUnsafe(this.#count * this.entryBytes);
    handle.read(this.#bytes, 0, this.#bytes.length, 0);
  }

  #unload(): void {
    this.#isLoaded = false;
    this.#bytes = NOTHING;
  }

  /** Makes room for one more entry and returns where in `bytes` it goes; the caller fills it at once. */
  add(): number {
    const at = this.count * this.entryBytes;
    if (at + this.entryBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_ENTRIES * this.entryBytes, at * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#count++;
    return at;
  }

  /** Whether so many entries are held back that they should be written. */
  get isDue(): boolean {
    return this.#count - this.#written >= WRITE_EVERY;
  }

  /** Writes the entries that are held back; makes the file even when there are none. */
  write(): void {
    const from = this.#written * this.entryBytes;
    const handle = this.#file.handle(true);
    if (this.#written === this.#count) return;
    handle.write([this.#bytes.subarray(from, this.#count * this.entryBytes)], from);
    this.#written = this.#count;
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    if (count >= this.count) return;
    this.#count = count;
    if (this.#written <= count) return;
    this.#written = count;
    this.#file.handle().truncate(count * this.entryBytes);
  }

  /** There is no file and there are no entries: nobody has to look. */
  beginEmpty(): void {
    this.#unload();
    this.#isLoaded = true;
    this.#count = this.#written = 0;
  }

  /** Drops all entries and whatever the file holds, torn or foreign. */
  reset(): void {
    this.beginEmpty();
    if (this.#file.exists()) this.#file.handle().truncate(0);
  }

  async sync(): Promise<void> {
    this.write();
    await this.#file.sync();
  }

  /** Closes the file and forgets what it holds; false while there are entries that it does not hold. */
  release(): boolean {
    if (this.hasUnwritten) return false;
    this.close();
    return true;
  }

  close(): void {
    this.#file.close();
    if (this.#written === this.#count) this.#unload();
  }

  /** Renames the file, if there is one, and returns its new name. Entries that were not written are held on to. */
  rename(path: string): string | undefined {
    this.close();
    return this.#file.rename(path);
  }
}
