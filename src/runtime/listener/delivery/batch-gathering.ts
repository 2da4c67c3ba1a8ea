import { type Clock } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type GatheredBatch, type PartitionState } from '../partitions/partition-state.js';
import { type PollBatch } from './delivery.js';

// Batches that wait to become large enough: records of a partition, tracked and unfinished, so that no commit passes
// them, and forgotten with their partition.

/** How much a batch waits for. */
export interface BatchMinimum {
  /** Records of one partition; a batch has fewer when the wait is over. */
  readonly records: number;
  /** Longest wait of the first record of a batch, ms. */
  readonly waitMs: number;
}

export interface BatchGatheringOptions extends BatchMinimum {
  /** Records that a batch has at most. */
  readonly maxRecords: number;
  readonly clock: Clock;
  /** Takes a batch; its records count to that poll. */
  readonly submit: (state: PartitionState, batch: readonly KafkaRecord[], poll: PollBatch) => void;
  /** A batch was submitted outside of a poll. */
  readonly wake: () => void;
}

export class BatchGathering {
  readonly #options: BatchGatheringOptions;

  constructor(options: BatchGatheringOptions) {
    this.#options = options;
  }

  /** Records of one poll: those that make up batches go on at once, the rest waits for more. */
  add(state: PartitionState, records: readonly KafkaRecord[], poll: PollBatch): void {
    const { submit, maxRecords, records: least } = this.#options;
    const before = state.gathered;
    const all = before === undefined ? records : [...before.records, ...records];
    let from = 0;
    while (all.length - from >= least) {
      submit(state, all.slice(from, from + maxRecords), poll);
      from += maxRecords;
    }
    if (before !== undefined && from === 0) {
      state.gathered = { ...before, records: all, poll };
      return;
    }
    before?.timer.cancel();
    state.gathered = from < all.length ? this.#waiting(state, all.slice(from), poll) : undefined;
  }

  #waiting(state: PartitionState, records: readonly KafkaRecord[], poll: PollBatch): GatheredBatch {
    const { clock, waitMs, submit, wake } = this.#options;
    const timer = clock.schedule(waitMs, () => {
      const { gathered } = state;
      if (gathered === undefined) return;
      state.gathered = undefined;
      submit(state, gathered.records, gathered.poll);
      wake();
    });
    return { records, poll, timer };
  }
}
