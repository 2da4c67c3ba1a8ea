import { type Clock } from '../../../common/clock.js';
import { Wakeup } from '../../../common/wakeup.js';
import { type PartitionRecords } from '../consumer-client.js';
import { type Fetcher } from './fetching/fetcher.js';

// Waiting for the fetcher on behalf of `poll`.

export interface PollOptions {
  readonly maxRecords: number;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
}

export class RecordPoll {
  readonly #wakeup = new Wakeup();

  constructor(
    readonly clock: Clock,
    /** The consumer stops: nothing is waited for any more. */
    readonly stopping: AbortSignal,
  ) {}

  /** Looks again: something may be there, or the consumer has failed. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Records, or none when the time is over. Before each look `check` may throw. */
  async next(fetcher: Fetcher, options: PollOptions, check: () => void): Promise<PartitionRecords[]> {
    const until = this.clock.monotonic() + options.maxWaitMs;
    for (;;) {
      check();
      const records = fetcher.take(options.maxRecords);
      const leftMs = until - this.clock.monotonic();
      const isOver = leftMs <= 0 || options.signal?.aborted || this.stopping.aborted;
      if (records.length > 0 || isOver) return records;
      await this.#wakeup.wait(this.clock, leftMs, options.signal);
    }
  }
}
