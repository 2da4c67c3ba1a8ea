import { type Clock, systemClock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type KafkaRecord, type OutgoingRecord } from '../../common/record.js';
import {
  type ProducerClient,
  type ProducerMetricValues,
  type StoppedDelivery,
  type TopicPartitionInfo,
} from '../client/producer-client.js';
import { type DelayedSend, type DelayOptions, type DelayPort } from './delayed-send.js';
import { type ProducerInterceptor } from './producer-interceptor.js';
import { type ProducerListener } from './producer-listener.js';
import {
  isMessage,
  type KafkaMessage,
  noTopic,
  type ProducerRecord,
  recordOfMessage,
  type SendResult,
} from './producer-record.js';
import { type RecordPosition, type RecordReader } from './record-reader.js';
import { type RecordRelay } from './record-relay.js';
import { type SendAllResult, sendEvery } from './send-all.js';
import { type RecordParts, recordOf, recordsOf, type SendArguments } from './send-arguments.js';
import { type SendHooks } from './send-hooks.js';
import { type SendObserver } from './send-observer.js';
import { SendPipeline } from './send-pipeline.js';
import { type Serializer, type SerializerReference, serializerIn } from './serdes/serde.js';
import { autoKeySerializer, autoValueSerializer, ofKeys, ofValues, type RecordKey } from './serializers.js';
import { healthOf, type TemplateHealth } from './template-health.js';
import { type TemplateTransactions } from './template-transactions.js';
import { type OffsetOwner, type TransactionOffset } from './transaction.js';

// KafkaTemplate: values in, acknowledged records out. Serialization happens in the call; batching, order and
// acknowledgment are the producer's.

export type { KafkaMessage, ProducerRecord, RecordParts, RecordPosition, RecordReader, SendResult };

/** What a template is made with. */
export interface KafkaTemplateOptions {
  /** The producer; asked at every send, since a template may be injected before its connection is open. */
  readonly producer: () => ProducerClient;
  /**
   * The producer for what is no send of the application: questions, and records that are passed on. Default: the same;
   * with transactions it serves outside of them too.
   */
  readonly passing?: () => ProducerClient;
  readonly defaultTopic?: string | undefined;
  /** Transactions of its connection. Default: there are none. */
  readonly transactions?: TemplateTransactions | undefined;
  readonly keySerializer?: Serializer;
  readonly valueSerializer?: Serializer;
  /** What `receive` reads with. */
  readonly reader?: RecordReader;
  /** The templates of named producers, for `withProducer`. */
  readonly named?: (name: string) => KafkaTemplate;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Takes records that are sent later. */
  readonly delays?: DelayPort;
}

const NO_DELAYS = 'this template cannot send later: inject the template of a connection with kafka.delays.store';

const RECEIVE_TIMEOUT_MS = 5_000;

/**
 * Sends values to topics (Spring: `KafkaTemplate`). Text and bytes go as they are, everything else as JSON.
 *
 * Every `send` settles once: resolved when the record is acknowledged, rejected with KAFKA_SERIALIZATION_FAILED,
 * KAFKA_RECORD_TOO_LARGE, KAFKA_BUFFER_FULL or KAFKA_DELIVERY_FAILED. A failure is counted and logged with topic and
 * key as well, and a promise that nobody looks at does not end the process.
 */
export class KafkaTemplate<T = any> {
  readonly #options: KafkaTemplateOptions;
  readonly #pipeline: SendPipeline;

  /** @param hooks for `withSerializers` */
  constructor(options: KafkaTemplateOptions, hooks?: SendHooks) {
    const { producer, clock = systemClock, logger = silentLogger } = options;
    this.#options = options;
    this.#pipeline = new SendPipeline({
      producer,
      keySerializer: options.keySerializer ?? autoKeySerializer,
      valueSerializer: options.valueSerializer ?? autoValueSerializer(),
      hooks,
      clock,
      logger,
    });
  }

  /** Sends a value without a key. */
  send(topic: string, value: T | null): Promise<SendResult>;
  /** Sends a value with a key: records of equal keys go to one partition, in the order of the calls. */
  send(topic: string, key: RecordKey, value: T | null): Promise<SendResult>;
  /** Sends to a partition; null: the producer chooses. */
  send(topic: string, partition: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  /** Sends to a partition with a time of its own, ms since the epoch; null: now. */
  send(
    topic: string,
    partition: number | null,
    timestamp: number | null,
    key: RecordKey,
    value: T | null,
  ): Promise<SendResult>;
  /** Sends a record with headers, a partition or a timestamp of its own. */
  send(record: ProducerRecord<T>): Promise<SendResult>;
  /** Sends a payload to where its headers say, else to the default topic. */
  send(message: KafkaMessage<T>): Promise<SendResult>;
  /**
   * Sends a record later, over restarts too; resolves when it is stored where it waits (`kafka.delays.store`). Rejects
   * with KAFKA_CONFIG_INVALID where none is configured.
   */
  send(record: ProducerRecord<T>, options: DelayOptions): Promise<DelayedSend>;
  send(first: string | ProducerRecord<T> | KafkaMessage<T>, ...rest: SendArguments): Promise<any> {
    if (typeof first === 'string') {
      if (rest.length === 1) return this.#pipeline.sendParts(first, null, rest[0]);
      if (rest.length === 2) return this.#pipeline.sendParts(first, rest[0] as RecordKey, rest[1]);
      return this.#pipeline.send(recordOf(first, rest));
    }
    if (rest.length > 0 && !isMessage(first)) return this.#delays().send(first, rest[0] as DelayOptions);
    if (!isMessage(first)) return this.#pipeline.send(first);
    try {
      return this.#pipeline.send(recordOfMessage(first, this.#options.defaultTopic));
    } catch (error) {
      return this.#refused(error);
    }
  }

  /**
   * Takes a delayed send back; false when it is too late: it was sent, or is about to be. While it waits in topics,
   * that is the last second; Redis knows to the moment.
   */
  cancelDelayed(id: string): Promise<boolean> {
    return this.#delays().cancel(id);
  }

  #delays(): DelayPort {
    const { delays } = this.#options;
    if (delays) return delays;
    const refuse = () => Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', NO_DELAYS));
    return { send: refuse, cancel: refuse };
  }

  /** Like `send`, to `kafka.template.default-topic`. Rejects with KAFKA_CONFIG_INVALID when there is none. */
  sendDefault(value: T | null): Promise<SendResult>;
  sendDefault(key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(partition: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(partition: number | null, timestamp: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(...rest: SendArguments): Promise<SendResult> {
    const { defaultTopic } = this.#options;
    if (defaultTopic === undefined) return this.#refused(noTopic('sendDefault'));
    return this.#pipeline.send(recordOf(defaultTopic, rest));
  }

  /** Sends and says on purpose that nobody waits: a failure is counted and logged, nothing else. */
  sendOneway(topic: string, value: T | null): void;
  sendOneway(topic: string, key: RecordKey, value: T | null): void;
  sendOneway(record: ProducerRecord<T>): void;
  sendOneway(...args: [any, any?, any?]): void {
    void (this.send as (...args: unknown[]) => Promise<SendResult>).apply(this, args);
  }

  /**
   * Sends everything that a source gives, in its order, and takes no more from it than the cluster keeps up with: a
   * generator of a million records holds a few megabytes. Resolves when all are acknowledged. After the first failure
   * nothing more is taken; rejects with KAFKA_DELIVERY_FAILED, whose `cause` is that failure, or with what the source
   * threw, when what was under way is settled.
   */
  sendAll(records: Iterable<ProducerRecord<T>> | AsyncIterable<ProducerRecord<T>>): Promise<SendAllResult>;
  /** The same with plain values for one topic; `parts` may give each its key, headers, partition or timestamp. */
  sendAll(
    topic: string,
    values: Iterable<T | null> | AsyncIterable<T | null>,
    parts?: (value: T | null) => RecordParts<T>,
  ): Promise<SendAllResult>;
  sendAll(first: any, values?: any, parts?: (value: T | null) => RecordParts<T>): Promise<SendAllResult> {
    if (typeof first !== 'string') return sendEvery(this.#pipeline, first as Iterable<ProducerRecord>);
    return sendEvery(this.#pipeline, recordsOf(first, values as Iterable<T>, parts));
  }

  /** Whether `ready()` would resolve at once. */
  get isReady(): boolean {
    return this.#passing.hasRoom;
  }

  /**
   * Resolves when little enough waits to be sent (half of buffer.memory, at most 8 MB and 16,384 records): `await
   * template.ready()` before each `send` of a long loop bounds its memory without waiting for each acknowledgment.
   * Never rejects.
   */
  ready(): Promise<void> {
    return this.#passing.whenRoom();
  }

  /**
   * Sends bytes as they are, past interceptors and serializers: records that are passed on. A failure is told to the
   * caller alone.
   */
  sendBytes(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<SendResult> {
    return this.#passing.send(topic, partition, record);
  }

  get #passing(): ProducerClient {
    return this.#options.passing?.() ?? this.#pipeline.producer;
  }

  /** Sends what waits without lingering; resolves when all of it is acknowledged or has failed. */
  flush(): Promise<void> {
    return this.#passing.flush();
  }

  /** Number of partitions of a topic. Rejects with KAFKA_DELIVERY_FAILED when there is no such topic. */
  partitionsFor(topic: string): Promise<number> {
    return this.#passing.partitionsFor(topic);
  }

  /** Partitions of a topic with leader and replicas (Spring: `partitionsFor`). Rejects as `partitionsFor` does. */
  partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]> {
    return this.#passing.partitionInfo(topic);
  }

  /**
   * What brokers know its producer by (Kafka: `client.id`), the label of its metrics; undefined where the producer is
   * another thread's, or its factory does not say.
   */
  get clientId(): string | undefined {
    return this.#passing.clientId;
  }

  /** What the producer has done and what waits, under Kafka's names, and times of interceptors. */
  metrics(): ProducerMetricValues {
    const producer = this.#passing;
    return {
      ...producer.metrics(),
      'failed-sends-total': this.failedSends,
      ...(producer.intercepts ? {} : this.#pipeline.hooks.interceptors.metrics()),
    };
  }

  /** Calls with the producer behind the template, for what the template does not offer. */
  execute<R>(callback: (producer: ProducerClient) => R): R {
    return callback(this.#pipeline.producer);
  }

  /**
   * Reads one record (Spring: `receive`); null when the offset holds none: not written yet, deleted, compacted away.
   * `timeoutMs` is 5,000 by default. Rejects with KAFKA_CONFIG_INVALID for an offset below 0.
   */
  receive(topic: string, partition: number, offset: number, timeoutMs?: number): Promise<KafkaRecord | null>;
  /** Reads several; those that are not there are left out. */
  receive(positions: readonly RecordPosition[], timeoutMs?: number): Promise<KafkaRecord[]>;
  async receive(
    first: string | readonly RecordPosition[],
    second?: number,
    offset?: number,
    timeoutMs?: number,
  ): Promise<KafkaRecord | null | KafkaRecord[]> {
    if (typeof first !== 'string') return this.#read(first, second ?? RECEIVE_TIMEOUT_MS);
    const position = { topic: first, partition: second!, offset: offset! };
    return (await this.#read([position], timeoutMs ?? RECEIVE_TIMEOUT_MS))[0] ?? null;
  }

  #read(positions: readonly RecordPosition[], timeoutMs: number): Promise<KafkaRecord[]> {
    const wrong = positions.find(({ offset }) => !Number.isSafeInteger(offset) || offset < 0);
    const { reader } = this.#options;
    if (wrong || !reader) {
      const problem = wrong
        ? `receive takes offsets of 0 and more, not ${wrong.offset} of ${wrong.topic}-${wrong.partition}`
        : 'this template has no reader: give one in its options, or inject the template of a connection';
      return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', problem));
    }
    return reader(positions, timeoutMs);
  }

  /**
   * The same template with other serializers: a format of `Serdes`, a function, or an object with `serialize`.
   * Producer, interceptors and listeners are shared.
   */
  withSerializers<U = T>(serializers: {
    readonly key?: SerializerReference;
    readonly value?: SerializerReference;
  }): KafkaTemplate<U> {
    const { key, value } = serializers;
    const own = {
      ...(key === undefined ? {} : { keySerializer: ofKeys(serializerIn(key)) }),
      ...(value === undefined ? {} : { valueSerializer: ofValues(serializerIn(value)) }),
    };
    return new KafkaTemplate<U>({ ...this.#options, ...own }, this.#pipeline.hooks);
  }

  /**
   * The template of a named producer of this connection, `kafka.producers.<name>.…`: buffer, batches and failures of
   * its own. Throws KAFKA_CONFIG_INVALID for a name that is not configured.
   */
  withProducer<U = T>(name: string): KafkaTemplate<U> {
    const { named } = this.#options;
    if (named) return named(name);
    throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no producer ${name}: this template has no named ones`);
  }

  /** Sees and may change every record before it is serialized; called behind those added before. */
  addProducerInterceptor(interceptor: ProducerInterceptor): void {
    this.#pipeline.hooks.addInterceptor(interceptor);
  }

  /** Is told how each send ended. */
  addProducerListener(listener: ProducerListener): void {
    this.#pipeline.hooks.addListener(listener);
  }

  /** Watches sends, for traces and meters. */
  addSendObserver(observer: SendObserver): void {
    this.#pipeline.hooks.addObserver(observer);
  }

  /** Under `producer.on-delivery-failure=stop`: what takes no records since one was lost. */
  stoppedDeliveries(): readonly StoppedDelivery[] {
    return this.#passing.stopped();
  }

  /**
   * For health checks: `down` while `stoppedDeliveries` names something, with what each lost record failed with.
   * `ProducerListener.onDeliveryStopped` is told when that begins.
   */
  health(): TemplateHealth {
    return healthOf(this.stoppedDeliveries());
  }

  /** Lets a partition go on after a lost record, a whole topic, or everything. */
  resume(topic?: string, partition?: number): void {
    this.#passing.resume(topic, partition);
  }

  /** Whether sends have to be made in transactions: a transaction-id-prefix is configured (Spring: isTransactional). */
  get transactional(): boolean {
    return this.#options.transactions?.isEnabled ?? false;
  }

  /** Whether the calling code runs in a transaction that is open. */
  get inTransaction(): boolean {
    return this.#options.transactions?.isOpen ?? false;
  }

  /** Whether a transactional template also sends outside of transactions, `kafka.template.allow-non-transactional`. */
  get allowNonTransactional(): boolean {
    return this.#options.transactions?.allowNonTransactional ?? false;
  }

  /**
   * Runs `work` in a transaction of its own, and commits it when `work` resolves: what is sent by this template (and
   * by others of its connection) becomes visible together to read_committed readers. What `work` throws aborts it.
   * Independent of a transaction that the caller runs in; cannot be nested. Rejects as `KafkaTransactionManager.run`.
   */
  executeInTransaction<R>(work: (template: this) => R | Promise<R>): Promise<R> {
    const { transactions } = this.#options;
    if (transactions) return transactions.execute(() => work(this));
    const message = 'executeInTransaction: this template was made without transactions';
    return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', message));
  }

  /**
   * Makes consumed offsets (the next ones to read) part of the transaction that the caller runs in. The owner is the
   * consumer's `groupMetadata()`, so that a consumer that lost its partitions is fenced out (KIP-447); a group's name
   * alone fences nobody. Listeners with `@Transactional('kafka')` do this by themselves.
   */
  sendOffsetsToTransaction(offsets: readonly TransactionOffset[], owner: OffsetOwner): Promise<void> {
    const { transactions } = this.#options;
    if (transactions) return transactions.sendOffsets(offsets, owner);
    const message = 'sendOffsetsToTransaction: this template was made without transactions';
    return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', message));
  }

  /** Sends that failed since the start. */
  get failedSends(): number {
    return this.#pipeline.failures.total;
  }

  /** Logs failures that are counted but not said yet; the owner of the connection calls it at the end. */
  reportFailures(): void {
    this.#pipeline.failures.flush();
  }

  /** Tells the producer listeners of a stop; the owner of the producer calls it. */
  noteStopped(stopped: StoppedDelivery): void {
    this.#pipeline.hooks.deliveryStopped(stopped);
  }

  /** The way of records that worker threads have serialized; the owner of the producer sends them. */
  get relay(): RecordRelay {
    return this.#pipeline.relay;
  }

  /**
   * Ends the interceptors; the owner of the connection calls it after the producer's end. `closed` are those that
   * another template has ended, and is added to.
   */
  close(closed?: Set<object>): void {
    this.#pipeline.hooks.interceptors.close(closed);
  }

  #refused(error: unknown): Promise<SendResult> {
    const refused = Promise.reject(error as Error);
    refused.catch(() => this.#pipeline.failures.add('(none)', null, error));
    return refused;
  }
}
