import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type CommitPolicy } from '../../dispatch/commit-policy.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type ContainerCounters } from '../container-counters.js';
import { type Delivery } from '../delivery/delivery.js';
import { type RecordPassage } from '../delivery/record-passage.js';
import { type AckDesk, type PartitionState } from '../partitions/partition-state.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type Committer } from './committer.js';
import { type CoveredRecords } from './exact-commit.js';

// Finished work on its way to a commit: tracker, policy, committer, budgets. Every record that counts as finished
// passes here, by the handler's return, by acknowledgment or by a policy that skips it.

export interface ProgressOptions {
  readonly partitions: PartitionTable;
  readonly policy: CommitPolicy;
  readonly committer: Committer;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly counters: ContainerCounters;
  readonly passage: RecordPassage | undefined;
}

export class Progress implements AckDesk {
  readonly #options: ProgressOptions;
  readonly #isManual: boolean;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#isManual = options.policy.isManual;
  }

  /** The handler returned normally. */
  returned(delivery: Delivery): void {
    this.#leave(delivery, !this.#isManual);
  }

  /** The records are finished whatever the ack mode: a filter or a policy decided so. */
  skipped(delivery: Delivery): void {
    this.#leave(delivery, true);
  }

  /** The partition was given up: the result changes nothing, but its poll has one record less to wait for. */
  abandoned(delivery: Delivery): void {
    this.#options.dispatcher.finish(delivery);
    if (--delivery.poll.remaining === 0) this.pollHandled();
  }

  /** The records are committed before they are handled, whatever becomes of them then. */
  finishedBefore({ tracker }: PartitionState, records: readonly KafkaRecord[]): void {
    const { counters, committer } = this.#options;
    for (const { offset } of records) if (tracker.finish(offset)) counters.finished++;
    committer.request();
  }

  /** The first `count` records of a batch are finished, the rest runs again. */
  finishedFirst(delivery: Delivery, count: number): void {
    this.#finishRecords(delivery.partition, delivery.record, delivery.batch, count);
  }

  acknowledge(
    partition: PartitionState,
    first: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    count: number,
  ): Promise<void> {
    const { policy, committer, dispatcher, partitions } = this.#options;
    if (partition.isDropped) return partition.isSought ? Promise.resolve() : Promise.reject(tooLate(first));
    this.#finishRecords(partition, first, batch, count);
    partitions.balance(partition);
    if (policy.isImmediate) return partition.isRevoked ? Promise.reject(tooLate(first)) : committer.commitNow();
    if (dispatcher.isIdle && policy.idle()) committer.request();
    return Promise.resolve();
  }

  /** Records below a committed offset: finished by the word of whoever committed it. */
  covered(partition: PartitionState, offset: number, { own, others }: CoveredRecords): void {
    if (own.length > 0) this.#finishRecords(partition, own[0]!, own, own.length);
    if (others)
      for (const one of partition.tracker.unfinishedBelow(offset))
        if (partition.tracker.finish(one)) this.#finished(partition, 1);
    this.#options.partitions.balance(partition);
  }

  /** Every record of a poll has been handled, or nothing of it was to be run. */
  pollHandled(): void {
    if (this.#options.policy.pollHandled()) this.#options.committer.request();
  }

  /** Nothing runs and nothing came: commit what is left over. */
  idle(): void {
    if (this.#options.policy.idle()) this.#options.committer.request();
  }

  tick(): void {
    if (this.#options.policy.tick()) this.#options.committer.request();
  }

  #leave(delivery: Delivery, finishes: boolean): void {
    this.#options.dispatcher.finish(delivery);
    const { partition, record, batch } = delivery;
    if (finishes) this.#finishRecords(partition, record, batch, batch?.length ?? 1);
    if (delivery.partition.isWatched) this.#options.partitions.balance(delivery.partition);
    if (--delivery.poll.remaining === 0) this.pollHandled();
  }

  #finishRecords(
    partition: PartitionState,
    first: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    count: number,
  ): void {
    const { tracker } = partition;
    const { passage } = this.#options;
    if (batch === undefined) {
      if (!tracker.finish(first.offset)) return;
      passage?.finished(first);
      this.#finished(partition, 1);
      return;
    }
    let fresh = 0;
    for (let at = 0; at < count; at++) {
      if (!tracker.finish(batch[at]!.offset)) continue;
      passage?.finished(batch[at]!);
      fresh++;
    }
    if (fresh > 0) this.#finished(partition, fresh);
  }

  #finished(partition: PartitionState, count: number): void {
    this.#options.counters.finished += count;
    // Between revocation and the new assignment the partition's offsets cannot be committed; they are afterwards.
    if (this.#options.policy.finished(count) && !partition.isRevoked) this.#options.committer.request();
  }
}

function tooLate({ topic, partition, offset }: KafkaRecord): NestdawError {
  return new NestdawError(
    'KAFKA_REBALANCED',
    `${topic}-${partition} offset ${offset} was acknowledged after the partition had been taken away: unless it comes ` +
      'back here, its next owner gets the record again. Make the effect repeatable.',
  );
}
