import { type Clock, type Timer } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type Delivery } from '../delivery/delivery.js';
import { namesOf, sentenceOf } from '../log-text.js';
import { type FailureDecision } from './error-handler.js';

// What the log says about failed deliveries. A record that only runs again is told at its first failure, and where many
// do so at once a few of them stand for all: lines with stack traces cost more than the records they are about.
// Decisions that end a record's way here are told each time.

/** Lines about first failures within one period; what comes on top is counted and told at its end. */
const MOST_LINES = 10;
const PERIOD_MS = 1_000;

export interface FailureLogOptions {
  readonly listener: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FailureLog {
  readonly #options: FailureLogOptions;
  #periodStart = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #unsaid = 0;
  #timer: Timer | undefined;

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  tell(delivery: Delivery, error: unknown, decision: FailureDecision): void {
    const { logger } = this.#options;
    switch (decision.action) {
      case 'retry':
        this.#tellRetry(delivery, error, decision.delayMs);
        break;
      case 'recover':
        // What takes it over tells its own story; on its way through retry topics a failure is nothing unusual.
        logger.warn(
          `${this.#head(delivery, error)} It is ${decision.recoverer.description ?? 'handed to the recoverer'}.`,
          error,
        );
        break;
      case 'skip':
        logger.error(`${this.#head(delivery, error)} It is skipped and committed (${decision.policy}).`, error);
        break;
      case 'pause-partition':
        logger.error(
          `${this.#head(delivery, error)} The partition is paused, nothing of it is lost, others go on. Cure the handler ` +
            'or the record and resume the container (or restart); to move past such records, give the error handler ' +
            "exhausted: 'skip'.",
          error,
        );
        break;
      case 'stop-container':
        logger.error(`${this.#head(delivery, error)} The container stops; the record is not committed.`, error);
        break;
    }
  }

  /** Says what has not been said yet. */
  close(): void {
    this.#timer?.cancel();
    this.#sumUp();
  }

  #tellRetry(delivery: Delivery, error: unknown, delayMs: number): void {
    const { logger, clock } = this.#options;
    if (delivery.attempt > 1) {
      // One line tells that something is wrong; the tenth within a millisecond tells nothing more.
      if (logger.debug) logger.debug(`${this.#head(delivery, error)} It runs again in ${delayMs} ms.`);
      return;
    }
    if (this.#lines >= MOST_LINES && this.#timer !== undefined) {
      this.#unsaid++;
      return;
    }
    const now = clock.monotonic();
    if (now - this.#periodStart >= PERIOD_MS) {
      this.#periodStart = now;
      this.#lines = 0;
    }
    logger.warn(`${this.#head(delivery, error)} It runs again in ${delayMs} ms.`, error);
    if (++this.#lines < MOST_LINES) return;
    this.#timer = clock.schedule(this.#periodStart + PERIOD_MS - now, () => this.#sumUp());
  }

  #sumUp(): void {
    this.#timer = undefined;
    if (this.#unsaid === 0) return;
    const { logger, listener } = this.#options;
    const more = `${this.#unsaid} more record${this.#unsaid === 1 ? '' : 's'}`;
    logger.warn(`listener '${listener}': ${more} failed within the same second for the first time and run again.`);
    this.#unsaid = 0;
  }

  #head({ record, attempt, batch }: Delivery, error: unknown): string {
    const what = batch === undefined || batch.length === 1 ? 'the handler' : `a batch of ${batch.length} from here on`;
    return (
      `listener '${this.#options.listener}': ${what} failed at ${namesOf([record])} offset ${record.offset}, delivery ` +
      `${attempt}: ${sentenceOf(error)}`
    );
  }
}
