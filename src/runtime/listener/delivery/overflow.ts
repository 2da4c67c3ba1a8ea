import { type OverflowPolicy } from '../container-settings.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type DeliveryRunner } from './delivery-runner.js';

// What the poll loop does when a partition's budget is used up. The partition itself is not fetched then (but under
// `reject`); these policies say what becomes of the others.

export class Overflow {
  constructor(
    readonly policy: OverflowPolicy,
    readonly partitions: PartitionTable,
    readonly runner: DeliveryRunner,
    readonly stopped: AbortSignal,
  ) {}

  /** Before the next poll. */
  async relieve(): Promise<void> {
    if (this.policy === 'pause' || this.policy === 'reject' || !this.#isFull()) return;
    if (this.policy === 'caller-runs') await this.runner.runBeside(this.stopped);
    else await this.runner.drained(() => !this.#isFull(), this.stopped);
  }

  #isFull(): boolean {
    for (const { isBackpressured, holds } of this.partitions.values())
      if (isBackpressured && holds.size === 0) return true;
    return false;
  }
}
