import { type OutgoingRecord } from '../../common/record.js';
import { type CommitOffset, type GroupMetadata } from './consumer-client.js';
import { type StoppedDelivery } from './producer/delivery-stop.js';

// A producer as the templates see it: records in, one acknowledgment or error per record out.

/** Where a record was stored. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 under acks=0, where the broker does not answer. */
  readonly offset: number;
  /** The record's time, or the broker's under LogAppendTime. */
  readonly timestamp: number;
}

export type Acks = 0 | 1 | -1;

/**
 * Counts and means of a producer by Kafka's names: `record-send-total`, `buffer-available-bytes`,
 * `request-latency-avg`.
 */
export type ProducerMetricValues = Readonly<Record<string, number>>;

/** A partition, its leader (-1 when it has none at the moment) and its replicas, as node ids. */
export interface TopicPartitionInfo {
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** Is told of many records at once, where nobody wants a promise for each of them. */
export interface DeliverySink {
  /**
   * `count` records of a batch are stored at `offset` (-1 under acks=0) and those after it, the first with this time.
   */
  stored(topic: string, partition: number, offset: number, count: number, timestamp: number): void;
  failed(error: Error, count: number): void;
}

let resolveNext!: (metadata: RecordMetadata) => void;
let rejectNext!: (error: Error) => void;
/** One executor for all: a closure for each would cost more than the promise. */
function capture(resolve: (metadata: RecordMetadata) => void, reject: (error: Error) => void): void {
  resolveNext = resolve;
  rejectNext = reject;
}

/** The sink of one record whose end somebody awaits. */
export class AwaitedDelivery implements DeliverySink {
  readonly promise: Promise<RecordMetadata> = new Promise(capture);
  readonly #resolve: (metadata: RecordMetadata) => void = resolveNext;
  readonly #reject: (error: Error) => void = rejectNext;

  stored(topic: string, partition: number, offset: number, _count: number, timestamp: number): void {
    this.#resolve({ topic, partition, offset, timestamp });
  }

  failed(error: Error, _count: number): void {
    this.#reject(error);
  }
}

export type { StoppedDelivery };

export interface ProducerClient {
  /** What brokers know it by (`client.id`). Absent: not told. */
  readonly clientId?: string | undefined;

  start(): Promise<void>;

  /**
   * Appends to the partition's open batch; resolves when the batch is acknowledged, rejects with KAFKA_DELIVERY_FAILED
   * (after delivery.timeout.ms or a final refusal), KAFKA_RECORD_TOO_LARGE or KAFKA_BUFFER_FULL. Records of one
   * partition are stored in the order of the calls. `partition` undefined: by key (murmur2), sticky without a key.
   */
  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata>;

  /** Like `send`, without a promise: the sink is told how each record ended, exactly once. */
  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void;

  /** Whether records should carry key and value as they were before serialization (`given`). */
  readonly wantsGiven: boolean;

  /**
   * Whether interceptors and listeners are called beyond it, for the templates of several threads; the template here
   * leaves its own out then. Default false.
   */
  readonly intercepts?: boolean;

  /** Partitions and topics that take nothing since a record of theirs was lost, under onDeliveryFailure `stop`. */
  stopped(): readonly StoppedDelivery[];

  /** Lets a partition go on after a lost record, a whole topic, or everything. */
  resume(topic?: string, partition?: number): void;

  /** Whether little enough waits that more may be sent without piling up in memory. */
  readonly hasRoom: boolean;

  /** Resolves as soon as `hasRoom` holds, or the producer is stopped. */
  whenRoom(): Promise<void>;

  /** Sends what waits without lingering and settles when all of it is acknowledged or has failed. */
  flush(): Promise<void>;

  /** Number of partitions, from cached metadata where there is any. */
  partitionsFor(topic: string): Promise<number>;

  /** Partitions of a topic, asked of the cluster. Rejects with KAFKA_DELIVERY_FAILED when it stays unknown. */
  partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]>;

  /** What it has done and what waits, now. */
  metrics(): ProducerMetricValues;

  /** Flushes within the delivery time-out, then ends. */
  stop(): Promise<void>;
}

/**
 * A producer with a transactional id: everything between `begin` and `commit` becomes visible together or not at all.
 */
export interface TransactionalProducerClient extends ProducerClient {
  /** Started, and no transaction is open: `begin` may be called. */
  readonly isReady: boolean;
  begin(): Promise<void>;
  /** Makes consumed offsets part of the transaction. */
  sendOffsets(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void>;
  /**
   * Sends what waits, then commits. Rejects with KAFKA_TRANSACTION_ABORTED when a record or an offset was lost: abort
   * then. With KAFKA_TRANSACTION_UNDECIDED nobody answered: commit again, or discard the producer. With
   * KAFKA_PRODUCER_FENCED the producer is of no use any more.
   */
  commit(): Promise<void>;
  /** Also after a failure, when nothing else is allowed; rejects when the producer is of no use any more. */
  abort(): Promise<void>;
  /** Ends at once, without an abort: for a producer that is of no use, or whose outcome nobody knows. */
  discard(): Promise<void>;
}
