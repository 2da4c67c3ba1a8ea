import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type Delivery } from '../delivery/delivery.js';
import { namesOf, sentenceOf } from '../log-text.js';
import { type FailureDecision } from './error-handler.js';
import { LineBudget } from './line-budget.js';

// What the log says about failed deliveries. A record that runs again, here (told at its first failure) or from a retry
// topic, has one of a few lines where many do so at once: lines with stack traces cost more than the records they are
// about. Decisions that end a record's way are told each time.

export interface FailureLogOptions {
  readonly listener: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FailureLog {
  readonly #options: FailureLogOptions;
  readonly #retries: LineBudget;
  readonly #goingOn: LineBudget;

  constructor(options: FailureLogOptions) {
    this.#options = options;
    const { clock } = options;
    this.#retries = new LineBudget(clock, (unsaid) => this.#tellSum(unsaid, 'for the first time and run again'));
    this.#goingOn = new LineBudget(clock, (unsaid) => this.#tellSum(unsaid, 'and were handed on to be retried'));
  }

  tell(delivery: Delivery, error: unknown, decision: FailureDecision): void {
    const { logger } = this.#options;
    switch (decision.action) {
      case 'retry':
        this.#tellRetry(delivery, error, decision.delayMs);
        break;
      case 'recover':
        if (decision.isRetriedThere === true && !this.#goingOn.take()) return;
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
    this.#retries.close();
    this.#goingOn.close();
  }

  #tellRetry(delivery: Delivery, error: unknown, delayMs: number): void {
    const { logger } = this.#options;
    if (delivery.attempt > 1) {
      // One line tells that something is wrong; the tenth within a millisecond tells nothing more.
      if (logger.debug) logger.debug(`${this.#head(delivery, error)} It runs again in ${delayMs} ms.`);
    } else if (this.#retries.take()) {
      logger.warn(`${this.#head(delivery, error)} It runs again in ${delayMs} ms.`, error);
    }
  }

  #tellSum(unsaid: number, what: string): void {
    const { logger, listener } = this.#options;
    const more = `${unsaid} more record${unsaid === 1 ? '' : 's'}`;
    logger.warn(`listener '${listener}': ${more} failed within the same second ${what}.`);
  }

  #head({ record, attempt, batch }: Delivery, error: unknown): string {
    const what = batch === undefined || batch.length === 1 ? 'the handler' : `a batch of ${batch.length} from here on`;
    return (
      `listener '${this.#options.listener}': ${what} failed at ${namesOf([record])} offset ${record.offset}, delivery ` +
      `${attempt}: ${sentenceOf(error)}`
    );
  }
}
