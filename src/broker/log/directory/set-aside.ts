import { type Timer } from '../../../common/clock.js';
import { storage } from '../disk/storage-step.js';
import { type LogContext } from '../log-context.js';
import { type PartitionLog } from '../partition-log.js';
import { setAsideName } from './partition-directory.js';

// Directories of partitions that are no more: renamed at once, so that one of the same name may come; those of deleted
// topics are removed later.

export class SetAside {
  /** Those that will be removed, with the timers that do it. */
  readonly #doomed = new Map<string, Timer>();
  #isUnsynced = false;

  constructor(
    private readonly context: LogContext,
    private readonly directory: string,
  ) {}

  /**
   * Closes the log and gives its directory a name that no partition has; returns its path. What was done so lasts after
   * `sync`: the partitions of a topic need one together. Throws KAFKA_STORAGE_FAILED.
   */
  move(log: PartitionLog, why: 'delete' | 'stray'): string {
    log.abandon();
    const { fileSystem, random } = this.context;
    const aside = `${this.directory}/${setAsideName(log.topicPartition, random.bytes(16).toString('hex'), why)}`;
    storage(`${log.directory} could not be set aside`, () => fileSystem.rename(log.directory, aside));
    this.#isUnsynced = true;
    return aside;
  }

  /** Makes the new names last. Throws KAFKA_STORAGE_FAILED. */
  sync(): void {
    if (!this.#isUnsynced) return;
    this.#isUnsynced = false;
    const { directory } = this;
    storage(`${directory} could not be synced`, () => this.context.fileSystem.syncDirectory(directory));
  }

  removeAfter(delayMs: number, path: string): void {
    this.#doomed.set(
      path,
      this.context.clock.schedule(delayMs, () => this.#remove(path)),
    );
  }

  /** Does not wait for the time of those that are still to be removed. */
  removeAll(): void {
    for (const path of this.#doomed.keys()) this.#remove(path);
  }

  #remove(path: string): void {
    this.#doomed.get(path)?.cancel();
    this.#doomed.delete(path);
    this.context.removals.begin(path);
  }
}
