import { type FileSystem } from './file-system.js';
import { DEFAULT_MAX_OPEN_FILES } from './open-files.js';

// How many files the broker may keep open: a share of what the system grants its process, where that can be known.

const LIMITS_FILE = '/proc/self/limits';
/** Sockets and all else that the process opens need the rest. */
const SHARE = 0.5;
/** More would keep the system busy with descriptors that nobody uses. */
const MOST = 8192;

export function descriptorLimit(fileSystem: FileSystem): number {
  try {
    const granted = /^Max open files\s+(\d+)/m.exec(fileSystem.readFile(LIMITS_FILE).toString('latin1'))?.[1];
    if (granted === undefined) return DEFAULT_MAX_OPEN_FILES;
    return Math.min(MOST, Math.max(DEFAULT_MAX_OPEN_FILES / 2, Math.floor(Number(granted) * SHARE)));
  } catch {
    return DEFAULT_MAX_OPEN_FILES; // another system, or no disk
  }
}
