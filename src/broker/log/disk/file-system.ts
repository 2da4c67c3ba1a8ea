// The port to the disk. Reads and writes are synchronous on purpose: the broker has a thread of its own, a write
// to the page cache takes microseconds, and a decision followed by its write in one turn needs no lock and cannot
// be reordered. Only fsync, which waits for the device, is asynchronous where it is frequent.

export interface FileHandle {
  /** Reads up to `length` bytes from `position` into `target`; returns how many (fewer at the end of the file). */
  read(target: Buffer, targetStart: number, length: number, position: number): number;
  /** Writes all pieces one behind the other from `position` on; throws and may leave a torn tail when it cannot. */
  write(pieces: readonly Buffer[], position: number): void;
  truncate(size: number): void;
  size(): number;
  /** Resolves when what was written before the call is on the device. */
  sync(): Promise<void>;
  /** The same, and everybody waits for it. */
  syncNow(): void;
  close(): void;
}

export interface FileSystem {
  /** Opens for reading and writing; `create` makes the file when it is missing. */
  open(path: string, options?: { readonly create?: boolean }): FileHandle;
  exists(path: string): boolean;
  /** Names in a directory, unsorted; empty when there is none. */
  list(path: string): string[];
  readFile(path: string): Buffer;
  /** Writes through a temporary file, fsync and rename: readers see the old content or the new one, never half. */
  writeFileAtomic(path: string, content: Buffer | string): void;
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with all it holds; harmless when there is none. */
  remove(path: string): void;
  /** The same without waiting for the disk in this turn. */
  removeLater(path: string): Promise<void>;
  /** Ms since the epoch of the last change. */
  modifiedAt(path: string): number;
  /** Makes renames and removals in a directory durable. */
  syncDirectory(path: string): void;
  /** The same without waiting for the device in this turn: what was done before the call is durable afterwards. */
  syncDirectoryLater(path: string): Promise<void>;
  /** Bytes in all and free on the volume. */
  space(path: string): { readonly total: number; readonly usable: number };
  /** Names a directory for all processes of the machine (device and inode). Absent where only this process sees it. */
  identityOf?(path: string): string;
}
