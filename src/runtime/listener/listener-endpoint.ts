import { type SeekTarget } from '../../common/seek-target.js';
import { type OffsetKeeper } from '../client/consumer-client.js';
import { type AckMode } from '../dispatch/commit-policy.js';
import { type Order } from '../dispatch/key-dispatcher.js';
import { type SteeringOptions } from '../dispatch/worker-steering.js';
import { type ArrivalWatch, type RecordKeeper } from './commits/record-account.js';
import { type HandlerExecutor } from './handler-executor.js';
import { type ListenerHandler } from './invocation.js';
import { type KafkaRebalanceListener } from './partitions/rebalance-callbacks.js';
import { type OpenSpanProducer } from './spans/span-producer.js';

// The description of one listener, complete and free of Nest: what the explorer produces and the container runs.

// How its handler is called, and what it answers.
export {
  type Acknowledgment,
  type BatchInvoker,
  type BatchOutcome,
  DONE,
  type InvocationContext,
  type Outcome,
  type RecordInvoker,
  type RemoteWork,
} from './invocation.js';

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
  /**
   * Partitions to read without membership: listed ones, or `all` of the topics. Undefined: as a member of the group.
   */
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
  /** The order is that of whole topics, which may have one partition only. */
  readonly isTopicOrdered?: boolean | undefined;
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
  /** A topic that does not exist keeps it from starting. */
  readonly missingTopicsFatal?: boolean | undefined;
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
  readonly handler: ListenerHandler;
  /** Runs the handler outside of the container's event loop. */
  readonly executor?: HandlerExecutor | undefined;
}
