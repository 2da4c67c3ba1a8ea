import { type KafkaRecord } from '../../../common/record.js';
import { type PartitionRecords } from '../../client/consumer-client.js';
import { type CommitPolicy } from '../../dispatch/commit-policy.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type CommitFirst } from '../commits/commit-first.js';
import { type Progress } from '../commits/progress.js';
import { type ArrivalWatch, type RecordKeeper } from '../commits/record-account.js';
import { type ContainerCounters } from '../container-counters.js';
import { type ContainerEvents } from '../container-events.js';
import { type PartitionState } from '../partitions/partition-state.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { BatchGathering, type BatchGatheringOptions } from './batch-gathering.js';
import { Delivery, type PollBatch, weightOf } from './delivery.js';
import { type RecordPassage } from './record-passage.js';
import { RecordRun } from './record-run.js';

// What a poll handed over, on its way into trackers and lanes.

export interface RecordIntakeOptions {
  /** Records of one partition of a poll are one unit of work. */
  readonly isBatch: boolean;
  /** Records beyond the budget fail instead of making the partition wait. */
  readonly rejects: boolean;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly policy: CommitPolicy;
  readonly progress: Progress;
  readonly counters: ContainerCounters;
  readonly keeper: RecordKeeper | undefined;
  readonly arrivals: ArrivalWatch | undefined;
  readonly events: ContainerEvents;
  readonly index: number;
  readonly passage: RecordPassage | undefined;
  /** Records are committed before they are handled. */
  readonly first: CommitFirst | undefined;
  /** Batches that wait to become large enough; undefined: a batch is what a poll brought. */
  readonly gathering: Omit<BatchGatheringOptions, 'submit'> | undefined;
}

export class RecordIntake {
  readonly #options: RecordIntakeOptions;
  readonly #gathering: BatchGathering | undefined;

  constructor(options: RecordIntakeOptions) {
    this.#options = options;
    const { gathering } = options;
    if (gathering !== undefined) {
      this.#gathering = new BatchGathering({ ...gathering, submit: (...batch) => this.#submitBatch(...batch) });
    }
  }

  accept(polled: readonly PartitionRecords[]): void {
    const { partitions, counters, policy, progress, isBatch, keeper, arrivals, first } = this.#options;
    const begun: KafkaRecord[] = [];
    const poll: PollBatch = { remaining: 0 };
    for (const received of polled) {
      const state = partitions.get(received.topic, received.partition);
      // Compared with the epoch at which we began the partition, not with its newest: a partition that was kept in a
      // rebalance keeps the records that were on their way to us, or they would be passed over.
      if (state === undefined || received.assignmentEpoch < state.firstEpoch) {
        counters.stale += received.records.length;
        continue;
      }
      state.highWatermark = received.highWatermark;
      counters.received += received.records.length;
      state.received += received.records.length;
      if (arrivals !== undefined) this.#watch(arrivals, received);
      const before = counters.restored;
      const waiting = state.queue.records;
      if (isBatch) this.#acceptBatch(received, state, poll);
      else this.#acceptRecords(received, state, poll, begun);
      if (first !== undefined && state.queue.records > waiting) {
        first.received(state);
        progress.finishedBefore(state, received.records);
      }
      if (state.tracker.advance(received.nextOffset) || counters.restored > before) policy.advanced();
      partitions.balance(state);
    }
    // Nothing of it has begun: handlers start in a later turn.
    if (keeper !== undefined && begun.length > 0) keeper.received(begun);
    if (poll.remaining === 0) progress.pollHandled();
  }

  #watch(arrivals: ArrivalWatch, { records }: PartitionRecords): void {
    const { events, index } = this.#options;
    for (const { record, finding } of arrivals.arrived(records)) {
      events.emit({ type: 'sequence', consumer: index, record, finding });
    }
  }

  #acceptRecords({ records }: PartitionRecords, state: PartitionState, poll: PollBatch, begun: KafkaRecord[]): void {
    const { dispatcher, keeper, rejects } = this.#options;
    const fresh = this.#track(records, state);
    poll.remaining += fresh.length;
    if (keeper !== undefined) for (const record of fresh) begun.push(record);
    if (rejects) this.#submitEach(fresh, state, poll);
    else dispatcher.offer(state.queue, new RecordRun(state, poll, fresh));
  }

  /** Those that are to be run: nearly always all of them. */
  #track(records: readonly KafkaRecord[], { tracker }: PartitionState): readonly KafkaRecord[] {
    const { counters, passage } = this.#options;
    let fresh: KafkaRecord[] | undefined;
    for (let at = 0; at < records.length; at++) {
      const record = records[at]!;
      passage?.received(record);
      if (tracker.track(record.offset)) {
        fresh?.push(record);
        continue;
      }
      passage?.finished(record);
      counters.restored++;
      fresh ??= records.slice(0, at);
    }
    return fresh ?? records;
  }

  /** Those that come when the budget is used up are marked. */
  #submitEach(records: readonly KafkaRecord[], state: PartitionState, poll: PollBatch): void {
    for (const record of records) {
      const delivery = new Delivery(state, poll, record, undefined, weightOf(record));
      if (state.queue.isFull) delivery.isRejected = true;
      this.#options.dispatcher.submit(delivery);
    }
  }

  #acceptBatch({ records }: PartitionRecords, state: PartitionState, poll: PollBatch): void {
    const { counters } = this.#options;
    const batch = records.filter(({ offset }) => state.tracker.track(offset));
    counters.restored += records.length - batch.length;
    if (batch.length === 0) return;
    if (this.#gathering !== undefined) this.#gathering.add(state, batch, poll);
    else this.#submitBatch(state, batch, poll);
  }

  #submitBatch(state: PartitionState, batch: readonly KafkaRecord[], poll: PollBatch): void {
    poll.remaining++;
    const bytes = batch.reduce((sum, record) => sum + weightOf(record), 0);
    this.#options.dispatcher.submit(new Delivery(state, poll, batch[0]!, batch, bytes));
  }
}
