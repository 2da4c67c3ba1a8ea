import { readFileSync, statSync } from 'node:fs';

// What a process has used, from /proc: CPU seconds of all its threads, and resident memory.

const TICKS_PER_SECOND = 100;

export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Fields are counted behind the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** Field of a block device's statistics that counts the flushes of its cache. */
const FLUSHES = 15;

/**
 * Flushes of the device under the folder since the system started, whoever asked for them; undefined where that is not
 * told.
 */
export function deviceFlushes(folder: string): number | undefined {
  const { dev } = statSync(folder);
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  try {
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').trim().split(/\s+/);
    return fields[FLUSHES] === undefined ? undefined : Number(fields[FLUSHES]);
  } catch {
    return undefined; // not a block device, or not Linux
  }
}
