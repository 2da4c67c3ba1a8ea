import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../../common/sync-directory.js';
import { type FileHandle, type FileSystem } from './file-system.js';

// The disk behind the port: the broker's only user of node:fs (beside the lock of its data directory).

class DiskFile implements FileHandle {
  constructor(readonly descriptor: number) {}

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const count = readSync(this.descriptor, target, targetStart + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(pieces: readonly Buffer[], position: number): void {
    if (pieces.length === 1) {
      this.#writeOne(pieces[0]!, 0, position);
      return;
    }
    let written = writevSync(this.descriptor, pieces, position);
    // The system may take less than all: the rest follows piece by piece.
    for (const piece of pieces) {
      if (written < piece.length) this.#writeOne(piece, written, position + written);
      position += piece.length;
      written = Math.max(0, written - piece.length);
    }
  }

  #writeOne(piece: Buffer, from: number, position: number): void {
    while (from < piece.length) {
      const count = writeSync(this.descriptor, piece, from, piece.length - from, position);
      from += count;
      position += count;
    }
  }

  truncate(size: number): void {
    ftruncateSync(this.descriptor, size);
  }

  size(): number {
    return fstatSync(this.descriptor).size;
  }

  sync(): Promise<void> {
    // fdatasync leaves out times, but not the size: all that reading the bytes back needs.
    return new Promise((resolve, reject) => {
      fdatasync(this.descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  syncNow(): void {
    fdatasyncSync(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

export class DiskFileSystem implements FileSystem {
  open(path: string, options: { readonly create?: boolean } = {}): FileHandle {
    const { O_RDWR, O_CREAT } = constants;
    return new DiskFile(openSync(path, options.create ? O_RDWR | O_CREAT : O_RDWR));
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  list(path: string): string[] {
    try {
      return readdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  readFile(path: string): Buffer {
    return readFileSync(path);
  }

  writeFileAtomic(path: string, content: Buffer | string): void {
    const temporary = `${path}.tmp`;
    const descriptor = openSync(temporary, 'w');
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    this.syncDirectory(dirname(path));
  }

  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true });
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  removeLater(path: string): Promise<void> {
    return rm(path, { recursive: true, force: true });
  }

  modifiedAt(path: string): number {
    return statSync(path).mtimeMs;
  }

  syncDirectory(path: string): void {
    // Windows cannot open a directory and needs no such thing: its renames are journalled.
    if (process.platform === 'win32') return;
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  syncDirectoryLater(path: string): Promise<void> {
    return syncDirectory(path);
  }

  space(path: string): { readonly total: number; readonly usable: number } {
    const { blocks, bavail, bsize } = statfsSync(path);
    return { total: blocks * bsize, usable: bavail * bsize };
  }

  identityOf(path: string): string {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}-${ino}`;
  }
}
