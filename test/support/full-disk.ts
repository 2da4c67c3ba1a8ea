import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk that takes half of each write and then nothing, for all files of this process, until it has room again. */
export async function fullDisk(): Promise<FullDisk> {
  const path = join(tmpdir(), `full-disk-${process.pid}`);
  const handle = await open(path, 'w');
  const prototype = Object.getPrototypeOf(handle) as Writing;
  await handle.close();
  await rm(path);
  const { write, writeFile } = prototype;
  const disk = { refusals: 0, hasRoom: () => void Object.assign(prototype, { write, writeFile }) };
  const noRoom = () => {
    disk.refusals++;
    return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  prototype.write = async function half(bytes, offset, length, position) {
    if (length > 1) await write.call(this, bytes, offset, length >> 1, position);
    throw noRoom();
  };
  prototype.writeFile = async function half(text) {
    await writeFile.call(this, text.slice(0, text.length >> 1));
    throw noRoom();
  };
  return disk;
}

export interface FullDisk {
  /** Writes that it did not take. */
  readonly refusals: number;
  hasRoom(): void;
}

/** The part of a file handle that writes. */
interface Writing {
  write: (this: Writing, bytes: Buffer, offset: number, length: number, position: number) => Promise<unknown>;
  writeFile: (this: Writing, text: string) => Promise<void>;
}
