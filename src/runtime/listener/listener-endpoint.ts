import { type KafkaRecord } from '../../common/record.js';

// The description of one listener, complete and free of Nest: what the explorer produces and the container runs.

/** When finished work is committed (Spring's names; see each line). */
export type AckMode =
  | 'RECORD' // after each record
  | 'BATCH' // after all records of a poll are finished (Spring's default)
  | 'TIME' // every `ackTimeMs`
  | 'COUNT' // every `ackCount` finished records
  | 'COUNT_TIME' // whichever of the two comes first
  | 'MANUAL' // the handler acknowledges; committed with the poll's batch
  | 'MANUAL_IMMEDIATE'; // the handler acknowledges; committed at once

/** Which records must not overtake each other when a pool of workers runs them. */
export type Order = 'partition' | 'key' | 'none';

/** A handler's result as a value: what to do next is decided elsewhere, from the value. */
export type Outcome =
  | { readonly status: 'done' }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: unknown };

export const DONE: Outcome = Object.freeze({ status: 'done' });

/** Manual acknowledgment of one record, or of a batch. */
export interface Acknowledgment {
  /** Marks the record (or the whole batch) as finished. In MANUAL_IMMEDIATE resolves when the commit is acknowledged. */
  acknowledge(): Promise<void>;
  /** Gives the record back: redelivered after `sleepMs`, records of the same partition behind it wait. */
  nack(sleepMs: number): void;
}

/** What a handler gets beside the record. */
export interface InvocationContext {
  /** Aborts when the partition must be given up and the drain deadline has passed, or at max.poll.interval.ms. */
  readonly signal: AbortSignal;
  /** Present under the manual ack modes only. */
  readonly acknowledgment: Acknowledgment | undefined;
  /** 1 for the first delivery of this record by this container. */
  readonly attempt: number;
}

/** Runs user code for one record. May answer synchronously; never throws: failures are outcomes. */
export type RecordInvoker = (record: KafkaRecord, context: InvocationContext) => Outcome | Promise<Outcome>;
/** Runs user code for a batch: the outcome is that of all records, or names the first one that failed. */
export type BatchInvoker = (
  records: readonly KafkaRecord[],
  context: InvocationContext,
) => BatchOutcome | Promise<BatchOutcome>;
export type BatchOutcome = Outcome | { readonly status: 'failed-at'; readonly index: number; readonly error: unknown };

export interface ListenerEndpoint {
  /** Unique in the registry; the method's `Class.method` when the user named none. */
  readonly id: string;
  /** Name of the connection, `default` unless said otherwise. */
  readonly connection: string;
  readonly topics: readonly string[];
  readonly groupId: string;
  /** Consumers in the group that this endpoint opens, at least 1. */
  readonly concurrency: number;
  /** Undefined: each consumer handles its records one after another. A number: poll loop + pool of that many lanes. */
  readonly workers: number | undefined;
  readonly order: Order;
  readonly ackMode: AckMode;
  readonly ackCount: number;
  readonly ackTimeMs: number;
  /** Finished ranges ride in the commit's metadata, so that a crash repeats only what was unfinished. */
  readonly gapMap: boolean;
  readonly autoStartup: boolean;
  readonly handler:
    | { readonly kind: 'record'; readonly invoke: RecordInvoker }
    | { readonly kind: 'batch'; readonly invoke: BatchInvoker };
}
