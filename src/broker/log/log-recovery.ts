import { baseOffset, hasProducerId, isControl, leaderEpoch } from '../../protocol/record-batch-header.js';
import { LEADER_EPOCH_FILE, readLeaderEpochs } from './directory/checkpoint-file.js';
import { type SegmentFilesFound, tidyDirectory } from './directory/directory-tidy.js';
import { refuseForeignEnd, refuseForeignStart } from './directory/foreign-format.js';
import { LeaderEpochs } from './leader-epochs.js';
import { type LogConfig } from './log-config.js';
import { type LogContext } from './log-context.js';
import { type CompletedTxn, type ProducerState, ProducerStates } from './producers/producer-state.js';
import { SnapshotFiles } from './producers/snapshot-files.js';
import { LogSegment } from './segment/log-segment.js';

// Takes a partition's directory up again. How much is checked depends on how the last run ended: nothing after a
// clean stop, the tail of the active segment after a kill (the page cache outlived the process), and everything from
// the recovery point on after the machine went down. What is not sound is cut off; the rest is a prefix of batches.

export type LastStop = 'clean' | 'killed' | 'machine-down';

export interface RecoveryOptions {
  readonly lastStop: LastStop;
  readonly config: LogConfig;
  /** From the checkpoint; 0 when it says nothing. */
  readonly logStartOffset: number;
  readonly recoveryPoint: number;
  /** Up to here compaction has come; 0 when it has not. */
  readonly cleanedTo: number;
  readonly indexIntervalBytes: number;
}

/** How long a producer may try to send a batch: far longer than any does. */
const RETRIES_END_MS = 30 * 60_000;
/** Bytes in front of a snapshot in which batches are looked for that may be sent again. */
const RECALLED_BYTES = 4 * 1024 * 1024;

export interface LoadedLog {
  readonly segments: LogSegment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  readonly producers: ProducerStates;
  readonly snapshots: SnapshotFiles;
  readonly epochs: LeaderEpochs;
}

/** A log to which nothing was ever written. */
export function newLog(context: LogContext, directory: string, indexIntervalBytes: number): LoadedLog {
  const createdAt = context.clock.now();
  const segment = new LogSegment(directory, context.files, { baseOffset: 0, createdAt, indexIntervalBytes });
  segment.createLater();
  return {
    segments: [segment],
    logStartOffset: 0,
    logEndOffset: 0,
    recoveryPoint: 0,
    producers: new ProducerStates(),
    snapshots: new SnapshotFiles(context.fileSystem, directory, []),
    epochs: new LeaderEpochs([]),
  };
}

/** What lies in a directory; undefined when nothing was ever written to its log. */
export function loadLog(context: LogContext, directory: string, options: RecoveryOptions): LoadedLog | undefined {
  const found = tidyDirectory(context.fileSystem, directory);
  if (found.bases.length + found.snapshots.length + options.logStartOffset === 0) return undefined;
  return new LogLoad(context, directory, options, found).run();
}

class LogLoad {
  readonly #now: number;
  #segments: LogSegment[];

  constructor(
    private readonly context: LogContext,
    private readonly directory: string,
    private readonly options: RecoveryOptions,
    private readonly found: SegmentFilesFound,
  ) {
    this.#now = context.clock.now();
    this.#segments = found.bases.map((base) => this.#segment(base));
    if (this.#segments.length === 0) this.#startEmpty(options.logStartOffset);
  }

  #segment(base: number): LogSegment {
    const { indexIntervalBytes } = this.options;
    const createdAt = this.#now;
    return new LogSegment(this.directory, this.context.files, { baseOffset: base, createdAt, indexIntervalBytes });
  }

  #startEmpty(base: number): void {
    const segment = this.#segment(base);
    // The start of a log that does not begin at 0 has to be seen by the next start, which a file's name tells.
    if (base === 0 && this.found.bases.length === 0) segment.createLater();
    else segment.create();
    this.#segments = [segment];
  }

  run(): LoadedLog {
    const firstDoubtful = this.#recoverSegments();
    let logStartOffset = Math.max(this.options.logStartOffset, this.#segments[0]!.baseOffset);
    let logEndOffset = this.#segments.at(-1)!.nextOffset;
    if (logStartOffset > logEndOffset) {
      this.#warn(`ends at ${logEndOffset}, before its start ${logStartOffset}: it goes on empty from there`);
      this.#remove(0);
      this.#startEmpty(logStartOffset);
      logEndOffset = logStartOffset;
    }
    logStartOffset = Math.min(logStartOffset, logEndOffset);
    const epochs = this.#loadEpochs(logStartOffset, logEndOffset);
    const snapshots = new SnapshotFiles(this.context.fileSystem, this.directory, this.found.snapshots);
    const producers = this.#replayProducers(snapshots, epochs, firstDoubtful, logEndOffset);
    const recoveryPoint = Math.min(this.options.recoveryPoint, logEndOffset);
    // Thousands of partitions are taken up at once, and few of them are used soon.
    for (const segment of this.#segments) segment.releaseIndexes();
    return { segments: this.#segments, logStartOffset, logEndOffset, recoveryPoint, producers, snapshots, epochs };
  }

  /** Checks what has to be checked. Returns the offset from which producer and transaction state are read again. */
  #recoverSegments(): number {
    const { lastStop, recoveryPoint } = this.options;
    const last = this.#segments.length - 1;
    if (lastStop === 'clean') {
      if (this.#segments[last]!.isIntact) return Number.POSITIVE_INFINITY;
      refuseForeignEnd(this.#segments[last]!);
    }
    if (lastStop !== 'machine-down') {
      this.#recoverSegment(last, false, 0);
      return Number.POSITIVE_INFINITY;
    }
    const first = Math.max(
      0,
      this.#segments.findLastIndex((segment) => segment.baseOffset <= recoveryPoint),
    );
    const doubtful = this.#segments[first]!.baseOffset;
    for (let i = first; i < this.#segments.length; i++) {
      if (!this.#recoverSegment(i, true, recoveryPoint) || !this.#isFollowedUp(i)) {
        this.#remove(i + 1);
        break;
      }
    }
    return doubtful;
  }

  /** False when something had to be cut off. */
  #recoverSegment(index: number, rebuild: boolean, verifyFrom: number): boolean {
    const segment = this.#segments[index]!;
    refuseForeignStart(segment);
    const { nextOffset: end, cutBytes } = segment.recover(rebuild, verifyFrom);
    if (cutBytes === 0) return true;
    this.#warn(
      `cut ${cutBytes} bytes that are no sound batch off segment ${segment.baseOffset}: it ends at ${end} now`,
    );
    if (end < this.options.recoveryPoint) {
      this.context.logger.error(
        `${this.directory}: offsets ${end} to ${this.options.recoveryPoint - 1} had been stored safely and are damaged: ` +
          'check the disk, restore them from a copy if there is one',
      );
    }
    return false;
  }

  /** A file that lost whole batches at its end leaves no torn one: the next segment's base gives it away. */
  #isFollowedUp(index: number): boolean {
    const next = this.#segments[index + 1];
    const end = this.#segments[index]!.nextOffset;
    // Compaction may remove the last batches of a segment, and all that it works on lies before the recovery point
    // or its own checkpoint. Elsewhere segments join without a gap.
    if (!next || next.baseOffset === end) return true;
    if (next.baseOffset > end && next.baseOffset <= this.options.cleanedTo) return true;
    this.#warn(`segment ${next.baseOffset} does not go on where the one before it ends (${end}): it is dropped`);
    return false;
  }

  #remove(from: number): void {
    for (const segment of this.#segments.splice(from)) {
      for (const path of segment.retire()) this.context.fileSystem.remove(path);
    }
  }

  #loadEpochs(logStartOffset: number, logEndOffset: number): LeaderEpochs {
    const starts = readLeaderEpochs(this.context.fileSystem, `${this.directory}/${LEADER_EPOCH_FILE}`);
    const epochs = new LeaderEpochs(starts);
    if (starts.length === 0)
      this.#readBatches(0, (header, at) => void epochs.assign(leaderEpoch(header, at), baseOffset(header, at)));
    epochs.truncateFromEnd(logEndOffset);
    epochs.truncateFromStart(logStartOffset);
    return epochs;
  }

  #replayProducers(
    snapshots: SnapshotFiles,
    epochs: LeaderEpochs,
    firstDoubtful: number,
    logEndOffset: number,
  ): ProducerStates {
    const producers = new ProducerStates();
    const snapshot = snapshots.readNewest(Math.min(firstDoubtful, logEndOffset), this.#now);
    if (snapshot) {
      producers.restore(snapshot.states);
      if (this.options.lastStop !== 'clean') this.#recallBatches(snapshot.offset, snapshot.states, producers);
    }
    const from = snapshot?.offset ?? 0;
    // Where a snapshot is, and where a sealed segment is beyond doubt, the aborted transactions before are on file.
    const indexFrom = Math.max(from, Math.min(firstDoubtful, this.#segments.at(-1)!.baseOffset));
    for (const segment of this.#segmentsFrom(indexFrom)) {
      if (segment.mayHaveIndexes) segment.transactionIndex.truncateTo(indexFrom);
    }
    if (from >= logEndOffset) return producers;
    this.#readBatches(from, (header, at, segment, position, size) => {
      epochs.assign(leaderEpoch(header, at), baseOffset(header, at));
      if (!hasProducerId(header, at)) return;
      const whole = isControl(header, at) ? segment.readBytes(position, size) : undefined;
      const completed = whole ? producers.apply(whole, 0, this.#now) : producers.apply(header, at, this.#now);
      if (completed?.isAborted && completed.lastOffset >= indexFrom) indexAborted(segment, completed, producers);
    });
    for (const { transactionIndex } of this.#segmentsFrom(indexFrom)) {
      if (transactionIndex.entries.hasUnwritten) transactionIndex.entries.write();
    }
    snapshots.write(logEndOffset, producers);
    snapshots.prune((offset) => this.#segments.some((segment) => segment.baseOffset === offset));
    return producers;
  }

  /**
   * Producers that were cut off may send again what lies before the snapshot, five batches each. Those that were
   * silent for longer than they would try are not looked for.
   */
  #recallBatches(before: number, states: readonly ProducerState[], producers: ProducerStates): void {
    if (!states.some(({ lastTimestamp }) => this.#now - lastTimestamp < RETRIES_END_MS)) return;
    const parts: Array<{ readonly segment: LogSegment; readonly from: number; readonly to: number }> = [];
    let left = RECALLED_BYTES;
    for (let i = this.#segments.length - 1; i >= 0 && left > 0; i--) {
      const segment = this.#segments[i]!;
      if (segment.baseOffset >= before) continue;
      const to = segment.positionOf(before);
      const from = segment.offsetIndex.positionBefore(Math.max(0, to - left));
      left -= to - from;
      parts.unshift({ segment, from, to });
    }
    const recall = (header: Buffer, at: number): void => {
      if (hasProducerId(header, at)) producers.recall(header, at);
    };
    for (const { segment, from, to } of parts) segment.scan(from, false, recall, to);
  }

  #segmentsFrom(offset: number): LogSegment[] {
    const first = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset);
    return this.#segments.slice(Math.max(0, first));
  }

  #readBatches(
    from: number,
    visit: (header: Buffer, at: number, segment: LogSegment, position: number, size: number) => void,
  ): void {
    for (const segment of this.#segmentsFrom(from)) {
      const start = from <= segment.baseOffset ? 0 : segment.positionOf(from);
      segment.scan(start, false, (header, at, position, size) => visit(header, at, segment, position, size));
    }
  }

  #warn(what: string): void {
    this.context.logger.warn(`${this.directory}: ${what}`);
  }
}

/** Notes an aborted transaction in the segment of its marker, with the stable offset that follows from its end. */
export function indexAborted(segment: LogSegment, txn: CompletedTxn, producers: ProducerStates): void {
  const unstable = producers.firstUnstableOffset;
  segment.transactionIndex.append({
    producerId: txn.producerId,
    firstOffset: txn.firstOffset,
    lastOffset: txn.lastOffset,
    lastStableOffset: unstable < 0 ? txn.lastOffset + 1 : unstable,
  });
}
