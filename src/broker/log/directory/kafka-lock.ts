import { type FileSystem } from '../disk/file-system.js';

// The lock that Apache Kafka holds on `.lock` in its data directory, as far as the system lets others see it: Linux
// lists every file lock with the process that has it. Node itself can neither take nor test such a lock.

const LOCK_FILE = '.lock';
const LINUX_LOCKS = '/proc/locks';

/** Number of the process that has the directory locked as Kafka does; undefined when none has, or nobody can tell. */
export function kafkaLockHolder(fs: FileSystem, directory: string): number | undefined {
  const path = `${directory}/${LOCK_FILE}`;
  if (!fs.identityOf || !fs.exists(path) || !fs.exists(LINUX_LOCKS)) return undefined;
  const [, inode] = fs.identityOf(path).split('-');
  return holderOf(fs.readFile(LINUX_LOCKS).toString('latin1'), inode!);
}

/** Lines such as `2: POSIX  ADVISORY  WRITE 4711 fe:01:123456 0 EOF`: process, device and inode, range. */
export function holderOf(locks: string, inode: string): number | undefined {
  for (const line of locks.split('\n')) {
    const match = /POSIX\s+ADVISORY\s+WRITE\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
    // Inodes are unique to a file system only, but a false alarm needs a lock on just that number elsewhere.
    if (match?.[2] === inode) return Number(match[1]);
  }
  return undefined;
}
