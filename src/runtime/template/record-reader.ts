import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';

// Looking single records up.

/** A record to look up. */
export interface RecordPosition extends TopicPartition {
  /** 0 or more. */
  readonly offset: number;
}

/** Reads single records; those that are not there are left out. */
export type RecordReader = (positions: readonly RecordPosition[], timeoutMs: number) => Promise<KafkaRecord[]>;
