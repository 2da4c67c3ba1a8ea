import { dirname } from 'node:path';
import { type Timer } from '../../common/clock.js';
import { CommitGathering } from './disk/commit-gathering.js';
import { GroupCommit } from './disk/group-commit.js';
import { type LogContext } from './log-context.js';
import { type LogSegment } from './segment/log-segment.js';
import { type SegmentList } from './segment/segment-list.js';

// Brings a log to the device and knows how far that has come: the recovery point.

/** The log that is flushed, as it is now. */
export interface FlushedLog {
  readonly directory: string;
  readonly logEndOffset: number;
  /** An fsync failed: the error for those who wait for it. */
  flushFailed(cause: unknown): Error;
}

const NO_SEGMENTS: readonly LogSegment[] = [];

export class LogFlusher {
  #groupCommit: GroupCommit | undefined;
  #recoveryPoint: number;
  /** Sealed segments whose files are not all on the device, oldest first. */
  #unsynced: readonly LogSegment[] = NO_SEGMENTS;
  #hasNewFiles = true;
  #isFirstSync = true;
  #isStopped = false;
  #hasAppended = false;
  #timer: Timer | undefined;

  constructor(
    private readonly log: FlushedLog,
    private readonly context: LogContext,
    private readonly segments: SegmentList,
    recoveryPoint: number,
  ) {
    this.#recoveryPoint = recoveryPoint;
    if (segments.all.length > 1) this.#unsynced = segments.all.slice(segments.indexOf(recoveryPoint), -1);
  }

  /** Everything before it is on the device, the indexes of the segments before the one it lies in too. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** fsync of everything appended so far, shared by all that wait. Rejects with KAFKA_STORAGE_FAILED. */
  flush(): Promise<void> {
    if (this.log.logEndOffset === this.#recoveryPoint && this.#unsynced.length === 0) return Promise.resolve();
    this.#groupCommit ??= this.#newGroupCommit();
    return this.#groupCommit.commit();
  }

  #newGroupCommit(): GroupCommit {
    const { clock, device } = this.context;
    return new GroupCommit(new CommitGathering(clock, device), () => this.#sync());
  }

  flushInBackground(): void {
    // The failure is kept and logged by the log's health; the next append answers with it.
    this.flush().catch(() => undefined);
  }

  /** Something was appended: it is flushed within `flushMs`. */
  appended(flushMs: number): void {
    this.#hasAppended = true;
    if (flushMs === Number.POSITIVE_INFINITY || this.#timer) return;
    this.#timer = this.context.clock.schedule(flushMs, () => {
      this.#timer = undefined;
      this.flushInBackground();
    });
  }

  /** A flush that takes the indexes of the active segment along: a clean start trusts them. */
  async finish(): Promise<void> {
    await this.flush();
    if (!this.#hasAppended) return;
    await this.segments.active.sync();
    await this.context.files.syncDirectory(this.log.directory);
  }

  /** A segment was closed and a new one begun. */
  rolled(sealed: LogSegment): void {
    this.#unsynced = [...this.#unsynced, sealed];
    this.#hasNewFiles = true;
  }

  removed(segments: readonly LogSegment[]): void {
    if (this.#unsynced.length === 0) return;
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
      if (!this.#isStopped) throw this.log.flushFailed(cause);
    }
  }

  async #syncOnce(): Promise<boolean> {
    const { segments } = this;
    const { logEndOffset: end } = this.log;
    const { active } = segments;
    const sealed = this.#unsynced;
    for (const segment of sealed) await segment.sync();
    // Nobody is told before all of it is on the device: the device may take it in any order.
    await Promise.all([active.syncLog(), ...this.#syncNames()]);
    this.removed(sealed);
    if (active !== segments.active) return !this.#isStopped;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, end);
    return false;
  }

  /** New files last once the directory that names them does; so with a new directory, which this one may be. */
  #syncNames(): Array<Promise<void>> {
    if (!this.#hasNewFiles || this.#isStopped) return [];
    const { directory } = this.log;
    const changed = this.#isFirstSync ? [directory, dirname(directory)] : [directory];
    this.#hasNewFiles = this.#isFirstSync = false;
    return changed.map((path) => this.context.files.syncDirectory(path));
  }
}
