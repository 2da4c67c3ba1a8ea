import { type Clock } from '../common/clock.js';
import { NestdawError } from '../common/errors.js';
import { ErrorCode } from '../protocol/error-codes.js';
import { batchSize, isWholeBatch, nextOffset } from '../protocol/record-batch-header.js';
import { type BrokerConfig } from './broker-config.js';
import { type CoordinatorLog } from './coordinator/coordinator-log.js';
import { type ClusterMetadata } from './metadata/cluster-metadata.js';
import { OFFSETS_TOPIC } from './metadata/topic-name.js';

// The partitions of `__consumer_offsets` as the group coordinator wants them. The topic is made when it is first
// written to; until then there is nothing to read.

const READ_BYTES = 1024 * 1024;

export class OffsetsTopicLog implements CoordinatorLog {
  constructor(
    readonly metadata: ClusterMetadata,
    readonly config: BrokerConfig,
    readonly clock: Clock,
  ) {}

  get partitions(): number {
    const topic = this.metadata.topics.get(OFFSETS_TOPIC);
    return topic?.partitions.length ?? this.config.number('offsets.topic.num.partitions');
  }

  append(partition: number, batch: Buffer): { readonly errorCode: number } {
    if (!this.metadata.topics.get(OFFSETS_TOPIC)) void this.metadata.ensureOffsetsTopic();
    const log = this.metadata.topics.log(OFFSETS_TOPIC, partition);
    if (!log) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
    return log.append(batch, { origin: 'coordinator', now: this.clock.now() });
  }

  durable(partition: number): Promise<void> | undefined {
    const topicSync = this.metadata.topics.get(OFFSETS_TOPIC) ? this.metadata.ensureOffsetsTopic() : undefined;
    const sync = this.metadata.topics.log(OFFSETS_TOPIC, partition)?.durable();
    if (!topicSync) return sync;
    return Promise.all([topicSync, sync]).then(() => undefined);
  }

  readAll(partition: number, visit: (batches: Buffer) => void): void {
    const log = this.metadata.topics.log(OFFSETS_TOPIC, partition);
    if (!log) return;
    const options = { maxBytes: READ_BYTES, minOneBatch: true, isolation: 'read_uncommitted' } as const;
    for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
      const { errorCode, records } = log.read(offset, options);
      if (errorCode !== ErrorCode.NONE || records.length === 0) {
        throw new NestdawError(
          'KAFKA_STORAGE_FAILED',
          `${OFFSETS_TOPIC}-${partition} cannot be read at offset ${offset} (error ${errorCode})`,
        );
      }
      visit(records);
      for (let at = 0; isWholeBatch(records, at); at += batchSize(records, at)) offset = nextOffset(records, at);
    }
  }
}
