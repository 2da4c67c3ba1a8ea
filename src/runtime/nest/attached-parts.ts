import { messageOf } from '../../common/errors.js';
import { type Startable } from '../../common/lifecycle.js';
import { type Logger } from '../../common/logger.js';

/** What lives with a connection: started in the background when the application starts, ended before the connection. */
export class AttachedParts {
  readonly #logger: Logger;
  readonly #parts: Startable[] = [];
  #waiting: Startable[] = [];
  #isOpen = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(part: Startable, autoStartup: boolean): void {
    this.#parts.push(part);
    if (!autoStartup) return;
    if (this.#isOpen) this.#start(part);
    else this.#waiting.push(part);
  }

  open(): void {
    this.#isOpen = true;
    for (const part of this.#waiting.splice(0)) this.#start(part);
  }

  /** Ends all, the last one first; never rejects. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#waiting = [];
    for (const part of this.#parts.splice(0).reverse()) {
      await part.stop().catch((error: unknown) => {
        this.#logger.error(`ending a part of a connection failed: ${messageOf(error)}`, error);
      });
    }
  }

  #start(part: Startable): void {
    part.start().catch((error: unknown) => {
      if (this.#isOpen) this.#logger.error(`a part of a connection did not start: ${messageOf(error)}`, error);
    });
  }
}
