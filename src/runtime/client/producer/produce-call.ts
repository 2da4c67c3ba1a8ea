import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type RequestInput } from '../../../protocol/api.js';
import { type Produce } from '../../../protocol/messages/00-produce.js';
import { type ProducerBatch } from './producer-batch.js';

// The batches of one Produce request, one per partition.

export class ProduceCall {
  readonly #batches = new TopicPartitionMap<ProducerBatch>();
  bytes = 0;

  add(batch: ProducerBatch): void {
    this.#batches.set(batch.topic, batch.partition, batch);
    this.bytes += batch.sizeInBytes;
  }

  /** Those that are not claimed yet. */
  batches(): ProducerBatch[] {
    return [...this.#batches.values()];
  }

  /** The batch of a partition, handed out once. */
  claim(topic: string, partition: number): ProducerBatch | undefined {
    const batch = this.#batches.get(topic, partition);
    this.#batches.delete(topic, partition);
    return batch;
  }

  topicData(): RequestInput<typeof Produce>['topicData'] {
    return [...this.#batches.topics()].map((name) => ({
      name,
      partitionData: [...this.#batches.topic(name)!].map(([index, batch]) => ({ index, records: batch.sentBytes })),
    }));
  }
}
