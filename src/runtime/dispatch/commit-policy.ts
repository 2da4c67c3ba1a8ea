// When finished work is committed, as a pure core: told what happened and what time it is, it answers whether a commit
// is due now. What is committed (and that it never passes unfinished work) is the tracker's business.

/** When finished work is committed (Spring's names; see each line). */
export type AckMode =
  | 'RECORD' // after each record
  | 'BATCH' // after all records of a poll are finished (Spring's default)
  | 'TIME' // every `ackTimeMs`
  | 'COUNT' // every `ackCount` finished records
  | 'COUNT_TIME' // whichever of the two comes first
  | 'MANUAL' // the handler acknowledges; committed with the poll's batch
  | 'MANUAL_IMMEDIATE' // the handler acknowledges; committed at once
  | 'AT_MOST_ONCE'; // before the handler is called: what it has not handled when the process dies is lost

export interface CommitPolicyOptions {
  readonly ackMode: AckMode;
  /** Finished records that make a commit due under COUNT and COUNT_TIME. */
  readonly ackCount: number;
  /** Ms between commits under TIME and COUNT_TIME. */
  readonly ackTimeMs: number;
}

export class CommitPolicy {
  readonly #mode: AckMode;
  readonly #count: number;
  readonly #periodMs: number;
  #pending = 0;

  constructor({ ackMode, ackCount, ackTimeMs }: CommitPolicyOptions) {
    this.#mode = ackMode;
    this.#count = ackCount;
    this.#periodMs = ackTimeMs;
  }

  /** The handler acknowledges; a handler's return finishes nothing. */
  get isManual(): boolean {
    return this.#mode === 'MANUAL' || this.#mode === 'MANUAL_IMMEDIATE';
  }

  /** An acknowledgment waits for its commit. */
  get isImmediate(): boolean {
    return this.#mode === 'MANUAL_IMMEDIATE';
  }

  /** Records are committed before their handler is called. */
  get isFirst(): boolean {
    return this.#mode === 'AT_MOST_ONCE';
  }

  /** Commits by period of this many ms; undefined when time plays no part. */
  get periodMs(): number | undefined {
    return this.#mode === 'TIME' || this.#mode === 'COUNT_TIME' ? this.#periodMs : undefined;
  }

  /** Records finished since the last commit began. */
  get pending(): number {
    return this.#pending;
  }

  /** `count` records became finished (by return or by acknowledgment). */
  finished(count = 1): boolean {
    this.#pending += count;
    switch (this.#mode) {
      case 'RECORD':
      case 'MANUAL_IMMEDIATE':
        return true;
      case 'COUNT':
      case 'COUNT_TIME':
        return this.#pending >= this.#count;
      default:
        return false;
    }
  }

  /**
   * A position moved past offsets that hold nothing to run (control records): worth a commit, so that the lag shows 0.
   */
  advanced(): void {
    if (this.#pending === 0) this.#pending = 1;
  }

  /** Every record of one poll has been handled. */
  pollHandled(): boolean {
    return this.#pending > 0 && (this.#mode === 'BATCH' || this.#mode === 'MANUAL');
  }

  /** Nothing runs and a poll came back empty: leftovers of a count, late acknowledgments. */
  idle(): boolean {
    return this.#pending > 0 && this.#mode !== 'TIME';
  }

  /** The period has passed. */
  tick(): boolean {
    return this.#pending > 0 && this.periodMs !== undefined;
  }

  /** A commit of everything finished so far begins. */
  begin(): void {
    this.#pending = 0;
  }

  /** That commit failed: its records wait for the next one. */
  failed(count: number): void {
    this.#pending += count;
  }
}
