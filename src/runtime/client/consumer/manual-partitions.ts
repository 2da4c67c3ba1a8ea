import { type SeekTarget } from '../../../common/seek-target.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type ConsumerSettings, type ManualAssignment } from './consumer-options.js';
import { TopicSelection } from './topic-selection.js';

// Which partitions a consumer without membership reads: listed ones, whole topics, or all that a pattern matches; of
// these its share. Pure but for the look at the topics.

/** A partition that exists and is to be read. */
export interface WantedPartition extends TopicPartition {
  readonly start: SeekTarget | undefined;
}

export class ManualPartitions {
  readonly selection: TopicSelection;
  readonly #assignment: ManualAssignment;

  constructor(settings: ConsumerSettings, assignment: ManualAssignment) {
    this.#assignment = assignment;
    const listed = assignment.partitions?.map(({ topic }) => topic);
    this.selection = new TopicSelection({ ...settings, topics: listed ? [...new Set(listed)] : settings.topics });
  }

  /** What exists of what is wanted, by partition counts of the topics. */
  existing(counts: ReadonlyMap<string, number>): TopicPartitionMap<WantedPartition> {
    const wanted = new TopicPartitionMap<WantedPartition>();
    const { index, of } = this.#assignment;
    this.#each(counts, (partition, turn) => {
      if (turn % of === index) wanted.set(partition.topic, partition.partition, partition);
    });
    return wanted;
  }

  /** Listed partitions that do not exist. */
  missing(counts: ReadonlyMap<string, number>): string[] {
    const { partitions } = this.#assignment;
    if (!partitions) return this.selection.names.filter((topic) => (counts.get(topic) ?? 0) === 0);
    return partitions.flatMap(({ topic, partition }) => {
      const count = counts.get(topic) ?? 0;
      if (partition === undefined) return count === 0 ? [topic] : [];
      return partition >= count ? [`${topic}-${partition}`] : [];
    });
  }

  /** `turn`: who of several consumers reads it; growing topics do not move partitions that are being read. */
  #each(counts: ReadonlyMap<string, number>, visit: (partition: WantedPartition, turn: number) => void): void {
    const { partitions } = this.#assignment;
    if (!partitions) {
      for (const topic of this.selection.names) {
        for (let at = 0; at < (counts.get(topic) ?? 0); at++) visit({ topic, partition: at, start: undefined }, at);
      }
      return;
    }
    partitions.forEach(({ topic, partition, start }, turn) => {
      const count = counts.get(topic) ?? 0;
      if (partition === undefined) {
        for (let at = 0; at < count; at++) visit({ topic, partition: at, start }, at);
      } else if (partition < count) {
        visit({ topic, partition, start }, turn);
      }
    });
  }
}
