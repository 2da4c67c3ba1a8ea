import { partitionName, type TopicPartition } from '../../../common/topic-partition.js';

// Names of partition directories in a data directory.

const PARTITION = /^(.+)-(\d+)$/;
/** Deleted, on the way from one disk to another, and without a topic. */
const SET_ASIDE = /\.[0-9a-f]{32}-(delete|future|stray)$/;
const MAX_NAME = 255;

/** The partition of which a copy that was not finished lies in a directory of this name. */
export function parseFutureDirectory(name: string): TopicPartition | undefined {
  const match = SET_ASIDE.exec(name);
  return match?.[1] === 'future' ? parsePartitionDirectory(name.slice(0, match.index)) : undefined;
}

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
 * `orders-0.0123…ef-delete` goes sooner or later, `…-stray` stays until somebody looks at it, `…-future` is a copy that
 * is being made. The topic's name is cut where the whole would be too long for a file name.
 */
export function setAsideName(tp: TopicPartition, uniqueHex: string, why: 'delete' | 'stray' | 'future'): string {
  const suffix = `.${uniqueHex}-${why}`;
  return partitionName(tp).slice(0, MAX_NAME - suffix.length) + suffix;
}
