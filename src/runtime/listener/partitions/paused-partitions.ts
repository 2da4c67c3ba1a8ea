import { TopicPartitionMap } from '../../../common/topic-partition.js';

/** Partitions that somebody paused one by one, assigned or not; tells whoever asks about each change. */
export class PausedPartitions extends TopicPartitionMap<true> {
  /** Called for every change. */
  onChange: ((topic: string, partition: number, isPaused: boolean) => void) | undefined;

  override set(topic: string, partition: number, value: true): this {
    if (this.has(topic, partition)) return this;
    super.set(topic, partition, value);
    this.onChange?.(topic, partition, true);
    return this;
  }

  override delete(topic: string, partition: number): boolean {
    if (!super.delete(topic, partition)) return false;
    this.onChange?.(topic, partition, false);
    return true;
  }
}
