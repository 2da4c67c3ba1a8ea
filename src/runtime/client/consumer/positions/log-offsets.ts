import { type LogMoment } from '../../../../common/seek-target.js';
import { type TopicPartition, TopicPartitionMap } from '../../../../common/topic-partition.js';
import { brokerError, ErrorCode, needsMetadataRefresh } from '../../../../protocol/error-codes.js';
import { ListOffsets } from '../../../../protocol/messages/02-list-offsets.js';
import { type Cluster } from '../../cluster/cluster.js';
import { isConnectionTrouble } from '../../cluster/coordinator.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { groupByTopic } from '../membership/consumer-protocol.js';
import { retrying } from '../retry.js';

// Where logs begin and end, asked of the leaders of their partitions.

export const EARLIEST = -2;
export const LATEST = -1;
/** One of the two, or ms since the epoch. */
export type LogEnd = number;

/** The answer for a time after the last record. */
const NO_RECORD = -1;
const MOMENTS: Readonly<Record<number, string>> = { [EARLIEST]: 'the beginnings', [LATEST]: 'the ends' };

const LIST_OFFSETS_VERSION = 9;

export class LogOffsets {
  constructor(
    readonly cluster: Cluster,
    readonly settings: ConsumerSettings,
  ) {}

  /** Offsets of a moment; for a time after the last record the end. */
  async at(
    partitions: readonly TopicPartition[],
    moment: LogMoment,
    signal: AbortSignal,
  ): Promise<TopicPartitionMap<number>> {
    if (moment === 'beginning' || moment === 'end') {
      return this.of(partitions, moment === 'beginning' ? EARLIEST : LATEST, signal);
    }
    // A negative time would be taken for one of the two ends.
    const found = await this.of(partitions, Math.max(0, moment), signal);
    const later = partitions.filter(({ topic, partition }) => found.get(topic, partition) === NO_RECORD);
    const ends = await this.of(later, LATEST, signal);
    for (const { topic, partition } of later) found.set(topic, partition, ends.get(topic, partition)!);
    return found;
  }

  /** First or next offset of every partition; under read_committed the end is where open transactions begin. */
  of(partitions: readonly TopicPartition[], end: LogEnd, signal: AbortSignal): Promise<TopicPartitionMap<number>> {
    if (partitions.length === 0) return Promise.resolve(new TopicPartitionMap());
    const found = new TopicPartitionMap<number>();
    const what = `asking for the offsets of ${MOMENTS[end] ?? `the time ${end}`}`;
    return retrying(this.settings, { signal, what }, async () => {
      const missing = partitions.filter(({ topic, partition }) => !found.has(topic, partition));
      try {
        await Promise.all(
          [...this.#byLeader(missing)].map(([nodeId, part]) => this.#ask(nodeId, part, end, found, what)),
        );
      } catch (error) {
        if (isConnectionTrouble(error) || isStale(error)) await this.#findLeaders(missing);
        throw error;
      }
      return found;
    });
  }

  /** A topic that the cluster's metadata does not know yet, or not any more, is asked for by its name. */
  async #findLeaders(partitions: readonly TopicPartition[]): Promise<void> {
    const unknown = partitions.filter(({ topic, partition }) => this.cluster.leaderOf(topic, partition) < 0);
    const topics = new Set(unknown.map(({ topic }) => topic));
    if (topics.size === 0) await this.cluster.refreshMetadata();
    else await Promise.all([...topics].map((topic) => this.cluster.partitionsOf(topic, { refresh: true })));
  }

  #byLeader(partitions: readonly TopicPartition[]): Map<number, TopicPartition[]> {
    const nodes = new Map<number, TopicPartition[]>();
    for (const tp of partitions) {
      const leader = this.cluster.leaderOf(tp.topic, tp.partition);
      if (leader < 0) throw brokerError(ErrorCode.LEADER_NOT_AVAILABLE, `${tp.topic}-${tp.partition}`);
      const known = nodes.get(leader);
      if (known) known.push(tp);
      else nodes.set(leader, [tp]);
    }
    return nodes;
  }

  async #ask(
    nodeId: number,
    partitions: readonly TopicPartition[],
    end: LogEnd,
    found: TopicPartitionMap<number>,
    what: string,
  ): Promise<void> {
    const version = await this.cluster.versionOf(nodeId, ListOffsets, LIST_OFFSETS_VERSION);
    const { topics } = await this.cluster.send(nodeId, ListOffsets, version, {
      replicaId: -1,
      isolationLevel: this.settings.isolationLevel === 'read_committed' ? 1 : 0,
      topics: groupByTopic(partitions).map(({ topic, partitions: numbers }) => ({
        name: topic,
        partitions: numbers.map((partitionIndex) => ({ partitionIndex, timestamp: end })),
      })),
    });
    for (const { name, partitions: answers } of topics) {
      for (const { partitionIndex, errorCode, offset } of answers) {
        if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, `${what} (${name}-${partitionIndex})`);
        found.set(name, partitionIndex, offset);
      }
    }
  }
}

function isStale(error: unknown): boolean {
  const { errorCode } = error as { errorCode?: unknown };
  return typeof errorCode === 'number' && needsMetadataRefresh(errorCode);
}
