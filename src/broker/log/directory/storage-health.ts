import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { partitionName, type TopicPartition } from '../../../common/topic-partition.js';
import { type LogHome } from './log-home.js';

// Whether a log can be written to, and why not. A full disk passes; a disk that fails does not.

const PASSING_FAULTS: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/** Whether the disk is only full: the same write may succeed later. */
export function isPassingFault(error: unknown): boolean {
  return PASSING_FAULTS.has((error as NodeJS.ErrnoException | undefined)?.code);
}

export class StorageHealth {
  #failure: NestdawError | undefined;
  #isOffline = false;

  constructor(
    private readonly log: { readonly topicPartition: TopicPartition; readonly home: LogHome },
    private readonly logger: Logger,
  ) {}

  /** Why the last write failed; undefined again once one succeeds. */
  get failure(): NestdawError | undefined {
    return this.#failure;
  }

  /** No write is tried any more until the broker restarts. */
  get isOffline(): boolean {
    return this.#isOffline;
  }

  wroteWell(): void {
    this.#failure = undefined;
  }

  /** `cutBack` says that the log is what it was before the write. */
  writeFailed(cause: unknown, cutBack: boolean): NestdawError {
    const passes = cutBack && isPassingFault(cause);
    const advice = passes ? 'free disk space, writing then goes on' : 'check the disk and restart the broker';
    const message = `${partitionName(this.log.topicPartition)} could not be written to: ${messageOf(cause)}. Nothing acknowledged is lost; ${advice}`;
    return this.#fail(message, cause, !passes);
  }

  /** After a failed fsync nobody knows what reached the device: writing on would build on sand. */
  flushFailed(cause: unknown): NestdawError {
    const message = `${partitionName(this.log.topicPartition)} could not be flushed: ${messageOf(cause)}. Check the disk and restart the broker`;
    return this.#fail(message, cause, true);
  }

  #fail(message: string, cause: unknown, forGood: boolean): NestdawError {
    if (this.#failure === undefined && !this.log.home.failure) this.logger.error(message);
    this.#failure = new NestdawError('KAFKA_STORAGE_FAILED', message, { cause, retriable: !forGood });
    this.#isOffline ||= forGood;
    if (forGood) this.log.home.logFailed(this.#failure);
    return this.#failure;
  }
}
