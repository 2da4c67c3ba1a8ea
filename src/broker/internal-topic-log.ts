import { type Clock } from '../common/clock.js';
import { NestdawError } from '../common/errors.js';
import { ErrorCode } from '../protocol/error-codes.js';
import { batchSize, isWholeBatch, nextOffset } from '../protocol/record-batch-header.js';
import { type CoordinatorLog } from './coordinator/coordinator-log.js';
import { type ClusterMetadata } from './metadata/cluster-metadata.js';
import { type InternalTopic } from './metadata/internal-topics.js';

// The partitions of an internal topic as its coordinator wants them. The topic is made when it is first written to;
// until then there is nothing to read.

const READ_BYTES = 1024 * 1024;

export class InternalTopicLog implements CoordinatorLog {
  constructor(
    readonly topic: InternalTopic,
    readonly metadata: ClusterMetadata,
    readonly clock: Clock,
  ) {}

  get partitions(): number {
    return this.metadata.internalPartitions(this.topic);
  }

  append(partition: number, batch: Buffer): { readonly errorCode: number } {
    if (!this.metadata.topics.get(this.topic)) void this.metadata.ensureInternalTopic(this.topic);
    const log = this.metadata.topics.log(this.topic, partition);
    if (!log) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
    return log.append(batch, { origin: 'coordinator', now: this.clock.now() });
  }

  durable(partition: number): Promise<void> | undefined {
    const topicSync = this.metadata.topics.get(this.topic) ? this.metadata.ensureInternalTopic(this.topic) : undefined;
    const sync = this.metadata.topics.log(this.topic, partition)?.durable();
    if (!topicSync) return sync;
    return Promise.all([topicSync, sync]).then(() => undefined);
  }

  leaderEpoch(partition: number): number {
    return this.metadata.topics.log(this.topic, partition)?.leaderEpoch ?? 0;
  }

  isUnserved(partition: number): boolean {
    return this.metadata.topics.log(this.topic, partition)?.isUnserved ?? false;
  }

  readAll(partition: number, visit: (batches: Buffer) => void): void {
    const log = this.metadata.topics.log(this.topic, partition);
    if (!log) return;
    const options = { maxBytes: READ_BYTES, minOneBatch: true, isolation: 'read_uncommitted' } as const;
    for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
      const { errorCode, records } = log.read(offset, options);
      if (errorCode !== ErrorCode.NONE || records.length === 0) {
        throw new NestdawError(
          'KAFKA_STORAGE_FAILED',
          `${this.topic}-${partition} cannot be read at offset ${offset} (error ${errorCode})`,
        );
      }
      visit(records);
      for (let at = 0; isWholeBatch(records, at); at += batchSize(records, at)) offset = nextOffset(records, at);
    }
  }
}
