import { type Clock } from '../../common/clock.js';
import { type LogChange } from '../log/log-listeners.js';
import { type IsolationLevel } from '../log/log-results.js';
import { type PartitionLog } from '../log/partition-log.js';

// Fetches that wait for data. A waiting fetch listens to its partitions itself, so an append that nobody waits for
// costs nothing here, and one that somebody does costs a look at that one partition.

/** One partition that a fetch waits on. */
export interface WaitedPartition {
  readonly log: PartitionLog;
  readonly offset: number;
  readonly isolation: IsolationLevel;
  /** More than this the fetch could not take from the partition anyway. */
  readonly maxBytes: number;
}

export interface FetchWait {
  readonly partitions: readonly WaitedPartition[];
  /** Readable bytes over all partitions that end the wait. */
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Ends the wait when the client is gone. */
  readonly closed: AbortSignal;
}

/** Bytes that a fetch could take from the partition now. */
export function readableBytes({ log, offset, isolation, maxBytes }: WaitedPartition): number {
  const readable = log.readableBytes(offset, isolation);
  // Infinity: the data begins in an older segment, which is reason enough to answer.
  return readable === Number.POSITIVE_INFINITY ? readable : Math.min(readable, maxBytes);
}

export class FetchPurgatory {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #open = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Fetches that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when there is enough to read, the time is over, a partition is gone, or the broker stops. */
  park(wait: FetchWait): Promise<void> {
    if (!this.#open || wait.closed.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const undo: Array<() => void> = [];
      const wake = () => {
        if (!this.#waiting.delete(wake)) return;
        timer.cancel();
        wait.closed.removeEventListener('abort', wake);
        for (const step of undo) step();
        resolve();
      };
      const timer = this.#clock.schedule(wait.maxWaitMs, wake);
      this.#waiting.add(wake);
      wait.closed.addEventListener('abort', wake, { once: true });
      this.#listen(wait, wake, undo);
    });
  }

  #listen({ partitions, minBytes }: FetchWait, wake: () => void, undo: Array<() => void>): void {
    let total = 0;
    for (const partition of partitions) {
      let readable = readableBytes(partition);
      total += readable;
      const onChange = (_log: PartitionLog, change: LogChange) => {
        if (change === 'closed' || change === 'start') {
          wake();
          return;
        }
        const now = readableBytes(partition);
        total += now - readable;
        readable = now;
        if (total >= minBytes) wake();
      };
      undo.push(partition.log.subscribe(onChange));
    }
    if (total >= minBytes) wake();
  }

  /** Wakes everybody and lets nobody wait any more. */
  close(): void {
    this.#open = false;
    for (const wake of this.#waiting) wake();
  }
}
