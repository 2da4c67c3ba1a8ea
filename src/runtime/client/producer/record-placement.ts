import { type Random } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type Cluster } from '../cluster/cluster.js';
import { askPartitioner, Partitioner, type PartitionerCluster } from './partitioner.js';
import { type ProducerSettings } from './producer-options.js';
import { type RecordAccumulator } from './record-accumulator.js';
import { type TopicCounts } from './topic-counts.js';

// Puts the partitioner, ours or somebody's own, beside what it is to know: counts, leaders, and what waits for whom.

export interface RecordPlacementOptions {
  readonly settings: ProducerSettings;
  readonly cluster: Cluster;
  readonly topics: TopicCounts;
  readonly accumulator: RecordAccumulator;
  /** Whether a partition's broker takes nothing. */
  readonly isStuck: (topic: string, partition: number) => boolean;
  readonly random: Random;
}

export class RecordPlacement {
  readonly #own: ProducerSettings['partitioner'];
  readonly #partitioner: Partitioner;
  readonly #view: PartitionerCluster;

  constructor({ settings, cluster, topics, accumulator, isStuck, random }: RecordPlacementOptions) {
    const loadOf = (topic: string, partition: number) =>
      cluster.leaderOf(topic, partition) < 0 || isStuck(topic, partition)
        ? undefined
        : accumulator.backlogOf(topic, partition);
    this.#own = settings.partitioner;
    this.#partitioner = new Partitioner({
      batchSize: settings.batchSize,
      ignoreKeys: settings.partitionerIgnoreKeys,
      nullKeys: settings.nullKeyPartitioning,
      random,
      ...(settings.adaptivePartitioning ? { loadOf } : {}),
    });
    this.#view = {
      partitionsFor: (topic) => topics.partitionsOf(topic),
      leaderFor(topic, partition) {
        const leader = cluster.leaderOf(topic, partition);
        return cluster.nodes().find(({ nodeId }) => nodeId === leader);
      },
      nodes: () => cluster.nodes(),
    };
  }

  /** A partition below `count`. Throws what somebody's own partitioner throws, or for an answer that is none. */
  choose(topic: string, record: OutgoingRecord, size: number, count: number): number {
    return this.#own
      ? askPartitioner(this.#own, topic, record, count, this.#view)
      : this.#partitioner.choose(topic, record.key, size, count);
  }
}
