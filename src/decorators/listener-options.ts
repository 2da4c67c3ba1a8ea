import { type RecordHeader } from '../common/record.js';
import { type SeekTarget } from '../common/seek-target.js';
import { type ContainerOptions, type SteeredWorkers } from './container-options.js';
import { type ExternalOffsetsOptions } from './external-offsets.js';
import { type FilteredRecord } from './filtered-record.js';
import { type IdempotentOptions } from './idempotent.js';
import { type ProviderReference } from './provider-reference.js';
import { type ReplyTopicFunction } from './reply-topic.js';
import { type SequenceGuardOptions } from './sequence-guard.js';

// What a listener may be told, as types. The decorators take it, the explorer works it out.

/**
 * When finished work is committed. Spring's names: `ContainerProperties.AckMode`. And one that Spring has no name for:
 * `AT_MOST_ONCE` commits records before they are handled. None of them is ever handled twice, and none that fails is
 * delivered again; those that a process had not handled when it died are lost.
 */
export type ListenerAckMode =
  | 'RECORD'
  | 'BATCH'
  | 'TIME'
  | 'COUNT'
  | 'COUNT_TIME'
  | 'MANUAL'
  | 'MANUAL_IMMEDIATE'
  | 'AT_MOST_ONCE';

/** Which records must not overtake each other. */
export type ListenerOrder = 'partition' | 'key' | 'none' | 'topic';

/** Where the workers of a pool run. */
export type ListenerPool = 'lanes' | 'threads';

/** A class that payloads are turned into. */
export type PayloadClass = abstract new (...args: never[]) => unknown;

/** Whether a record is handled: false lets it count as finished without its handler, as in `Array.filter`. */
export type RecordPredicate = (record: FilteredRecord) => boolean;

/** A provider that filters (Spring: `RecordFilterStrategy`, which says true for what is discarded). */
export interface RecordFilter {
  /** True for records that the handler shall get. */
  accepts(record: FilteredRecord): boolean;
}

/** What a listener's error handler gets beside the error; the whole of it is a `KafkaListenerContext`. */
export interface FailedCall {
  /** The record; in a batch the first one. */
  readonly record: FilteredRecord;
  /** The records of a batch; of a single call the one. */
  readonly records: readonly FilteredRecord[];
  /** 1 for the first delivery of the record. */
  readonly attempt: number;
}

/**
 * Looks at what a listener method threw, before the container does. What it returns normally makes the record
 * finished; what it throws goes on to the container's error handler.
 */
export type ListenerErrorFunction = (error: unknown, context: any) => unknown;

/** A provider that handles errors of listeners (Spring: `KafkaListenerErrorHandler`). */
export interface ListenerErrorHandler {
  handleError(error: unknown, context: FailedCall): unknown;
}

/** Makes a key or a value of bytes; asked for records that have some. What it throws fails the record for good. */
export type ReadFunction = (topic: string, bytes: Buffer, headers: readonly RecordHeader[]) => unknown;

/**
 * What keys or values are read with: the name of a format (`integer`, `LongDeserializer`, a Java class name), a
 * function, a provider with `deserialize`, or one of `Serdes`.
 */
export type DeserializerReference = ProviderReference<
  ReadFunction | { readonly deserialize: ReadFunction } | { readonly deserializer: ReadFunction }
>;

/** Where reading begins: as `SeekTarget`, or as text that placeholders may fill: `'100'`, `'-10'`, `'beginning'`. */
export type InitialOffset = Exclude<SeekTarget, string> | 'beginning' | 'end' | (string & {});

/** Partitions of one topic that a listener reads by itself (Spring: `@TopicPartition`). */
export interface TopicPartitions {
  readonly topic: string;
  /** Numbers and ranges, `'0-5, 7'`; `'*'` for all, later ones too. Default all. */
  readonly partitions?: string | number | readonly number[];
  /**
   * Where each of them begins at every start. Default: the group's committed offset, else `auto.offset.reset`.
   * `relative` counts from that default.
   */
  readonly initialOffset?: InitialOffset;
  /** The same for some of them: `{ '0': 100, '3-5': 'end' }`. */
  readonly partitionOffsets?: Readonly<Record<string, InitialOffset>>;
}

/** Where and how much a listener takes in before it handles it. */
export interface InboxOptions {
  /** Folder of the inbox; it belongs to one process at a time. Default `.nestdaw/inbox/<id of the listener>`. */
  readonly folder?: string;
  /** Records that may wait; beyond it the rest stays in Kafka. 1 to 10,000,000, default 100,000. */
  readonly maxRecords?: number | string;
}

/** How much a batch waits for. */
export interface BatchOptions {
  /** Records of one partition that a batch has at least, 1 to `max.poll.records`; fewer when `wait` is over. */
  readonly min: number | string;
  /** How long the first record of a batch waits for the others; ms, or `2s`. */
  readonly wait: number | string;
}

/**
 * What a listener declares. Every string may hold placeholders, `${orders.topic}` or `${orders.topic:orders}`, filled
 * from the application's configuration at start; numbers and booleans may be given as such strings too.
 * `${__listener.topic}` is the property (or what the method returns) of the object that the listener belongs to.
 */
export interface KafkaListenerOptions extends ContainerOptions {
  /**
   * Name in the container registry, unique in the application. Default `Class.method`. Like in Spring, an id given
   * here is also the consumer group when `groupId` is absent, unless `idIsGroup` is false.
   */
  readonly id?: string;
  /** False: the id is no consumer group; without `groupId` the configured one counts. Default true. */
  readonly idIsGroup?: boolean | string;
  /** Topics to subscribe to; one string may hold several, separated by commas. This, a pattern or partitions. */
  readonly topics?: string | readonly string[];
  /**
   * All topics whose whole name matches, those that are made later too: they are found within
   * `metadata.max.age.ms`. Kafka's own topics are left out unless `exclude.internal.topics` is false.
   */
  readonly topicPattern?: RegExp | string;
  /**
   * Partitions that this listener reads by itself, without sharing them with the group's members: `'orders-0'`, or
   * with initial offsets. No rebalance ever moves them. Offsets are committed for the group, if there is one, which
   * must have no members.
   */
  readonly topicPartitions?: ReadonlyArray<string | TopicPartitions>;
  /**
   * True: every process gets every record. Reads all partitions without a group; nothing is committed, so each start
   * begins where `auto.offset.reset` says. Default false.
   */
  readonly broadcast?: boolean | string;
  /**
   * Records are first written to a local file (the inbox), then their offsets are committed, then the listener handles
   * them from there, with its retries: a slow or failing handler leaves no backlog in Kafka, and nothing is lost when
   * the process is killed. True: in the folder `.nestdaw/inbox/<id>`. One consumer; use `workers` for more at a time.
   */
  readonly inbox?: boolean | InboxOptions;
  /** Consumer group (Kafka `group.id`). Default: `id`, then `kafka.consumer.group-id`; none of them is an error. */
  readonly groupId?: string;
  /** Client id of its consumers; `-0`, `-1` … is appended. Default: the configured client id and the listener's id. */
  readonly clientIdPrefix?: string;
  /** Consumers that this listener opens in its group, 1 to 1000. Default `kafka.listener.concurrency`, 1. */
  readonly concurrency?: number | string;
  /**
   * Handlers of one consumer that may run at the same time, 1 to 10000; or `{ min, max, by }`, between which the pool
   * finds the number itself. Default: absent, each consumer handles its
   * records one after another.
   */
  readonly workers?: number | string | SteeredWorkers;
  /**
   * Where the workers run: `lanes` of this thread's event loop, or `threads`: worker threads, which open the module
   * that `KafkaModule.forRoot({ threads: { module } })` names. For handlers that compute. Default `lanes`; with a
   * number of `threads` it is `threads`.
   */
  readonly pool?: ListenerPool | (string & {});
  /**
   * A number: threads of the pool, 1 to 256, shared by the listener's consumers; default with `pool: 'threads'` the
   * processor's cores but one. Without `workers` as many records are in work as there are threads. `true`: each of the
   * `concurrency` consumers is a worker thread of its own, with its own poll loop, tracker and commits.
   */
  readonly threads?: number | boolean | string;
  /**
   * With `workers`: records of one partition (`partition`), of one key (`key`) or none at all stay in order. `topic`:
   * all records of a topic, one after another; that takes a topic of one partition, and the listener does not read one
   * that has more. Default `partition`.
   */
  readonly order?: ListenerOrder | (string & {});
  /** When offsets are committed. Default `kafka.listener.ack-mode`, `BATCH`. Case and `-`/`_` do not matter. */
  readonly ackMode?: ListenerAckMode | (string & {});
  /**
   * True: the method runs in a Kafka transaction that its offsets are committed in, as `@Transactional('kafka')` on the
   * method says it. Needs `kafka.producer.transaction-id-prefix`. Default false.
   */
  readonly transactional?: boolean | string;
  /**
   * True: the method receives arrays, all records of a poll at once. `{ min: 500, wait: '2s' }`: at least so many of a
   * partition, or what has come when the first of them has waited so long; what waits is not committed. Default
   * `kafka.listener.type` = `batch`.
   */
  readonly batch?: boolean | string | BatchOptions;
  /** False: created, but not started with the application. Default `kafka.listener.auto-startup`, true. */
  readonly autoStartup?: boolean | string;
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
  /** Class of the payload where the parameter's own type does not tell: interfaces, elements of a batch's array. */
  readonly payload?: PayloadClass;
  /** Kafka consumer properties for this listener alone, over the configured ones: `{ 'max.poll.records': '50' }`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** What keys are read with, over `kafka.consumer.key-deserializer`. A parameter of type `Buffer` gets the bytes. */
  readonly keyDeserializer?: DeserializerReference;
  /**
   * What values are read with, over `kafka.consumer.value-deserializer`. A parameter of type `Buffer` gets the bytes.
   */
  readonly valueDeserializer?: DeserializerReference;
  /**
   * What values are read with by the record's content type (header `contentType` or `content-type`):
   * `{ 'application/json': 'json', 'text/plain': 'string' }`, `*` for all others; what has no entry stays bytes. Or one
   * deserializer that looks at the headers itself.
   */
  readonly contentTypeConverter?: DeserializerReference | Readonly<Record<string, DeserializerReference>>;
  /**
   * What `@SendTo` says, for listeners that are functions: a topic, a function, or `''` for where the request wants it.
   */
  readonly sendTo?: string | ReplyTopicFunction;
  /**
   * Whether each element of an array (or another iterable, an asynchronous one too) that the method returns is a reply
   * of its own; false: one reply has all of it. Default true, as in Spring. See `@SendTo`.
   */
  readonly splitIterables?: boolean | string;
  /** Says which records are handled: a function, or a provider with `accepts`. The others count as finished. */
  readonly filter?: ProviderReference<RecordPredicate | RecordFilter>;
  /** Gets what the method throws: a function, or a provider with `handleError`. */
  readonly errorHandler?: ProviderReference<ListenerErrorFunction | ListenerErrorHandler>;
  /**
   * Where records go that the container's deliveries could not get handled: true for `<topic>-dlt`, or a topic's name.
   * Sent on byte for byte, with Spring's headers, to the same partition; made at start with as many partitions as the
   * topic. With a `commonErrorHandler` that one decides, and where it would pause the partition the record goes there.
   * Default: the partition waits (see `DefaultErrorHandlerOptions.exhausted`).
   */
  readonly deadLetters?: boolean | string;
  /** As `@Idempotent` says it; false: not even where the configuration makes all listeners idempotent. */
  readonly idempotent?: boolean | IdempotentOptions;
  /** As `@SequenceGuard` says it. */
  readonly sequence?: SequenceGuardOptions;
  /** As `@ExternalOffsets` says it; false: in Kafka, even where the configuration names another store. */
  readonly offsets?: ExternalOffsetsOptions | false;
  /**
   * A provider with methods of `KafkaRebalanceListener`, told about this listener's partitions. Such methods of the
   * listener's own class are called without being named here.
   */
  readonly rebalanceListener?: ProviderReference<object>;
  /**
   * A set of options for what this listener does not say (Spring: `containerFactory`): the name of one of the module's
   * `containers`, or a provider that has such options as its properties. Default: the set `default`, if there is one.
   */
  readonly containerFactory?: ProviderReference<object>;
  /** A text of the application's own about this listener, found in the context of its calls. */
  readonly info?: string;
  /** Name of a set of listeners that `ContainerRegistry.group(name)` starts and stops together. */
  readonly containerGroup?: string;
  /**
   * After how long without a record the event `idle` tells so; ms, or `30s`. Default
   * `kafka.listener.idle-event-interval`.
   */
  readonly idleEventInterval?: number | string;
  /** On a class: header that names the payload's type. Default `__TypeId__`, which Spring writes. */
  readonly typeHeader?: string;
  /** On a class: property of the payload that names its type, where the header is missing. Default `type`. */
  readonly typeKey?: string;
}

/** What one of the methods of a listening class takes. */
export interface KafkaHandlerOptions {
  /** Names of payload types, as the type header or the type property says them. Default: the name of `payload`. */
  readonly type?: string | readonly string[];
  /** Says by looking: asked with the parsed payload, when no method has the type's name. */
  readonly is?: (payload: any, record: FilteredRecord) => boolean;
  /** Takes what no other method takes. At most one. */
  readonly isDefault?: boolean;
  /** Takes tombstones, records without a value. */
  readonly tombstone?: boolean;
  /** Class of the payload where the parameter's own type does not tell. */
  readonly payload?: PayloadClass;
}
