import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';

// Says once that a store does not answer, and once that it does again, however many records notice.

export interface StoreOutageOptions {
  readonly listener: string;
  /** `the store of message ids`. */
  readonly store: string;
  /** What becomes of the listener's records meanwhile. */
  readonly consequence: string;
  readonly logger: Logger;
}

export class StoreOutage {
  readonly #options: StoreOutageOptions;
  #isDown = false;

  constructor(options: StoreOutageOptions) {
    this.#options = options;
  }

  down(error: unknown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const { listener, store, consequence, logger } = this.#options;
    logger.error(`listener '${listener}': ${store} does not answer: ${messageOf(error)}; ${consequence}`, error);
  }

  up(): void {
    if (!this.#isDown) return;
    this.#isDown = false;
    const { listener, store, logger } = this.#options;
    logger.log(`listener '${listener}': ${store} answers again`);
  }
}
