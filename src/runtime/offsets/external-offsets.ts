import { exponentialBackoff } from '../../common/backoff.js';
import { type Clock, sleep } from '../../common/clock.js';
import { hasCode, messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { type CommitOffset } from '../client/consumer-client.js';
import { type OffsetStore } from './offset-store.js';

// A group's offsets in a store, in the place of the group coordinator's: asked when partitions are assigned, written
// by policy and on revocation. Remembers under which epoch each partition is ours.

/** What a stored number means: the next offset to read, as Kafka has it, or the last one that was read. */
export type OffsetConvention = 'next' | 'last';

export interface ExternalOffsetsOptions {
  readonly listener: string;
  readonly group: string;
  readonly store: OffsetStore;
  readonly convention: OffsetConvention;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ExternalOffsets {
  readonly #options: ExternalOffsetsOptions;
  readonly #shift: number;
  readonly #epochs = new TopicPartitionMap<number>();
  readonly #backoff = exponentialBackoff({ initialMs: 100, maxMs: 5_000 });

  constructor(options: ExternalOffsetsOptions) {
    this.#options = options;
    this.#shift = options.convention === 'last' ? 1 : 0;
  }

  get group(): string {
    return this.#options.group;
  }

  /** What is added to a stored number to get the next offset to read. */
  get shift(): number {
    return this.#shift;
  }

  /** Epoch under which a partition is ours; undefined when it never was. */
  epochOf({ topic, partition }: TopicPartition): number | undefined {
    return this.#epochs.get(topic, partition);
  }

  /**
   * Positions of partitions; those never stored have no entry. While the store is down it waits: to begin elsewhere
   * would lose or repeat what it knows.
   */
  async fetch(
    partitions: readonly TopicPartition[],
    { claims, signal }: { readonly claims: boolean; readonly signal: AbortSignal },
  ): Promise<TopicPartitionMap<{ readonly offset: number; readonly metadata: string }>> {
    const found = new TopicPartitionMap<{ readonly offset: number; readonly metadata: string }>();
    for (const { topic, partition, offset, metadata, epoch } of await this.#load(partitions, claims, signal)) {
      if (claims) this.#epochs.set(topic, partition, epoch);
      if (offset !== undefined) found.set(topic, partition, { offset: offset + this.#shift, metadata });
    }
    return found;
  }

  /** Rejects with KAFKA_COMMIT_FAILED when a partition has another owner by now, or with what the store says. */
  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    const { store, group, listener } = this.#options;
    const refused = await store.store(
      group,
      offsets.map(({ topic, partition, offset, metadata = '' }) => {
        return {
          topic,
          partition,
          offset: offset - this.#shift,
          metadata,
          epoch: this.#epochs.get(topic, partition) ?? 0,
        };
      }),
    );
    if (refused.length === 0) return;
    throw new NestdawError(
      'KAFKA_COMMIT_FAILED',
      `listener '${listener}': ${refused.map(partitionName).join(', ')} has another owner by now, its offset stays as that ` +
        'one stores it: what was handled here since the last commit is handled there again',
    );
  }

  async #load(partitions: readonly TopicPartition[], claims: boolean, signal: AbortSignal) {
    const { store, group, listener, clock, logger } = this.#options;
    for (let failures = 1; ; failures++) {
      try {
        const loaded = await store.load(group, partitions, claims);
        if (failures > 1) logger.log(`listener '${listener}': its offset store answers again`);
        return loaded;
      } catch (error) {
        if (signal.aborted || hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
        const what = `listener '${listener}': its offset store does not answer: ${messageOf(error)}`;
        if (failures === 1) logger.error(`${what}; nothing is read until it does`, error);
      }
      await sleep(clock, this.#backoff(failures), signal);
      if (signal.aborted) {
        throw new NestdawError(
          'KAFKA_REBALANCED',
          `listener '${listener}': the assignment ended while its offset store was away`,
        );
      }
    }
  }
}
