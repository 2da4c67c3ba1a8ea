import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type FileSystem } from './file-system.js';

// Removes files outside the broker's turn: freeing the blocks of a large segment takes the system long enough to be
// felt by every client.

/** More at once would keep fsyncs waiting for a thread. */
const AT_ONCE = 2;

export class FileRemovals {
  readonly #waiting: string[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly fileSystem: FileSystem,
    private readonly logger: Logger,
  ) {}

  /** Begins to remove a file, or a directory with all it holds. What cannot be removed is left to the next start. */
  begin(path: string): void {
    this.#waiting.push(path);
    if (this.#running.size === AT_ONCE) return;
    const run = this.#removeAll().finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #removeAll(): Promise<void> {
    for (let path = this.#waiting.pop(); path !== undefined; path = this.#waiting.pop()) {
      try {
        await this.fileSystem.removeLater(path);
      } catch (error) {
        this.logger.warn(`${path} could not be removed: ${messageOf(error)}. The next start tries again`);
      }
    }
  }

  /** Resolves when all that was begun has ended. */
  async finished(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
