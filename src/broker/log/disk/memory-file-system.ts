import { type Clock, systemClock } from '../../../common/clock.js';
import { type FileHandle, type FileSystem } from './file-system.js';
import { MemoryFile } from './memory-file.js';

// The disk of a broker without a data directory, and the disk that tests break: it can run full, fail, lose power
// or its process at any operation. A name is durable once its directory was synced, bytes once their file was.

export type FileOperation = 'open' | 'write' | 'truncate' | 'sync' | 'rename' | 'remove' | 'atomic' | 'syncDirectory';

/** What happens to an operation instead of its success. */
export interface FileFault {
  /** System error code, such as ENOSPC or EIO. */
  readonly code: string;
  /** For a write: bytes that get through before the error. Default 0. */
  readonly afterBytes?: number;
  /** The process dies at this point: every open handle is dead from then on. */
  readonly crash?: boolean;
}

export interface MemoryFileSystemOptions {
  readonly clock?: Clock;
  /** Bytes that fit in all; beyond, writes fail with ENOSPC. Default no limit. */
  readonly capacity?: number;
  /** Remember what was synced, for `powerLoss`; costs a copy of every synced file. Default false. */
  readonly trackDurability?: boolean;
}

const NO_CAPACITY = 2 ** 50;

function systemError(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

export class MemoryFileSystem implements FileSystem {
  readonly clock: Clock;
  readonly #capacity: number;
  readonly #tracked: boolean;
  readonly #directories = new Set<string>();
  /** Paths of what lies in each directory, for thousands of them must not be searched through. */
  readonly #children = new Map<string, Set<string>>();
  #files = new Map<string, MemoryFile>();
  #durableNames = new Map<string, MemoryFile>();
  #incarnation = 0;
  #used = 0;

  /** Asked before every operation that changes something; a fault makes it fail. */
  onOperation: ((operation: FileOperation, path: string, bytes: number) => FileFault | undefined) | undefined;
  /** Awaited by every sync of a file before it takes effect. */
  beforeSync: ((path: string) => Promise<void>) | undefined;

  constructor(options: MemoryFileSystemOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.#capacity = options.capacity ?? NO_CAPACITY;
    this.#tracked = options.trackDurability ?? false;
  }

  /** The process dies: open handles are dead, what was written stays. */
  crash(): void {
    this.#incarnation++;
  }

  /**
   * The machine dies: what was not synced is gone. `keep` may let part of the unsynced tail of a file survive: it
   * gets path, synced and written size, and gives the size that remains.
   */
  powerLoss(keep?: (path: string, synced: number, written: number) => number): void {
    this.#incarnation++;
    this.#files = new Map(this.#durableNames);
    this.#children.clear();
    for (const path of [...this.#directories, ...this.#files.keys()]) this.#link(path);
    this.#used = 0;
    for (const [path, file] of this.#files) {
      file.loseUnsynced(keep ? (synced, written) => keep(path, synced, written) : (synced) => synced);
      this.#used += file.size;
    }
  }

  /** Turns a failure on before `operation`; used by every mutation. */
  check(operation: FileOperation, path: string, bytes: number, incarnation: number): FileFault | undefined {
    if (incarnation !== this.#incarnation) throw systemError('EBADF', `${operation} '${path}' after a crash`);
    const fault = this.onOperation?.(operation, path, bytes);
    if (fault?.crash) this.#incarnation++;
    if (fault && operation !== 'write') throw systemError(fault.code, `${operation} '${path}'`);
    return fault;
  }

  open(path: string, options: { readonly create?: boolean } = {}): FileHandle {
    let file = this.#files.get(path);
    if (!file) {
      if (!options.create) throw systemError('ENOENT', `open '${path}'`);
      this.#requireParent(path);
      this.check('open', path, 0, this.#incarnation);
      file = new MemoryFile(this.clock.now());
      this.#put(path, file);
    }
    return new OpenMemoryFile(this, path, file, this.#incarnation);
  }

  #put(path: string, file: MemoryFile): void {
    this.#files.set(path, file);
    this.#link(path);
  }

  #link(path: string): void {
    const parent = parentOf(path);
    const known = this.#children.get(parent);
    if (known) known.add(path);
    else this.#children.set(parent, new Set([path]));
  }

  #unlink(path: string): void {
    this.#files.delete(path);
    this.#directories.delete(path);
    const parent = parentOf(path);
    const siblings = this.#children.get(parent);
    siblings?.delete(path);
    if (siblings?.size === 0) this.#children.delete(parent);
  }

  /** What lies in a directory and in those below it. */
  #below(path: string): string[] {
    const found = [...(this.#children.get(path) ?? [])];
    return found.concat(found.flatMap((child) => this.#below(child)));
  }

  /** Bytes that can still be written. */
  take(bytes: number): number {
    const granted = Math.min(bytes, this.#capacity - this.#used);
    this.#used += granted;
    return granted;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }

  get tracked(): boolean {
    return this.#tracked;
  }

  isAlive(incarnation: number): boolean {
    return incarnation === this.#incarnation;
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.#isDirectory(path);
  }

  #isDirectory(path: string): boolean {
    return path === '' || this.#directories.has(path);
  }

  #requireParent(path: string): void {
    if (!this.#isDirectory(parentOf(path))) throw systemError('ENOENT', `open '${path}'`);
  }

  list(path: string): string[] {
    return Array.from(this.#children.get(path) ?? [], (child) => child.slice(path.length + 1));
  }

  readFile(path: string): Buffer {
    const file = this.#files.get(path);
    if (!file) throw systemError('ENOENT', `open '${path}'`);
    return file.content();
  }

  writeFileAtomic(path: string, content: Buffer | string): void {
    const bytes = Buffer.from(content as string);
    this.#requireParent(path);
    this.check('atomic', path, bytes.length, this.#incarnation);
    const old = this.#files.get(path)?.size ?? 0;
    if (this.take(bytes.length) < bytes.length) throw systemError('ENOSPC', `write '${path}'`);
    this.give(old);
    const file = new MemoryFile(this.clock.now());
    file.write(bytes, 0, this.clock.now());
    if (this.#tracked) file.markSynced();
    this.#put(path, file);
    if (this.#tracked) this.#durableNames.set(path, file);
  }

  makeDirectory(path: string): void {
    for (let at = path; at !== '' && !this.#directories.has(at); at = parentOf(at)) {
      this.#directories.add(at);
      this.#link(at);
    }
  }

  rename(from: string, to: string): void {
    this.check('rename', from, 0, this.#incarnation);
    if (!this.exists(from)) throw systemError('ENOENT', `rename '${from}' -> '${to}'`);
    for (const name of [from, ...this.#below(from)]) {
      const file = this.#files.get(name);
      const place = to + name.slice(from.length);
      this.#unlink(name);
      if (file) this.#put(place, file);
      else this.makeDirectory(place);
    }
  }

  remove(path: string): void {
    if (!this.exists(path)) return;
    this.check('remove', path, 0, this.#incarnation);
    for (const name of [path, ...this.#below(path)]) {
      this.#used -= this.#files.get(name)?.size ?? 0;
      this.#unlink(name);
    }
  }

  async removeLater(path: string): Promise<void> {
    this.remove(path);
  }

  modifiedAt(path: string): number {
    const file = this.#files.get(path);
    if (!file) throw systemError('ENOENT', `stat '${path}'`);
    return file.modifiedAt;
  }

  syncDirectory(path: string): void {
    this.check('syncDirectory', path, 0, this.#incarnation);
    if (!this.#tracked) return;
    // Names directly in the directory become what they are now. A subdirectory that was renamed or removed goes
    // with it; the files that are durable in a renamed one stay so under their new name.
    const kept = new Set(this.#durableNames.values());
    for (const name of this.#durableNames.keys()) {
      if (!name.startsWith(`${path}/`)) continue;
      if (parentOf(name) === path ? !this.#files.has(name) : !this.#isDirectory(parentOf(name))) {
        this.#durableNames.delete(name);
      }
    }
    for (const [name, file] of this.#files) {
      if (parentOf(name) === path || (name.startsWith(`${path}/`) && kept.has(file)))
        this.#durableNames.set(name, file);
    }
  }

  async syncDirectoryLater(path: string): Promise<void> {
    this.syncDirectory(path);
  }

  space(): { readonly total: number; readonly usable: number } {
    return { total: this.#capacity, usable: this.#capacity - this.#used };
  }
}

class OpenMemoryFile implements FileHandle {
  #closed = false;

  constructor(
    private readonly system: MemoryFileSystem,
    private readonly path: string,
    private readonly file: MemoryFile,
    private readonly incarnation: number,
  ) {}

  #alive(operation: string): void {
    if (this.#closed || !this.system.isAlive(this.incarnation))
      throw systemError('EBADF', `${operation} '${this.path}'`);
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    this.#alive('read');
    return this.file.read(target, targetStart, length, position);
  }

  write(pieces: readonly Buffer[], position: number): void {
    this.#alive('write');
    let total = 0;
    for (const piece of pieces) total += piece.length;
    const fault = this.system.check('write', this.path, total, this.incarnation);
    let left = fault ? Math.min(fault.afterBytes ?? 0, total) : total;
    for (const piece of pieces) {
      const count = Math.min(piece.length, left);
      this.#put(piece.subarray(0, count), position);
      position += count;
      left -= count;
    }
    if (fault) throw systemError(fault.code, `write '${this.path}'`);
  }

  #put(bytes: Buffer, position: number): void {
    const growth = Math.max(0, position + bytes.length - this.file.size);
    const granted = this.system.take(growth);
    const fitting = bytes.subarray(0, bytes.length - (growth - granted));
    this.file.write(fitting, position, this.system.clock.now());
    if (granted < growth) throw systemError('ENOSPC', `write '${this.path}'`);
  }

  truncate(size: number): void {
    this.#alive('truncate');
    this.system.check('truncate', this.path, size, this.incarnation);
    const before = this.file.size;
    this.file.truncate(size, this.system.clock.now());
    this.system.give(before - this.file.size);
  }

  size(): number {
    this.#alive('stat');
    return this.file.size;
  }

  async sync(): Promise<void> {
    this.#alive('sync');
    // Only what was written before the call is promised; a copy taken now is the least a device would keep.
    const promised = this.system.tracked ? this.file.content() : undefined;
    await this.system.beforeSync?.(this.path);
    this.system.check('sync', this.path, 0, this.incarnation);
    if (promised) this.file.markSynced(promised);
  }

  syncNow(): void {
    this.#alive('sync');
    this.system.check('sync', this.path, 0, this.incarnation);
    if (this.system.tracked) this.file.markSynced();
  }

  close(): void {
    this.#closed = true;
  }
}
