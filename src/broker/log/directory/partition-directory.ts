import { partitionName, type TopicPartition } from '../../../common/topic-partition.js';

// Names of partition directories in a data directory.

const PARTITION = /^(.+)-(\d+)$/;
/** Deleted, and two kinds that only a cluster knows: moved between disks, and no longer wanted. */
const SET_ASIDE = /\.[0-9a-f]{32}-(delete|future|stray)$/;
const MAX_NAME = 255;

/** The partition whose log lies in a directory of this name; undefined for all other names. */
export function parsePartitionDirectory(name: string): TopicPartition | undefined {
  if (SET_ASIDE.test(name)) return undefined;
  const match = PARTITION.exec(name);
  return match ? { topic: match[1]!, partition: Number(match[2]) } : undefined;
}

export function isDeletedDirectory(name: string): boolean {
  return SET_ASIDE.exec(name)?.[1] === 'delete';
}

/**
 * `orders-0.0123…ef-delete` goes sooner or later, `…-stray` stays until somebody looks at it. The topic's name is cut
 * where the whole would be too long for a file name.
 */
export function setAsideName(tp: TopicPartition, uniqueHex: string, why: 'delete' | 'stray'): string {
  const suffix = `.${uniqueHex}-${why}`;
  return partitionName(tp).slice(0, MAX_NAME - suffix.length) + suffix;
}
