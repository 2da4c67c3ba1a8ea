import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../common/sync-directory.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { decodeOffsetFile, encodeOffsetFile, type OffsetFile } from './offset-file.js';
import { type OffsetStore, type OffsetToStore, type StoredOffset } from './offset-store.js';

// Offsets in files, one per partition: `<directory>/<group>/<topic>-<partition>-offset.txt`. A file is replaced as a
// whole (written beside, synced, renamed, the directory synced), so a crash leaves the old one or the new one.
//
// Ownership is a file as well, `…-offset.owner-<epoch>`, which only one process can make. Owners look for a newer one
// before each write. One that stops between the look and the write may still put an older offset back: then records are
// handled again, and none is passed over.

/** An `OffsetStore` in a directory of this machine, for processes of this machine. */
export class FileOffsetStore implements OffsetStore {
  readonly #directory: string;

  /** @param directory made when it is missing */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(group: string, partitions: readonly TopicPartition[], claims: boolean): Promise<StoredOffset[]> {
    const folder = await this.#folder(group);
    return Promise.all(partitions.map((one) => this.#load(folder, one, claims)));
  }

  async store(group: string, offsets: readonly OffsetToStore[]): Promise<TopicPartition[]> {
    const folder = await this.#folder(group);
    const names = await readdir(folder);
    const refused: TopicPartition[] = [];
    const fresh: OffsetToStore[] = [];
    for (const one of offsets) {
      if (newestOwner(names, fileOf(one)) > one.epoch) refused.push({ topic: one.topic, partition: one.partition });
      else fresh.push(one);
    }
    await Promise.all(fresh.map((one) => replace(join(folder, fileOf(one)), encodeOffsetFile(one))));
    if (fresh.length > 0) await syncDirectory(folder);
    return refused;
  }

  async #load(folder: string, { topic, partition }: TopicPartition, claims: boolean): Promise<StoredOffset> {
    const file = fileOf({ topic, partition });
    const epoch = claims ? await claim(folder, file) : newestOwner(await readdir(folder), file);
    const { offset, metadata } = (await read(join(folder, file))) ?? { offset: -1, metadata: '' };
    return { topic, partition, offset: offset < 0 ? undefined : offset, metadata, epoch };
  }

  /** Group names may hold what file names may not. */
  async #folder(group: string): Promise<string> {
    const folder = join(this.#directory, encodeURIComponent(group).replace(/^\.+$/, '_'));
    await mkdir(folder, { recursive: true });
    return folder;
  }
}

function fileOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}-offset.txt`;
}

/** Makes the next owner's file, which fails for all but one, and forgets the older ones. */
async function claim(folder: string, file: string): Promise<number> {
  for (;;) {
    const names = await readdir(folder);
    const stored = await read(join(folder, file));
    const before = Math.max(newestOwner(names, file), stored?.epoch ?? 0);
    try {
      await writeFile(join(folder, `${file}.owner-${before + 1}`), `${process.pid}\n`, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    const older = names.filter((name) => name.startsWith(`${file}.owner-`));
    await Promise.all(older.map((name) => rm(join(folder, name), { force: true })));
    return before + 1;
  }
}

function newestOwner(names: readonly string[], file: string): number {
  const prefix = `${file}.owner-`;
  return names.reduce((newest, name) => {
    return name.startsWith(prefix) ? Math.max(newest, Number(name.slice(prefix.length)) || 0) : newest;
  }, 0);
}

async function read(path: string): Promise<OffsetFile | undefined> {
  try {
    return decodeOffsetFile(await readFile(path, 'utf8'), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  const file = await open(beside, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
