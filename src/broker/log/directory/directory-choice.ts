// Which directory of `log.dirs` a new partition goes to: pure, from what lies where.

/** A directory that takes new partitions, and how many it holds. */
export interface DirectoryLoad {
  readonly id: string;
  readonly partitions: number;
}

/**
 * Directories of `count` new partitions, one after another: each goes where the fewest are, as in Kafka by their
 * number and not by their bytes, which nobody knows yet. Of equals the first takes it. Throws RangeError without any.
 */
export function emptiestDirectories(loads: readonly DirectoryLoad[], count: number): string[] {
  if (loads.length === 0) throw new RangeError('there is no directory to choose');
  const held = loads.map(({ partitions }) => partitions);
  return Array.from({ length: count }, () => {
    const least = held.indexOf(Math.min(...held));
    held[least]!++;
    return loads[least]!.id;
  });
}

/** Ids below 100 stand for "not chosen yet", "lost" and the like: they name no directory. */
export function namesDirectory(id: string | undefined): id is string {
  if (id === undefined) return false;
  const bytes = Buffer.from(id, 'base64url');
  const last = bytes.length - 1;
  return bytes.some((byte, i) => (i < last ? byte !== 0 : byte >= 100));
}
