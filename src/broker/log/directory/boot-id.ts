import { DiskFileSystem } from '../disk/disk-file-system.js';
import { type FileSystem } from '../disk/file-system.js';

// Which boot of the operating system this is. While it stays the same, what a killed process had written is still
// in the page cache; after another boot only what was synced is sure.

const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** The id of the running boot; undefined where the system does not tell, and recovery then checks everything. */
export function readBootId(fs: FileSystem = new DiskFileSystem()): string | undefined {
  if (!fs.exists(LINUX_BOOT_ID)) return undefined;
  return fs.readFile(LINUX_BOOT_ID).toString('latin1').trim() || undefined;
}
