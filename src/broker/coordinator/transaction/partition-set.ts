import { type TopicPartition } from '../../../common/topic-partition.js';

/** The partitions of a transaction. Never changed once made: a stored state keeps what it was stored with. */
export class PartitionSet {
  static readonly NONE = new PartitionSet(new Map());

  private constructor(readonly topics: ReadonlyMap<string, ReadonlySet<number>>) {}

  static of(partitions: Iterable<TopicPartition>): PartitionSet {
    return PartitionSet.NONE.with(partitions);
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.topics.get(topic)?.has(partition) ?? false;
  }

  /** This set and these partitions. */
  with(partitions: Iterable<TopicPartition>): PartitionSet {
    const topics = new Map<string, Set<number>>();
    for (const [topic, indexes] of this.topics) topics.set(topic, new Set(indexes));
    for (const { topic, partition } of partitions) {
      const indexes = topics.get(topic);
      if (indexes) indexes.add(partition);
      else topics.set(topic, new Set([partition]));
    }
    return topics.size === 0 ? PartitionSet.NONE : new PartitionSet(topics);
  }

  *[Symbol.iterator](): IterableIterator<TopicPartition> {
    for (const [topic, partitions] of this.topics) for (const partition of partitions) yield { topic, partition };
  }
}
