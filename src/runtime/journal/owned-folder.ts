import { mkdir, rm, stat } from 'node:fs/promises';
import { acquireDirectoryLock, type DirectoryLock } from '../../common/directory-lock.js';
import { NestdawError } from '../../common/errors.js';

/**
 * Makes a folder and takes it for this process, until released or until the process ends.
 *
 * @param what what the folder is, for messages: `the outbox folder`
 * @throws {NestdawError} KAFKA_DATA_DIR_LOCKED when another process has it
 */
export async function ownFolder(folder: string, what: string): Promise<DirectoryLock> {
  await mkdir(folder, { recursive: true });
  const { dev, ino } = await stat(folder);
  const lock = await acquireDirectoryLock(`journal-${dev}-${ino}`, (path) => void rm(path, { force: true }));
  if (lock) return lock;
  const message = `${what} ${folder} belongs to another process; give each process its own`;
  throw new NestdawError('KAFKA_DATA_DIR_LOCKED', message);
}
