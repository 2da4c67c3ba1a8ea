import { type Clock } from '../common/clock.js';
import { type TopicPartition } from '../common/topic-partition.js';
import { encodeControlBatch } from '../protocol/control-batch.js';
import { ErrorCode } from '../protocol/error-codes.js';
import { type GroupCoordinator } from './coordinator/group/group-coordinator.js';
import { type MarkerLog, type TransactionMarker } from './coordinator/transaction/marker-log.js';
import { type PartitionLog } from './log/partition-log.js';
import { OFFSETS_TOPIC } from './metadata/topic-name.js';

// Ends of transactions, written into the partitions of this broker. What an end means to committed offsets takes
// effect in the same turn.

/** The partitions of this broker, as far as markers go. */
export interface MarkedPartitions {
  log(topic: string, partition: number): Pick<PartitionLog, 'append' | 'producer' | 'durable'> | undefined;
}

export class PartitionMarkers implements MarkerLog {
  constructor(
    private readonly topics: MarkedPartitions,
    private readonly groups: Pick<GroupCoordinator, 'offsets'>,
    private readonly clock: Clock,
  ) {}

  append(partition: TopicPartition, marker: TransactionMarker): number {
    // An administrator may have written a marker with an epoch of his own: ours, the only coordinator there is, must
    // not be refused for it for ever.
    const known = this.topics.log(partition.topic, partition.partition)?.producer(marker.producerId)?.coordinatorEpoch;
    const coordinatorEpoch = Math.max(marker.coordinatorEpoch, known ?? 0);
    return this.write(partition, { ...marker, coordinatorEpoch });
  }

  /** The same with the coordinator's epoch as it is: refused when the partition has seen a newer one. */
  write({ topic, partition }: TopicPartition, marker: TransactionMarker): number {
    const log = this.topics.log(topic, partition);
    if (!log) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const { committed, ...producer } = marker;
    const now = this.clock.now();
    const batch = encodeControlBatch({ ...producer, type: committed ? 'commit' : 'abort', timestamp: now });
    const { errorCode } = log.append(batch, { origin: 'coordinator', now });
    if (errorCode === ErrorCode.NONE && topic === OFFSETS_TOPIC) {
      this.groups.offsets.endTransaction(partition, marker.producerId, committed);
    }
    return errorCode;
  }

  durable({ topic, partition }: TopicPartition): Promise<void> | undefined {
    return this.topics.log(topic, partition)?.durable();
  }
}
