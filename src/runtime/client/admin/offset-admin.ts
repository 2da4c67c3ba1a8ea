import { type LogMoment } from '../../../common/seek-target.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.js';
import { type AdminCalls, checkResults } from './admin-calls.js';
import { byLeader } from './by-leader.js';

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

const MOMENTS = { beginning: -2, end: -1 } as const;

/** Where logs begin and end, and where a time is in them. */
export class OffsetAdmin {
  constructor(readonly calls: AdminCalls) {}

  /** Offsets of a moment, of all these partitions; for a time after the last record the end. */
  async at(partitions: readonly TopicPartition[], moment: LogMoment): Promise<PartitionOffset[]> {
    const found = await this.#at(partitions, typeof moment === 'number' ? Math.max(0, moment) : MOMENTS[moment]);
    const later = found.filter(({ offset }) => offset < 0);
    if (later.length === 0) return found;
    const ends = await this.#at(later, MOMENTS.end);
    const isLater = (one: TopicPartition) =>
      ends.find(({ topic, partition }) => topic === one.topic && partition === one.partition);
    return found.map((one) => isLater(one) ?? one);
  }

  #at(partitions: readonly TopicPartition[], timestamp: number): Promise<PartitionOffset[]> {
    return this.calls.run('asking for offsets', async (cluster) => {
      const found: PartitionOffset[] = [];
      for (const [nodeId, topics] of await byLeader(cluster, partitions)) {
        const request = {
          replicaId: -1,
          isolationLevel: 0,
          topics: topics.map(({ topic, items }) => ({
            name: topic,
            partitions: items.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
          })),
        };
        const answer = await this.calls.ask(cluster, nodeId, ListOffsets, () => request, 9);
        for (const { name, partitions: results } of answer.topics) {
          checkResults(results, ({ partitionIndex }) => `offsets of ${name}-${partitionIndex}`, [ErrorCode.NONE]);
          for (const { partitionIndex, offset } of results) {
            found.push({ topic: name, partition: partitionIndex, offset });
          }
        }
      }
      return found;
    });
  }
}
