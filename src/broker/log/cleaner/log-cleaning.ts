import { baseOffset, isControl, lastOffset, recordCount } from '../../../protocol/record-batch-header.js';
import { type SharedContext } from '../log-context.js';
import { type PartitionLog } from '../partition-log.js';
import { LogSegment } from '../segment/log-segment.js';
import { CLEANED_SUFFIX } from '../segment/segment-files.js';
import { discardOutput, finishOutput } from '../segment/segment-swap.js';
import { type AbortedTxn } from '../segment/transaction-index.js';
import { BatchRewriter, type LastOfProducer, plainRecords } from './batch-rewriter.js';
import { BatchWalk } from './batch-walk.js';
import { CleanedTransactions } from './cleaned-transactions.js';
import { type CleanRange } from './cleaner-schedule.js';
import { OffsetMap } from './offset-map.js';
import { OutputRun } from './output-run.js';
import { RecordWalk } from './record-walk.js';
import { groupSegments } from './segment-groups.js';
import { type WorkPace } from './work-pace.js';

// One cleaning of one log: a first pass over what is new notes the latest offset of every key, a second one over
// everything before writes what is left, group by group, and swaps it in. The log goes on meanwhile; should it change
// in a way that makes the work worthless, the cleaning ends.

const OUTPUT_BYTES = 256 * 1024;

/** The log was closed, deleted or configured otherwise, or the broker stops. What was swapped in so far stays. */
export class CleaningStopped extends Error {}

export interface LogCleaningOptions {
  readonly context: SharedContext;
  readonly log: PartitionLog;
  readonly range: CleanRange;
  /** As they were when all that they had written was flushed. */
  readonly producers: ReadonlyMap<bigint, LastOfProducer>;
  readonly pace: WorkPace;
  readonly signal: AbortSignal;
  /** Memory for the keys; when it is full, the rest is left for the next cleaning. */
  readonly mapBytes: number;
}

export interface CleaningResult {
  /** Everything before it is clean now. */
  readonly cleanedTo: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Throws CleaningStopped, or what went wrong with a file; the log is sound in both cases. */
export function cleanLog(options: LogCleaningOptions): Promise<CleaningResult> {
  return new LogCleaning(options).run();
}

class LogCleaning {
  readonly #now: number;
  readonly #walk = new BatchWalk();
  readonly #run = new OutputRun(OUTPUT_BYTES * 2);
  readonly #map: OffsetMap;
  #output: LogSegment | undefined;

  constructor(private readonly options: LogCleaningOptions) {
    const { context, mapBytes } = options;
    this.#now = context.clock.now();
    this.#map = new OffsetMap(mapBytes, context.random.bytes(4).readInt32LE());
    this.#map.latestOffset = options.range.firstDirtyOffset - 1;
  }

  async run(): Promise<CleaningResult> {
    const { context, log, range, producers } = this.options;
    await this.#mapKeys();
    const cleanedTo = this.#map.latestOffset + 1;
    const sources = log.segments.filter((segment) => segment.baseOffset < Math.min(cleanedTo, range.endOffset));
    const rewriter = new BatchRewriter({
      map: this.#map,
      transactions: this.#transactions,
      producers,
      endOffset: range.endOffset,
      now: this.#now,
      deleteRetentionMs: log.config.deleteRetentionMs,
      counters: context.counters,
    });
    const { segmentBytes, segmentIndexBytes } = log.config;
    const sized = sources.map((segment) => ({
      segment,
      baseOffset: segment.baseOffset,
      size: segment.size,
      offsetIndexBytes: segment.offsetIndex.entries.sizeBytes,
      timeIndexBytes: segment.timeIndex.entries.sizeBytes,
    }));
    let bytesAfter = 0;
    for (const group of groupSegments(sized, { segmentBytes, segmentIndexBytes, endOffset: range.endOffset })) {
      bytesAfter += await this.#cleanGroup(
        group.map(({ segment }) => segment),
        rewriter,
      );
    }
    return { cleanedTo, bytesBefore: sized.reduce((sum, { size }) => sum + size, 0), bytesAfter };
  }

  readonly #transactions = new CleanedTransactions((txn) => this.#output!.transactionIndex.append(txn));

  /** First pass. */
  async #mapKeys(): Promise<void> {
    const { log, range } = this.options;
    const transactions = new CleanedTransactions();
    transactions.expect(abortedWithin(log, range.firstDirtyOffset, range.endOffset));
    const all = log.segments;
    const dirty = all.filter(
      ({ baseOffset: base }, i) =>
        base < range.endOffset && (all[i + 1]?.baseOffset ?? range.endOffset) > range.firstDirtyOffset,
    );
    for (const [i, segment] of dirty.entries()) {
      const end = dirty[i + 1]?.baseOffset ?? range.endOffset;
      if (!(await this.#mapSegment(segment, transactions))) return;
      // Behind its last batch there may be a gap.
      this.#map.latestOffset = Math.max(this.#map.latestOffset, end - 1);
    }
  }

  /** False when the map became full. */
  async #mapSegment(segment: LogSegment, transactions: CleanedTransactions): Promise<boolean> {
    const { range, pace } = this.options;
    const { firstDirtyOffset } = range;
    const walk = this.#walk;
    walk.begin(segment, segment.positionOf(Math.max(firstDirtyOffset, segment.baseOffset)));
    while (walk.next()) {
      const { buffer, at, size } = walk;
      if (isControl(buffer, at)) transactions.onControl(buffer, at);
      else if (!transactions.onData(buffer, at) && !this.#mapBatch(buffer, at, size)) return false;
      this.#map.latestOffset = Math.max(this.#map.latestOffset, lastOffset(buffer, at));
      if (pace.spend(size)) await this.#rest([segment]);
    }
    return true;
  }

  readonly #records = new RecordWalk();

  #mapBatch(buffer: Buffer, at: number, size: number): boolean {
    const count = recordCount(buffer, at);
    if (count === 0) return true;
    const { bytes, start, end } = plainRecords(buffer, at, size, this.options.context.counters);
    const base = baseOffset(buffer, at);
    const { firstDirtyOffset } = this.options.range;
    const records = this.#records;
    records.begin(bytes, start, end, count);
    while (records.next()) {
      const offset = base + records.offsetDelta;
      if (records.keyLength < 0 || offset < firstDirtyOffset) continue;
      if (!this.#map.put(bytes, records.keyStart, records.keyLength, offset)) return false;
    }
    return true;
  }

  /** Second pass, over neighbours that become one. Returns the bytes that they have then. */
  async #cleanGroup(group: readonly LogSegment[], rewriter: BatchRewriter): Promise<number> {
    const { context, log } = this.options;
    this.#assertWanted(group);
    const output = this.#newOutput(group[0]!.baseOffset);
    this.#output = output;
    try {
      const isSame = await this.#rewrite(group, rewriter, output);
      if (isSame && group.length === 1) {
        discardOutput(context, output);
        return group[0]!.size;
      }
      output.seal();
      await output.sync();
      this.#assertWanted(group);
      await finishOutput(context, output);
      this.#assertWanted(group);
      log.replaceSegments(group, output);
      return output.size;
    } catch (error) {
      if (!log.segments.includes(output)) discardOutput(context, output);
      throw error;
    }
  }

  #newOutput(baseOffset: number): LogSegment {
    const { context, log } = this.options;
    const { indexIntervalBytes } = log.config;
    const options = { baseOffset, createdAt: this.#now, indexIntervalBytes, suffix: CLEANED_SUFFIX };
    const output = new LogSegment(log.directory, context.files, options);
    output.create();
    return output;
  }

  /** True when every batch came out as it went in. */
  async #rewrite(group: readonly LogSegment[], rewriter: BatchRewriter, output: LogSegment): Promise<boolean> {
    const { log, pace } = this.options;
    const walk = this.#walk;
    const run = this.#run;
    let isSame = true;
    run.clear();
    for (const [i, segment] of group.entries()) {
      const end = group[i + 1]?.baseOffset ?? segment.nextOffset;
      this.#transactions.expect(abortedWithin(log, segment.baseOffset, end));
      walk.begin(segment, 0);
      while (walk.next()) {
        isSame = rewriter.rewrite(walk.buffer, walk.at, walk.size, run) && isSame;
        let written = 0;
        if (run.length >= OUTPUT_BYTES) written = write(run, output);
        if (pace.spend(walk.size + written)) await this.#rest(group);
      }
    }
    write(run, output);
    return isSame;
  }

  async #rest(sources: readonly LogSegment[]): Promise<void> {
    await this.options.pace.rest();
    this.#assertWanted(sources);
  }

  #assertWanted(sources: readonly LogSegment[]): void {
    const { log, signal } = this.options;
    const isWanted = !signal.aborted && !log.isClosed && log.config.compacts;
    if (!isWanted || sources.some((segment) => segment.isRetired)) throw new CleaningStopped();
  }
}

function write(run: OutputRun, output: LogSegment): number {
  const { length } = run;
  if (length > 0) output.append(run.content);
  run.clear();
  return length;
}

/** The aborted transactions that have offsets in [from, to). */
function abortedWithin(log: PartitionLog, from: number, to: number): AbortedTxn[] {
  const aborted: AbortedTxn[] = [];
  for (const [i, segment] of log.segments.entries()) {
    if ((log.segments[i + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= from) continue;
    if (segment.transactionIndex.collect(from, to, aborted)) break;
  }
  return aborted;
}
