import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { knownOffset, resolveTarget, type SeekTarget, targetMistake } from '../../../common/seek-target.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommitOffset, type ConsumerClient, type GroupMetadata } from '../../client/consumer-client.js';
import { type CommitPolicy } from '../../dispatch/commit-policy.js';
import { type Committer } from '../commits/committer.js';
import { commitTargets } from '../commits/exact-commit.js';
import { type ContainerEvents } from '../container-events.js';
import { type CommitOptions, type CommitTarget, type ListenerConsumer } from '../listener-consumer.js';
import { type OwnerQueue } from './owner-queue.js';
import { type PartitionOpener } from './partition-opener.js';
import { type CallableConsumer, type PartitionState, type RecordsInHand } from './partition-state.js';
import { coordinates, type PartitionTable } from './partition-table.js';

// Moves, pauses and commits partitions of one consumer on behalf of user code. A moved partition becomes a new one:
// what waited is dropped, what still runs belongs to the old one, and nothing of the new one starts before that ended.

export interface PartitionControlOptions {
  readonly listener: string;
  readonly groupId: string;
  readonly index: number;
  readonly consumer: ConsumerClient;
  readonly partitions: PartitionTable;
  readonly opener: PartitionOpener;
  readonly owner: OwnerQueue;
  readonly policy: CommitPolicy;
  readonly committer: Committer;
  /**
   * Commits belong to transactions, which end when no handler runs: one that waited for its own would wait for ever.
   */
  readonly isTransactional: boolean;
  readonly events: ContainerEvents;
  readonly logger: Logger;
  /** Partitions that somebody paused, of all consumers of the container: a pause goes with its partition. */
  readonly pausedPartitions: TopicPartitionMap<true>;
  readonly wake: () => void;
}

export class PartitionControl implements CallableConsumer {
  readonly #options: PartitionControlOptions;
  readonly #hand: RecordsInHand | undefined;

  /** @param hand the records of the call that it was made for */
  constructor(options: PartitionControlOptions, hand?: RecordsInHand) {
    this.#options = options;
    this.#hand = hand;
  }

  inCall({ partition, record, batch }: RecordsInHand): ListenerConsumer {
    // As they are at the call: what is left of a batch that failed is a call of its own.
    return new PartitionControl(this.#options, { partition, record, batch });
  }

  get listenerId(): string {
    return this.#options.listener;
  }

  get groupId(): string {
    return this.#options.groupId;
  }

  get index(): number {
    return this.#options.index;
  }

  assignment(): readonly TopicPartition[] {
    return coordinates(this.#options.partitions.values());
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#options.partitions.get(topic, partition)?.tracker.position;
  }

  committed({ topic, partition }: TopicPartition): number | undefined {
    const offset = this.#options.partitions.get(topic, partition)?.committedOffset ?? -1;
    return offset < 0 ? undefined : offset;
  }

  async seek(target: SeekTarget, which?: TopicPartition | readonly TopicPartition[]): Promise<void> {
    const mistake = targetMistake(target);
    if (mistake !== undefined) throw new NestdawError('KAFKA_CONFIG_INVALID', `seek: ${mistake}`);
    const wanted = this.#named(which);
    const states = wanted.map((tp) => this.#stateOf(tp));
    const { partitions, wake } = this.#options;
    const offsets = new TopicPartitionMap<number>();
    for (const state of states) {
      const offset = knownOffset(target, () => state.tracker.position);
      if (offset !== undefined) offsets.set(state.topic, state.partition, offset);
    }
    for (const state of states) partitions.hold(state, 'seek');
    try {
      const found = offsets.size === states.length ? offsets : await this.#resolve(wanted, target);
      await this.#move(wanted, found);
    } catch (error) {
      for (const state of states) partitions.unhold(state, 'seek');
      wake();
      throw error;
    }
  }

  pause(which?: TopicPartition | readonly TopicPartition[]): void {
    const { pausedPartitions, events, wake } = this.#options;
    const named = this.#named(which);
    for (const tp of named) {
      pausedPartitions.set(tp.topic, tp.partition, true);
      this.applyPause(tp);
    }
    if (named.length === 0) return;
    events.emit({ type: 'paused', by: 'user', partitions: coordinates(named) });
    // Under `overflow: block` polls may have waited for it alone.
    wake();
  }

  resume(which?: TopicPartition | readonly TopicPartition[]): void {
    const { pausedPartitions, partitions, consumer, events, wake } = this.#options;
    const named = this.#named(which);
    for (const { topic, partition } of named) {
      pausedPartitions.delete(topic, partition);
      const state = partitions.get(topic, partition);
      if (state) partitions.unhold(state, 'user');
    }
    consumer.resume(named, 'partition');
    if (named.length > 0) events.emit({ type: 'resumed', partitions: coordinates(named) });
    wake();
  }

  paused(): readonly TopicPartition[] {
    return this.assignment().filter(({ topic, partition }) => this.#options.pausedPartitions.has(topic, partition));
  }

  /** Gives a partition that was assigned, or moved, the pause that somebody wished for it. */
  applyPause({ topic, partition }: TopicPartition): void {
    const { pausedPartitions, partitions, consumer } = this.#options;
    const state = partitions.get(topic, partition);
    if (!state || !pausedPartitions.has(topic, partition)) return;
    partitions.hold(state, 'user');
    consumer.pause([{ topic, partition }], 'partition');
  }

  commit(
    which?: CommitTarget | readonly CommitTarget[],
    options: CommitOptions = {},
  ): Promise<readonly CommitOffset[]> {
    const committed = this.#commit(which, options);
    // Whoever does not wait for it is told by the log, and the process goes on.
    committed.catch(() => undefined);
    return committed;
  }

  groupMetadata(): GroupMetadata | undefined {
    return this.#options.consumer.groupMetadata?.();
  }

  enforceRebalance(): void {
    this.#options.consumer.enforceRebalance('a rebalance was asked for');
  }

  async #commit(
    which: CommitTarget | readonly CommitTarget[] | undefined,
    options: CommitOptions,
  ): Promise<readonly CommitOffset[]> {
    return this.#options.committer.commitExactly(this.#askedFor(which, options), this.#hand, options);
  }

  /** Logs what it throws: a call that nobody awaits would be told nothing. */
  #askedFor(
    which: CommitTarget | readonly CommitTarget[] | undefined,
    options: CommitOptions,
  ): readonly CommitTarget[] | undefined {
    const { isTransactional, listener, logger, groupId } = this.#options;
    try {
      if (isTransactional) {
        const message = `listener '${listener}' runs in transactions: its offsets are committed at the end of each`;
        throw new NestdawError('KAFKA_TRANSACTION_STATE', message);
      }
      return which && commitTargets(which, options, groupId);
    } catch (error) {
      logger.error(`listener '${listener}': ${messageOf(error)}`);
      throw error;
    }
  }

  #resolve(wanted: readonly TopicPartition[], target: SeekTarget): Promise<TopicPartitionMap<number>> {
    const { consumer } = this.#options;
    return resolveTarget(wanted, target, {
      current: (tp) => this.#stateOf(tp).tracker.position,
      offsetsAt: (partitions, moment) => consumer.offsetsAt(partitions, moment),
    });
  }

  #move(wanted: readonly TopicPartition[], offsets: TopicPartitionMap<number>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#options.owner.run(() => {
        try {
          // All or none: what is not here any more is found out before anything moves.
          for (const state of wanted.map((tp) => this.#stateOf(tp))) {
            this.#replace(state, offsets.get(state.topic, state.partition)!);
          }
          this.#options.wake();
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  #replace(old: PartitionState, offset: number): void {
    const { partitions, opener, consumer, policy, events, index } = this.#options;
    const { topic, partition, firstEpoch: epoch } = old;
    const from = old.tracker.position;
    old.isSought = true;
    partitions.drop(old);
    const state = opener.open({ topic, partition, epoch, position: offset, finished: [] }, old.consumer);
    state.isRevoked = old.isRevoked;
    partitions.add(state);
    if (old.holds.has('rebalance')) partitions.hold(state, 'rebalance');
    this.applyPause(state);
    consumer.seek(topic, partition, offset);
    // The new position is worth a commit, or a restart would go on at the old one.
    policy.advanced();
    events.emit({ type: 'sought', consumer: index, partition: { topic, partition }, from, to: offset });
  }

  #named(which: TopicPartition | readonly TopicPartition[] | undefined): readonly TopicPartition[] {
    if (which === undefined) return this.assignment();
    return 'topic' in which ? [which] : which;
  }

  #stateOf(tp: TopicPartition): PartitionState {
    const state = this.#options.partitions.get(tp.topic, tp.partition);
    if (state) return state;
    throw new NestdawError(
      'KAFKA_REBALANCED',
      `${partitionName(tp)} is not assigned to consumer ${this.index} of listener '${this.listenerId}': ask ` +
        'assignment() for those that are',
    );
  }
}
