import { type TopicPartition } from '../../../common/topic-partition.js';
import { type ProducerIdentity } from './transaction-metadata.js';

// The port through which ends of transactions reach the partitions that took part in them.

export interface TransactionMarker extends ProducerIdentity {
  readonly committed: boolean;
  readonly coordinatorEpoch: number;
}

export interface MarkerLog {
  /**
   * Appends the marker and lets it take effect, in this turn; the error code says why it is not in the partition.
   * UNKNOWN_TOPIC_OR_PARTITION: the partition is gone, and the transaction's data with it.
   */
  append(partition: TopicPartition, marker: TransactionMarker): number;
  /** See `CoordinatorLog.durable`. */
  durable(partition: TopicPartition): Promise<void> | undefined;
}
