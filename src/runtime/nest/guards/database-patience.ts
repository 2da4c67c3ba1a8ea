import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { StoreOutage } from '../../dedup/store-outage.js';

// A database that is away is no failure of the records that need it: they wait, in their order, until it is back.

export interface DatabasePatienceOptions {
  readonly listener: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DatabasePatience {
  readonly #clock: Clock;
  readonly #outage: StoreOutage;
  readonly #backoff = exponentialBackoff({ initialMs: 100, maxMs: 5_000 });

  constructor({ listener, clock, logger }: DatabasePatienceOptions) {
    this.#clock = clock;
    const consequence = 'its records wait, none is handled without its transaction';
    this.#outage = new StoreOutage({ listener, store: 'the database', consequence, logger });
  }

  /** Resolves when it is time to try again; rejects with the signal's reason when it fires. */
  async wait(error: unknown, tries: number, signal: AbortSignal): Promise<void> {
    this.#outage.down(error);
    await sleep(this.#clock, this.#backoff(tries), signal);
    if (signal.aborted) throw signal.reason as Error;
  }

  /** A transaction has begun. */
  begun(): void {
    this.#outage.up();
  }
}
