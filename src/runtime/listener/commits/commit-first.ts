import { type PartitionState } from '../partitions/partition-state.js';
import { type PartitionTable } from '../partitions/partition-table.js';

// At most once: records are committed before they are handled. Their partition starts nothing until the commit is
// acknowledged; a process that dies after that loses what it had not handled.

export class CommitFirst {
  readonly #partitions: PartitionTable;
  readonly #wake: () => void;

  constructor(partitions: PartitionTable, wake: () => void) {
    this.#partitions = partitions;
    this.#wake = wake;
  }

  /** Records of the partition have come: they count as finished, and wait for that to be committed. */
  received(state: PartitionState): void {
    this.#partitions.hold(state, 'commit');
  }

  /** The partition starts once all that has come of it is committed. */
  committed(state: PartitionState): void {
    if (!state.holds.has('commit') || state.committedOffset < state.tracker.committableOffset) return;
    this.#partitions.unhold(state, 'commit');
    this.#wake();
  }
}
