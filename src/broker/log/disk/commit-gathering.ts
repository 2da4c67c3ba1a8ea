import { type Clock } from '../../../common/clock.js';
import { type DevicePace } from './device-pace.js';

// When the next fsync of a log begins. Producers that wait for their answers send again right after an fsync: one that
// begins at once misses them, and each then waits for two. So it waits for those that the last one served, if the
// device is slow enough to make it worth while, and only as long as that pays.

/** A quicker device is better kept busy. */
const SLOW_MS = 2;
/** Part of an fsync's time that may be spent on waiting for more to cover. */
const PATIENCE = 0.25;
/** After waits in vain, so many fsyncs at most begin at once. */
const MOST_SKIPPED = 64;

export class CommitGathering {
  /** Callers that the next fsync will cover. */
  #asked = 0;
  /** Callers served by the last one, with those that came meanwhile. */
  #expected = 0;
  #startedAt = 0;
  /** Called when all that are expected are there. */
  #complete: (() => void) | undefined;
  /** Waits in a row that were in vain, and the fsyncs that begin at once because of them. */
  #inVain = 0;
  #skipped = 0;

  constructor(
    private readonly clock: Clock,
    private readonly device: DevicePace,
  ) {}

  asked(): void {
    this.#asked++;
    if (this.#asked >= this.#expected) this.#complete?.();
  }

  /** Undefined when the fsync should begin at once. */
  gather(): Promise<void> | undefined {
    if (this.#asked >= this.#expected) return undefined;
    const { shortestMs } = this.device;
    if (shortestMs < SLOW_MS) return undefined;
    if (this.#skipped > 0) {
      this.#skipped--;
      return undefined;
    }
    return new Promise((resolve) => {
      const end = (isInVain: boolean): void => {
        this.#complete = undefined;
        timer.cancel();
        this.#inVain = isInVain ? this.#inVain + 1 : 0;
        if (isInVain) this.#skipped = Math.min(MOST_SKIPPED, 2 ** this.#inVain);
        resolve();
      };
      const timer = this.clock.schedule(shortestMs * PATIENCE, () => end(true), { keepAlive: true });
      this.#complete = () => end(false);
    });
  }

  /** The fsync begins. Returns what to call when it is done. */
  begin(): () => void {
    const covered = this.#asked;
    this.#asked = 0;
    this.#startedAt = this.clock.monotonic();
    return () => {
      this.device.note(this.clock.monotonic() - this.#startedAt);
      this.#expected = covered + this.#asked;
    };
  }
}
