import { messageOf } from '../../common/errors.js';
import { partitionName, type TopicPartition } from '../../common/topic-partition.js';

// Pieces of log lines.

/** `orders-0, orders-3`. */
export function namesOf(partitions: Iterable<TopicPartition>): string {
  return Array.from(partitions, partitionName).join(', ') || 'none';
}

/** An error's message as a sentence that another one may follow. */
export function sentenceOf(error: unknown): string {
  const text = messageOf(error).trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
