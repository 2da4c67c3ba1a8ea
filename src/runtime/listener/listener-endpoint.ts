import { type KafkaRecord } from '../../common/record.js';
import { type SeekTarget } from '../../common/seek-target.js';
import { type OffsetKeeper } from '../client/consumer-client.js';
import { type SteeringOptions } from '../dispatch/worker-steering.js';
import { type SqlTransaction } from '../sql/sql-database.js';
import { type ConsumerRunner, type RunnerOptions } from './consumer-runner.js';
import { type ThreadDescription } from './container-description.js';
import { type ContainerEvent } from './container-events.js';
import { type ListenerConsumer } from './listener-consumer.js';
import { type KafkaRebalanceListener } from './rebalance-callbacks.js';
import { type OpenSpanProducer } from './span-producer.js';

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

/** Runs handlers, or whole consumers, outside of the container's event loop. Started before the consumers, stopped after them. */
export interface HandlerExecutor {
  /** Makes it ready, so that what cannot work is known before anything is read. Harmless when repeated. */
  prepare(): Promise<void>;
  /** Makes it ready, for a container that is told what happens. */
  start(supervisor: ExecutorSupervisor): Promise<void>;
  /** Ends it; what still runs is given up. */
  stop(): Promise<void>;
  /** Its threads right now. */
  describe(): readonly ThreadDescription[];
  /** Where handlers run elsewhere: the same for one more container, which starts and stops it for itself. */
  share?(): HandlerExecutor;
  /** Where whole consumers run elsewhere, not only their handlers: one of them. */
  createRunner?(options: RunnerOptions): ConsumerRunner;
}

export interface ExecutorSupervisor {
  emit(event: ContainerEvent): void;
  /** Nothing will run any more. */
  fail(cause: unknown): void;
}

/** Something about the order of records, found as they arrive: in which record, and what. */
export interface ArrivalReport {
  readonly record: KafkaRecord;
  readonly finding: { readonly kind: 'missing' | 'duplicate' | 'reordered'; readonly producer: string };
}

/** Looks at records of every kind of listener as they arrive. */
export interface ArrivalWatch {
  arrived(records: readonly KafkaRecord[]): readonly ArrivalReport[];
  forgotten(topic: string, partition: number): void;
}

/** Keeps account of records beside their offsets. */
export interface RecordKeeper {
  /** Records of one poll that will be handled one by one, before the first of them is. */
  received(records: readonly KafkaRecord[]): void;
  /** A partition was given up: records of it that have not begun will not be handled here. */
  forgotten(topic: string, partition: number): void;
  /** Awaited before offsets are committed; a rejection keeps them from being. Undefined: there is nothing to wait for. */
  saved(): Promise<void> | undefined;
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

/** A partition that a listener reads without membership in its group. */
export interface PartitionRequest {
  readonly topic: string;
  /** Undefined: every partition of the topic, later ones too. */
  readonly partition?: number;
  /** Where to begin at each start. Default: the committed offset, else auto.offset.reset. */
  readonly start?: SeekTarget;
}

export interface ListenerEndpoint {
  /** Unique in the registry; the method's `Class.method` when the user named none. */
  readonly id: string;
  /** Of a listener of retry or dead-letter topics: the listener whose records they are. */
  readonly mainListenerId?: string | undefined;
  /** Name of the connection, `default` unless said otherwise. */
  readonly connection: string;
  readonly topics: readonly string[];
  /** Instead of topics: all whose whole name matches, later ones too. */
  readonly topicPattern?: RegExp | undefined;
  /** Partitions to read without membership: listed ones, or `all` of the topics. Undefined: as a member of the group. */
  readonly assignment?: 'all' | readonly PartitionRequest[] | undefined;
  /** Empty only with an assignment: then nothing is committed. */
  readonly groupId: string;
  /** Consumers in the group that this endpoint opens, at least 1. */
  readonly concurrency: number;
  /** Undefined: each consumer handles its records one after another. A number: poll loop + pool of that many lanes. */
  readonly workers: number | undefined;
  /** The pool finds its number of workers itself, between these; `workers` is where it begins. */
  readonly steering?: SteeringOptions | undefined;
  readonly order: Order;
  /**
   * Worker threads that the workers of all its consumers run in; `consumers`: each consumer is a thread. Undefined: all
   * is in this thread's event loop.
   */
  readonly threads?: number | 'consumers' | undefined;
  readonly ackMode: AckMode;
  readonly ackCount: number;
  readonly ackTimeMs: number;
  /** Finished ranges ride in the commit's metadata, so that a crash repeats only what was unfinished. */
  readonly gapMap: boolean;
  readonly autoStartup: boolean;
  /** Lower ones start earlier and stop later. Default 0. */
  readonly phase?: number | undefined;
  /** Start of the client id; the consumer's number is appended. */
  readonly clientIdPrefix?: string | undefined;
  /** A text of the application's own about the listener. */
  readonly info?: string | undefined;
  /** Name of a set of containers that are started and stopped together. */
  readonly containerGroup?: string | undefined;
  readonly keeper?: RecordKeeper | undefined;
  readonly arrivals?: ArrivalWatch | undefined;
  /** Given: handlers run in transactions, and offsets are committed in them. */
  readonly transactions?: OpenSpanProducer | undefined;
  /** Where the group's offsets are kept instead of in Kafka. */
  readonly offsets?: OffsetKeeper | undefined;
  /** Told about partitions that come and go, one after another, each awaited. */
  readonly rebalanceListeners?: readonly KafkaRebalanceListener[] | undefined;
  /** Records are taken into a local folder first, and handled from there. */
  readonly inbox?: { readonly folder: string; readonly maxRecords: number } | undefined;
  readonly handler:
    | { readonly kind: 'record'; readonly invoke: RecordInvoker }
    | { readonly kind: 'batch'; readonly invoke: BatchInvoker };
  /** Runs the handler outside of the container's event loop. */
  readonly executor?: HandlerExecutor | undefined;
}
