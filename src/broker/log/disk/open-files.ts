import { StorageCounters } from '../directory/storage-counters.js';
import { type SegmentExtension } from '../segment/segment-files.js';
import { type FileHandle, type FileSystem } from './file-system.js';

// Keeps the number of open descriptors bounded however many segments there are. A PooledFile opens its file when it
// is first used and again after it lost its descriptor to another one.

export const DEFAULT_MAX_OPEN_FILES = 512;
/** fsyncs at once: each holds a descriptor, and more than this no device does faster. */
const MAX_SYNCS = 32;

/** Tells paths when they are asked for: thousands of idle files then need none in memory. */
export interface PathSource {
  pathOf(extension: SegmentExtension): string;
}

/** A path, or who knows it. */
export type FilePlace = string | PathSource;

export interface FileOwner {
  /** The file lost its descriptor to another one. */
  evicted(): void;
}

export class OpenFiles {
  /** Files that are open, the least recently used first; those of active segments apart. */
  readonly #idle = new Set<PooledFile>();
  readonly #active = new Set<PooledFile>();
  readonly #waiting: Array<() => void> = [];
  #syncs = 0;

  constructor(
    readonly fileSystem: FileSystem,
    readonly limit: number = DEFAULT_MAX_OPEN_FILES,
    private readonly counters: StorageCounters = new StorageCounters(),
  ) {}

  get openCount(): number {
    return this.#idle.size + this.#active.size;
  }

  file(place: FilePlace, extension: SegmentExtension = 'log', owner?: FileOwner): PooledFile {
    return new PooledFile(this, place, extension, owner);
  }

  opened(file: PooledFile): void {
    if (this.openCount >= this.limit) this.#evictOne();
    this.#place(file).add(file);
  }

  /** An open file was used again, or became active or ceased to be. */
  used(file: PooledFile): void {
    this.closed(file);
    this.#place(file).add(file);
  }

  closed(file: PooledFile): void {
    if (!this.#active.delete(file)) this.#idle.delete(file);
  }

  #place(file: PooledFile): Set<PooledFile> {
    return file.isActive ? this.#active : this.#idle;
  }

  /** Makes renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void> {
    return this.limited(() => this.fileSystem.syncDirectoryLater(path));
  }

  /** Runs an fsync once there is room for it. */
  async limited(sync: () => Promise<void>): Promise<void> {
    if (this.#syncs < Math.min(MAX_SYNCS, Math.ceil(this.limit / 2))) this.#syncs++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.counters.syncs++;
    try {
      await sync();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#syncs--;
    }
  }

  /** The least recently used one goes; files of active segments only when nothing else is left. */
  #evictOne(): void {
    const victim = firstAtRest(this.#idle) ?? firstAtRest(this.#active);
    victim?.evict();
  }
}

function firstAtRest(files: Iterable<PooledFile>): PooledFile | undefined {
  for (const file of files) if (!file.isSyncing) return file;
  return undefined;
}

/** A descriptor with the fsyncs that run on it. */
interface Descriptor {
  readonly handle: FileHandle;
  syncs: number;
  closing: boolean;
}

export class PooledFile {
  #descriptor: Descriptor | undefined;
  #place: FilePlace;
  #isActive = false;

  constructor(
    private readonly pool: OpenFiles,
    place: FilePlace,
    private readonly extension: SegmentExtension,
    private readonly owner: FileOwner | undefined,
  ) {
    this.#place = place;
  }

  get path(): string {
    return typeof this.#place === 'string' ? this.#place : this.#place.pathOf(this.extension);
  }

  /** Belongs to an active segment: evicted last. */
  get isActive(): boolean {
    return this.#isActive;
  }

  set isActive(isActive: boolean) {
    if (this.#isActive === isActive) return;
    this.#isActive = isActive;
    if (this.#descriptor) this.pool.used(this);
  }

  get isSyncing(): boolean {
    return this.#descriptor !== undefined && this.#descriptor.syncs > 0;
  }

  exists(): boolean {
    return this.#descriptor !== undefined || this.pool.fileSystem.exists(this.path);
  }

  /** Opens the file, making it when it is missing and `create` says so. Use the handle in the same turn only. */
  handle(create = false): FileHandle {
    return this.#use(create).handle;
  }

  #use(create: boolean): Descriptor {
    if (this.#descriptor) {
      this.pool.used(this);
      return this.#descriptor;
    }
    const handle = this.pool.fileSystem.open(this.path, { create });
    this.pool.opened(this);
    this.#descriptor = { handle, syncs: 0, closing: false };
    return this.#descriptor;
  }

  sync(): Promise<void> {
    return this.pool.limited(() => this.#sync());
  }

  async #sync(): Promise<void> {
    const descriptor = this.#use(false);
    descriptor.syncs++;
    try {
      await descriptor.handle.sync();
    } finally {
      descriptor.syncs--;
      if (descriptor.closing && descriptor.syncs === 0) descriptor.handle.close();
    }
  }

  evict(): void {
    this.close();
    this.owner?.evicted();
  }

  /** A descriptor in the hands of a running fsync is closed when that ends: its number could otherwise be reused. */
  close(): void {
    const descriptor = this.#descriptor;
    if (!descriptor) return;
    this.#descriptor = undefined;
    this.pool.closed(this);
    if (descriptor.syncs > 0) descriptor.closing = true;
    else descriptor.handle.close();
  }

  /** Closes the file and gives it another name; undefined when there is no such file on the disk. */
  rename(path: string): string | undefined {
    this.close();
    const { fileSystem } = this.pool;
    const from = this.path;
    const isThere = fileSystem.exists(from);
    if (isThere) fileSystem.rename(from, path);
    this.#place = path;
    return isThere ? path : undefined;
  }
}
