import { messageOf, NestdawError } from '../../../common/errors.js';
import { DevicePace } from '../disk/device-pace.js';
import { storage } from '../disk/storage-step.js';
import { type LogContext, type SharedContext } from '../log-context.js';
import { DataDirectory, type DataDirectoryOptions } from './data-directory.js';
import { type LogHome } from './log-home.js';
import { SetAside } from './set-aside.js';
import { isPassingFault } from './storage-health.js';

// One directory of `log.dirs`, and whether it works. Where there are several, the first fault of its disk takes all of
// it out of service until the next start, as in Kafka: its partitions answer KAFKA_STORAGE_ERROR and the others go on.
// A directory that is alone stays: a fault is then the affair of the partition that met it.

/** Kafka's lock: to have written it once shows that the directory can be written to. */
const LOCK_FILE = '.lock';

export interface LogDirectoryOptions {
  readonly shared: SharedContext;
  readonly path: string;
  readonly isAlone: boolean;
}

export class LogDirectory implements LogHome {
  readonly path: string;
  readonly context: LogContext;
  readonly setAside: SetAside;
  #data: DataDirectory | undefined;
  #failure: NestdawError | undefined;

  constructor(private readonly options: LogDirectoryOptions) {
    this.path = options.path;
    this.context = { ...options.shared, home: this, device: new DevicePace() };
    this.setAside = new SetAside(this.context, this.path);
  }

  get id(): string {
    return this.#data?.meta.directoryId ?? '';
  }

  get failure(): NestdawError | undefined {
    return this.#failure;
  }

  /** The files at its top. Throws while it is not open. */
  get data(): DataDirectory {
    if (!this.#data) throw new RangeError(`${this.path} is not open`);
    return this.#data;
  }

  /**
   * Reads whose it is, or makes it this node's. Throws KAFKA_DATA_DIR_INVALID; KAFKA_STORAGE_FAILED when it is alone.
   */
  open(owner: Pick<DataDirectoryOptions, 'nodeId' | 'clusterId' | 'bootId'>): void {
    this.attempt(`${this.path} could not be opened`, () => {
      const { fileSystem, random } = this.context;
      if (!this.options.isAlone) {
        fileSystem.makeDirectory(this.path);
        fileSystem.open(`${this.path}/${LOCK_FILE}`, { create: true }).close();
      }
      this.#data = new DataDirectory({ fileSystem, path: this.path, random, ...owner });
    });
  }

  /**
   * A step of work on its files; undefined when the disk failed and the directory is out of service now. Throws what a
   * start must not go on after (KAFKA_DATA_DIR_INVALID), what passes (a full disk), and everything when it is alone.
   */
  attempt<T>(what: string, work: () => T): T | undefined {
    if (this.#failure) return undefined;
    try {
      return storage(what, work);
    } catch (error) {
      const isOfDisk = error instanceof NestdawError && error.code === 'KAFKA_STORAGE_FAILED';
      if (this.options.isAlone || !isOfDisk || isPassingFault(error.cause)) throw error;
      this.#fail(error);
      return undefined;
    }
  }

  logFailed(error: NestdawError): void {
    if (!this.options.isAlone) this.#fail(error);
  }

  #fail(cause: NestdawError): void {
    if (this.#failure) return;
    const message =
      `${this.path} is out of service: ${messageOf(cause)}. Its partitions answer KAFKA_STORAGE_ERROR, those in other ` +
      'directories go on. Check the disk and restart the broker';
    this.#failure = new NestdawError('KAFKA_STORAGE_FAILED', message, { cause });
    this.context.logger.error(message);
  }
}
