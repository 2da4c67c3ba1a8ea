import { type KafkaRecord } from '../../common/record.js';
import { isSamePartition, type TopicPartition } from '../../common/topic-partition.js';
import { coordinates } from './partitions/partition-table.js';

/** The records of a batch, as Kafka's class of that name has them; iterable. */
export class ConsumerRecords implements Iterable<KafkaRecord> {
  readonly #records: readonly KafkaRecord[];

  constructor(records: readonly KafkaRecord[]) {
    this.#records = records;
  }

  count(): number {
    return this.#records.length;
  }

  isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** Partitions that the records are of. */
  partitions(): readonly TopicPartition[] {
    const found: TopicPartition[] = [];
    for (const record of this.#records) if (!found.some((tp) => isSamePartition(tp, record))) found.push(record);
    return coordinates(found);
  }

  /** Those of a partition, or of all partitions of a topic, in their order. */
  records(of: TopicPartition | string): readonly KafkaRecord[] {
    return this.#records.filter((one) => (typeof of === 'string' ? one.topic === of : isSamePartition(one, of)));
  }

  [Symbol.iterator](): Iterator<KafkaRecord> {
    return this.#records[Symbol.iterator]();
  }
}
