import { dirname } from 'node:path';
import { type Clock, type Timer } from '../../common/clock.js';
import { GroupCommit } from './group-commit.js';
import { type LogSegment } from './log-segment.js';
import { type OpenFiles } from './open-files.js';
import { type SegmentList } from './segment-list.js';
import { type StorageHealth } from './storage-health.js';

// Brings a log to the device and knows how far that has come: the recovery point.

export interface LogFlusherOptions {
  readonly files: OpenFiles;
  readonly directory: string;
  readonly segments: SegmentList;
  readonly health: StorageHealth;
  readonly recoveryPoint: number;
  readonly logEndOffset: () => number;
  readonly clock: Clock;
}

export class LogFlusher {
  readonly #options: LogFlusherOptions;
  readonly #groupCommit = new GroupCommit(() => this.#sync());
  #recoveryPoint: number;
  /** Sealed segments whose files are not all on the device, oldest first. */
  #unsynced: LogSegment[];
  #hasNewFiles = true;
  #isFirstSync = true;
  #isStopped = false;
  #hasAppended = false;
  #timer: Timer | undefined;

  constructor(options: LogFlusherOptions) {
    const { segments, recoveryPoint } = options;
    this.#options = options;
    this.#recoveryPoint = recoveryPoint;
    this.#unsynced = segments.all.slice(segments.indexOf(recoveryPoint), -1);
  }

  /** Everything before it is on the device, the indexes of the segments before the one it lies in too. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** fsync of everything appended so far, shared by all that wait. Rejects with KAFKA_STORAGE_FAILED. */
  flush(): Promise<void> {
    if (this.#options.logEndOffset() === this.#recoveryPoint && this.#unsynced.length === 0) return Promise.resolve();
    return this.#groupCommit.commit();
  }

  flushInBackground(): void {
    // The failure is kept and logged by `health`; the next append answers with it.
    this.flush().catch(() => undefined);
  }

  /** Something was appended: it is flushed within `flushMs`. */
  appended(flushMs: number): void {
    this.#hasAppended = true;
    if (flushMs === Number.POSITIVE_INFINITY || this.#timer) return;
    this.#timer = this.#options.clock.schedule(flushMs, () => {
      this.#timer = undefined;
      this.flushInBackground();
    });
  }

  /** A flush that takes the indexes of the active segment along: a clean start trusts them. */
  async finish(): Promise<void> {
    await this.flush();
    if (!this.#hasAppended) return;
    await this.#options.segments.active.sync();
    await this.#options.files.syncDirectory(this.#options.directory);
  }

  /** A segment was closed and a new one begun. */
  rolled(sealed: LogSegment): void {
    this.#unsynced.push(sealed);
    this.#hasNewFiles = true;
  }

  removed(segments: readonly LogSegment[]): void {
    this.#unsynced = this.#unsynced.filter((segment) => !segments.includes(segment));
  }

  /** A sync that is under way ends without an error from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #sync(): Promise<void> {
    try {
      // Should the active segment be rolled meanwhile, its indexes have to follow before the point may rise.
      for (let hasRolled = true; hasRolled; ) hasRolled = await this.#syncOnce();
    } catch (cause) {
      if (!this.#isStopped) throw this.#options.health.flushFailed(cause);
    }
  }

  async #syncOnce(): Promise<boolean> {
    const { segments, files, directory, logEndOffset } = this.#options;
    const { active } = segments;
    const end = logEndOffset();
    const sealed = [...this.#unsynced];
    for (const segment of sealed) await segment.sync();
    if (this.#hasNewFiles && !this.#isStopped) {
      this.#hasNewFiles = false;
      await files.syncDirectory(directory);
      // The directory itself may be new: its name has to last as well.
      if (this.#isFirstSync) await files.syncDirectory(dirname(directory));
      this.#isFirstSync = false;
    }
    await active.syncLog();
    this.removed(sealed);
    if (active !== segments.active) return !this.#isStopped;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, end);
    return false;
  }
}
