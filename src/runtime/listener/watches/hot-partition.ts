import { type TopicPartition } from '../../../common/topic-partition.js';

// Which partition gets most of a listener's records: keys that are not spread leave the others, and their consumers,
// with little to do.

export interface HotPartition extends TopicPartition {
  /** Records received since it was assigned. */
  readonly received: number;
  /** How many times the mean of the listener's partitions that is: 1 where all get the same. */
  readonly timesMean: number;
}

/** Undefined where there is nothing to compare. */
export function hottestOf(
  partitions: ReadonlyArray<TopicPartition & { readonly received: number }>,
): HotPartition | undefined {
  if (partitions.length < 2) return undefined;
  const total = partitions.reduce((sum, { received }) => sum + received, 0);
  if (total === 0) return undefined;
  const { topic, partition, received } = partitions.reduce((most, one) => (one.received > most.received ? one : most));
  return { topic, partition, received, timesMean: (received * partitions.length) / total };
}
