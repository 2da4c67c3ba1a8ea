import { type KafkaRecord } from '../../common/record.js';
import { type SqlTransaction } from '../sql/sql-database.js';
import { type ListenerConsumer } from './listener-consumer.js';

// One call of a handler: what it is given, and what becomes of it.

/** A handler's result as a value: what to do next is decided elsewhere, from the value. */
export type Outcome =
  | { readonly status: 'done'; readonly duplicates?: readonly KafkaRecord[] }
  /** `duplicates`: records, here and above, that were handled before and did not reach the handler again. */
  | { readonly status: 'skipped'; readonly reason: string; readonly duplicates?: readonly KafkaRecord[] }
  | { readonly status: 'failed'; readonly error: unknown };

export const DONE: Outcome = Object.freeze({ status: 'done' });

/**
 * Manual acknowledgment of one record, or of a batch. May be kept and used after the handler returned, in any order:
 * a partition is committed up to its first record that is not acknowledged.
 */
export interface Acknowledgment {
  /**
   * Marks the record (or the whole batch) as finished; in a batch with `index` its records up to and including that
   * one. In MANUAL_IMMEDIATE resolves when the commit is acknowledged. Harmless when repeated.
   */
  acknowledge(index?: number): Promise<void>;
  /**
   * Gives the record (or the whole batch) back: redelivered after `sleepMs`, records of the same partition behind it
   * wait. Only before the handler returns.
   */
  nack(sleepMs: number): void;
  /** In a batch: records before `index` are finished, it and those behind it are given back. */
  nack(index: number, sleepMs: number): void;
}

/** What a handler gets beside the record. */
export interface InvocationContext {
  /** Aborts when the partition must be given up and the drain deadline has passed, or at max.poll.interval.ms. */
  readonly signal: AbortSignal;
  /** Present under the manual ack modes only. */
  readonly acknowledgment: Acknowledgment | undefined;
  /** 1 for the first delivery of this record by this container. */
  readonly attempt: number;
  /** Positions, pauses and commits of the consumer that the record came from. */
  readonly consumer?: ListenerConsumer | undefined;
  /** The SQL transaction that the record is handled in, where the listener has one. */
  readonly sql?: SqlTransaction | undefined;
  /** Where the call runs, when that is elsewhere: set by whoever sends it there. */
  remote?: RemoteWork | undefined;
}

/** A call that runs outside of the container's event loop. */
export interface RemoteWork {
  /** The call's signal fires. */
  abort(reason: unknown): void;
  /** How long its handler has been running, ms; undefined while it has not begun. */
  runningForMs(): number | undefined;
}

/** Runs user code for one record. May answer synchronously; never throws: failures are outcomes. */
export type RecordInvoker = (record: KafkaRecord, context: InvocationContext) => Outcome | Promise<Outcome>;
/** Runs user code for a batch: the outcome is that of all records, or names the first one that failed. */
export type BatchInvoker = (
  records: readonly KafkaRecord[],
  context: InvocationContext,
) => BatchOutcome | Promise<BatchOutcome>;
export type BatchOutcome =
  | Outcome
  | {
      readonly status: 'failed-at';
      readonly index: number;
      readonly error: unknown;
      /** Under manual acknowledgment: the records before it were handed over, but count only once acknowledged. */
      readonly isOpenBefore?: boolean;
    };

/** What a listener runs: one record at a time, or batches. */
export type ListenerHandler =
  | { readonly kind: 'record'; readonly invoke: RecordInvoker }
  | { readonly kind: 'batch'; readonly invoke: BatchInvoker };
