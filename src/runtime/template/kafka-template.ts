import { type Clock, systemClock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type OutgoingRecord } from '../../common/record.js';
import { type ProducerClient, type RecordMetadata } from '../client/producer-client.js';
import { FailedSends } from './failed-sends.js';
import { OutgoingHeaders } from './serdes/outgoing-headers.js';
import { type Serializer } from './serdes/serde.js';
import {
  autoKeySerializer,
  autoValueSerializer,
  type HeadersInput,
  type RecordKey,
  recordHeaders,
} from './serializers.js';
import { type TemplateTransactions } from './template-transactions.js';
import { type OffsetOwner, type TransactionOffset } from './transaction.js';

// KafkaTemplate: values in, acknowledged records out. Serialization happens in the call; batching, order and
// acknowledgment are the producer's.

/** Where a sent record was stored: topic, partition, offset (-1 under acks=0), timestamp in ms since the epoch. */
export type SendResult = RecordMetadata;

/** A record to send, with everything that can be said about it. */
export interface ProducerRecord<T = unknown> {
  readonly topic: string;
  /** Default: by the key (murmur2, as the Java client), or the producer's choice without one. */
  readonly partition?: number | undefined;
  readonly key?: RecordKey;
  /** Null is a tombstone. */
  readonly value: T | null;
  readonly headers?: HeadersInput | undefined;
  /** Ms since the epoch. Default: now. */
  readonly timestamp?: number | undefined;
}

export interface KafkaTemplateOptions {
  /** The producer; asked at every send, since a template may be injected before its connection is open. */
  readonly producer: () => ProducerClient;
  readonly defaultTopic?: string | undefined;
  /** Transactions of its connection. Default: there are none. */
  readonly transactions?: TemplateTransactions | undefined;
  readonly keySerializer?: Serializer;
  readonly valueSerializer?: Serializer;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * Sends values to topics (Spring: `KafkaTemplate`). Text and bytes go as they are, everything else as JSON.
 *
 * Every `send` settles once: resolved when the record is acknowledged, rejected with KAFKA_SERIALIZATION_FAILED,
 * KAFKA_RECORD_TOO_LARGE, KAFKA_BUFFER_FULL or KAFKA_DELIVERY_FAILED. A failure is counted and logged with topic and
 * key as well, and a promise that nobody looks at does not end the process.
 */
export class KafkaTemplate<T = any> {
  readonly #producer: () => ProducerClient;
  readonly #defaultTopic: string | undefined;
  readonly #keySerializer: Serializer;
  readonly #valueSerializer: Serializer;
  readonly #failures: FailedSends;
  readonly #transactions: TemplateTransactions | undefined;

  constructor(options: KafkaTemplateOptions) {
    this.#producer = options.producer;
    this.#defaultTopic = options.defaultTopic;
    this.#transactions = options.transactions;
    this.#keySerializer = options.keySerializer ?? autoKeySerializer;
    this.#valueSerializer = options.valueSerializer ?? autoValueSerializer();
    this.#failures = new FailedSends(options.clock ?? systemClock, options.logger ?? silentLogger);
  }

  /** Sends a value without a key. */
  send(topic: string, value: T | null): Promise<SendResult>;
  /** Sends a value with a key: records of equal keys go to one partition, in the order of the calls. */
  send(topic: string, key: RecordKey, value: T | null): Promise<SendResult>;
  /** Sends a record with headers, a partition or a timestamp of its own. */
  send(record: ProducerRecord<T>): Promise<SendResult>;
  send(first: string | ProducerRecord<T>, ...rest: [(RecordKey | T)?, (T | null)?]): Promise<SendResult> {
    if (typeof first !== 'string') return this.#send(first);
    return rest.length > 1
      ? this.#sendParts(first, undefined, rest[0] as RecordKey, rest[1])
      : this.#sendParts(first, undefined, null, rest[0]);
  }

  /** Like `send`, to `kafka.template.default-topic`. Rejects with KAFKA_CONFIG_INVALID when there is none. */
  sendDefault(value: T | null): Promise<SendResult>;
  sendDefault(key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(...rest: [(RecordKey | T)?, (T | null)?]): Promise<SendResult> {
    const topic = this.#defaultTopic;
    if (topic === undefined) {
      const message = 'sendDefault has no topic: set kafka.template.default-topic, or name one with send(topic, …)';
      return this.#settled(Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', message)), '(none)', null);
    }
    return rest.length > 1
      ? this.#sendParts(topic, undefined, rest[0] as RecordKey, rest[1])
      : this.#sendParts(topic, undefined, null, rest[0]);
  }

  /** Sends and says on purpose that nobody waits: a failure is counted and logged, nothing else. */
  sendOneway(topic: string, value: T | null): void;
  sendOneway(topic: string, key: RecordKey, value: T | null): void;
  sendOneway(record: ProducerRecord<T>): void;
  sendOneway(...args: [any, any?, any?]): void {
    void (this.send as (...args: unknown[]) => Promise<SendResult>).apply(this, args);
  }

  /**
   * Sends bytes as they are, past the serializers: records that are passed on. A failure is told to the caller alone.
   */
  sendBytes(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<SendResult> {
    return this.#producer().send(topic, partition, record);
  }

  /** Sends what waits without lingering; resolves when all of it is acknowledged or has failed. */
  flush(): Promise<void> {
    return this.#producer().flush();
  }

  /** Number of partitions of a topic. */
  partitionsFor(topic: string): Promise<number> {
    return this.#producer().partitionsFor(topic);
  }

  /** Whether sends have to be made in transactions: a transaction-id-prefix is configured (Spring: isTransactional). */
  get transactional(): boolean {
    return this.#transactions?.isEnabled ?? false;
  }

  /** Whether the calling code runs in a transaction that is open. */
  get inTransaction(): boolean {
    return this.#transactions?.isOpen ?? false;
  }

  /** Whether a transactional template also sends outside of transactions, `kafka.template.allow-non-transactional`. */
  get allowNonTransactional(): boolean {
    return this.#transactions?.allowNonTransactional ?? false;
  }

  /**
   * Runs `work` in a transaction of its own, and commits it when `work` resolves: what is sent by this template (and
   * by others of its connection) becomes visible together to read_committed readers. What `work` throws aborts it.
   * Independent of a transaction that the caller runs in; cannot be nested. Rejects as `KafkaTransactionManager.run`.
   */
  executeInTransaction<R>(work: (template: this) => R | Promise<R>): Promise<R> {
    if (this.#transactions) return this.#transactions.execute(() => work(this));
    const message = 'executeInTransaction: this template was made without transactions';
    return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', message));
  }

  /**
   * Makes consumed offsets (the next ones to read) part of the transaction that the caller runs in. The owner is the
   * consumer's `groupMetadata()`, so that a consumer that lost its partitions is fenced out (KIP-447); a group's name
   * alone fences nobody. Listeners with `@Transactional('kafka')` do this by themselves.
   */
  sendOffsetsToTransaction(offsets: readonly TransactionOffset[], owner: OffsetOwner): Promise<void> {
    if (this.#transactions) return this.#transactions.sendOffsets(offsets, owner);
    const message = 'sendOffsetsToTransaction: this template was made without transactions';
    return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', message));
  }

  /** Sends that failed since the start. */
  get failedSends(): number {
    return this.#failures.total;
  }

  /** Logs failures that are counted but not said yet; the owner of the connection calls it at the end. */
  reportFailures(): void {
    this.#failures.flush();
  }

  #send({ topic, partition, key, value, headers, timestamp }: ProducerRecord<T>): Promise<SendResult> {
    return this.#sendParts(topic, partition, key, value, headers, timestamp);
  }

  #sendParts(
    topic: string,
    partition: number | undefined,
    key: RecordKey,
    value: unknown,
    headers?: HeadersInput,
    timestamp?: number,
  ): Promise<SendResult> {
    let keyBytes: Buffer | null = null;
    let sent: Promise<SendResult>;
    try {
      const written = new OutgoingHeaders(recordHeaders(topic, headers));
      keyBytes = this.#keySerializer(topic, key, written);
      const record: { -readonly [P in keyof OutgoingRecord]: OutgoingRecord[P] } = {
        key: keyBytes,
        value: this.#valueSerializer(topic, value, written),
      };
      if (written.all.length > 0) record.headers = written.all;
      if (timestamp !== undefined) record.timestamp = timestamp;
      sent = this.#producer().send(topic, partition, record);
    } catch (error) {
      sent = Promise.reject(error);
    }
    return this.#settled(sent, topic, keyBytes);
  }

  /** The handler attached here makes an ignored failure a counted and logged one instead of the process's end. */
  #settled(sent: Promise<SendResult>, topic: string, key: Buffer | null): Promise<SendResult> {
    sent.catch((error: unknown) => this.#failures.add(topic, key, error));
    return sent;
  }
}
