import { type Clock } from '../../../common/clock.js';
import { type Deferred, deferred } from '../../../common/lifecycle.js';
import { type PartitionRecords } from '../consumer-client.js';
import { type Fetcher } from './fetcher.js';

// Waiting for the fetcher on behalf of `poll`.

export interface PollOptions {
  readonly maxRecords: number;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
}

export class RecordPoll {
  #waiting: Deferred<void> | undefined;

  constructor(
    readonly clock: Clock,
    /** The consumer stops: nothing is waited for any more. */
    readonly stopping: AbortSignal,
  ) {}

  /** Looks again: something may be there, or the consumer has failed. */
  wake(): void {
    this.#waiting?.resolve();
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
      await this.#untilReady(leftMs, options.signal);
    }
  }

  async #untilReady(maxWaitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const waiting = deferred();
    this.#waiting = waiting;
    const wake = (): void => waiting.resolve();
    signal?.addEventListener('abort', wake, { once: true });
    const timer = this.clock.schedule(maxWaitMs, wake);
    await waiting.promise;
    timer.cancel();
    signal?.removeEventListener('abort', wake);
    if (this.#waiting === waiting) this.#waiting = undefined;
  }
}
