import { NestdawError } from '../../common/errors.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { type ConsumerRunner } from './consumer-runner.js';
import { type ContainerState } from './container-state.js';

// The consumers of one run of a container, and which of them has which partition.

export class ConsumerSet {
  readonly list: readonly ConsumerRunner[];
  readonly #listener: string;

  constructor(listener: string, list: readonly ConsumerRunner[] = []) {
    this.#listener = listener;
    this.list = list;
  }

  /** Partitions that they have right now. */
  assigned(): TopicPartition[] {
    return this.list.flatMap((consumer) => consumer.control.assignment());
  }

  /** Those that have some of these partitions, each with its part. */
  shares<T extends TopicPartition>(partitions: readonly T[]): Array<readonly [ConsumerRunner, T[]]> {
    return this.list
      .map((consumer) => [consumer, ownedBy(consumer, partitions)] as const)
      .filter(([, mine]) => mine.length > 0);
  }

  /** The same where all of them have to be here; else throws KAFKA_REBALANCED. */
  owners<T extends TopicPartition>(
    named: readonly T[],
    what: string,
    state: ContainerState,
  ): Array<readonly [ConsumerRunner, T[]]> {
    const foreign = this.foreign(named);
    if (foreign.length === 0) return this.shares(named);
    throw new NestdawError(
      'KAFKA_REBALANCED',
      `listener '${this.#listener}' does not have ${foreign.map(partitionName).join(', ')} at the moment (it is ` +
        `${state}): ${what} where they are assigned, or when they are`,
    );
  }

  /** Partitions that none of them has. */
  foreign<T extends TopicPartition>(partitions: readonly T[]): T[] {
    const assigned = new Set(this.assigned().map(partitionName));
    return partitions.filter((tp) => !assigned.has(partitionName(tp)));
  }
}

function ownedBy<T extends TopicPartition>(consumer: ConsumerRunner, partitions: readonly T[]): T[] {
  const owned = new TopicPartitionMap<true>();
  for (const { topic, partition } of consumer.control.assignment()) owned.set(topic, partition, true);
  return partitions.filter(({ topic, partition }) => owned.has(topic, partition));
}
