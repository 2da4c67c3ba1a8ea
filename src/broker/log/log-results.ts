// What a partition log answers: plain values that handlers copy into responses.

/** Who appends: a client's batch is fully validated, a coordinator's is our own. */
export type AppendOrigin = 'client' | 'coordinator';
export type IsolationLevel = 'read_uncommitted' | 'read_committed';

export interface AppendOptions {
  readonly origin: AppendOrigin;
  /** Wall-clock time in ms since the epoch. */
  readonly now: number;
  /** A producer that is new here must begin with its first sequence: none of its records can have been deleted. */
  readonly startsAtZero?: boolean;
}

/** One refused record of a batch (Produce v8+: recordErrors). */
export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

export interface AppendResult {
  /** 0 when the batch is in the log, also when it had been there before (`duplicate`). */
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly recordErrors: readonly RecordError[];
  /** First offset given to the batch; -1 on error. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Time of the append under LogAppendTime, else -1. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  /** A retry of one of the producer's last five batches: nothing was written. */
  readonly duplicate: boolean;
}

export const NO_RECORD_ERRORS: readonly RecordError[] = Object.freeze([]);

export interface OffsetRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export function acceptedAppend(
  { firstOffset: baseOffset, lastOffset }: OffsetRange,
  logStartOffset: number,
  logAppendTime: number,
  duplicate: boolean,
): AppendResult {
  // Written out: once an append, and a spread costs more than all the rest of it.
  return {
    errorCode: 0,
    errorMessage: null,
    recordErrors: NO_RECORD_ERRORS,
    baseOffset,
    lastOffset,
    logAppendTime,
    logStartOffset,
    duplicate,
  };
}

export function refusedAppend(
  logStartOffset: number,
  errorCode: number,
  errorMessage: string,
  recordErrors: readonly RecordError[] = NO_RECORD_ERRORS,
): AppendResult {
  const nowhere = { baseOffset: -1, lastOffset: -1, logAppendTime: -1, duplicate: false };
  return { errorCode, errorMessage, recordErrors, logStartOffset, ...nowhere };
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface ReadResult {
  readonly errorCode: number;
  /** -1, like the other two, on error. */
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Whole batches, beginning with the one that contains the offset; empty when there is nothing to read. */
  readonly records: Buffer;
  /** By first offset; null for read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
}

export interface ReadOptions {
  readonly maxBytes: number;
  /** Return the first batch even if it is larger than `maxBytes`. */
  readonly minOneBatch: boolean;
  readonly isolation: IsolationLevel;
  /** Where the bytes are read into: memory for at least so many. Fresh memory when left out. */
  readonly memory?: (bytes: number) => Buffer;
}

/** Answer of a look-up by time; offset and timestamp are -1 when no record qualifies. */
export interface TimestampedOffset {
  readonly errorCode: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export interface EpochEndOffset {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}
