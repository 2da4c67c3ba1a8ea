import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, every, systemClock, type Timer } from '../../../common/clock.js';
import { hasCode, NestdawError } from '../../../common/errors.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { RecordBatchBuilder } from '../../../protocol/record-batch.js';
import { BATCH_HEADER_BYTES } from '../../../protocol/record-batch-header.js';
import { type Cluster } from '../cluster/cluster.js';
import {
  type DeliverySink,
  type ProducerClient,
  type ProducerMetricValues,
  type RecordMetadata,
  type TopicPartitionInfo,
} from '../producer-client.js';
import { BufferRoom } from './buffer-room.js';
import { bufferFull, recordTooLargeForRequest, unknownTopic } from './delivery-errors.js';
import { DeliveryStop, type StoppedDelivery } from './delivery-stop.js';
import { type ProducerBatch } from './producer-batch.js';
import {
  MAX_UNSETTLED_BATCHES,
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from './producer-options.js';
import { RecordAccumulator } from './record-accumulator.js';
import { RecordPlacement } from './record-placement.js';
import { RecordStamps } from './record-stamps.js';
import { Sender } from './sender.js';
import { TopicCounts } from './topic-counts.js';
import { type TransactionGate } from './transaction-gate.js';
import { lastInLine } from './waiting-sends.js';

// The producer: chooses the partition, hands the record to the accumulator, and makes the call wait where partitions
// are not known yet or the buffer is full. It owns its cluster: nobody else's requests stand before its own.

export interface KafkaProducerOptions {
  /** Its own: connected by `start`, closed by `stop`. */
  readonly cluster: Cluster;
  readonly options?: ProducerOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Given: everything is sent inside of transactions. */
  readonly transaction?: TransactionGate;
}

export class KafkaProducer implements ProducerClient {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #clock: Clock;
  readonly #placement: RecordPlacement;
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #topics: TopicCounts;
  readonly #room: BufferRoom;
  readonly #lost: DeliveryStop;
  readonly #stamps: RecordStamps | undefined;
  /** Grows when calls that wait are given up, for those that wait elsewhere. */
  #abandoned = 0;
  #refresh: Timer | undefined;
  #stopped: NestdawError | undefined;
  #stopping: Promise<void> | undefined;

  constructor(init: KafkaProducerOptions) {
    const { cluster, clock = systemClock, random = systemRandom, logger = silentLogger, transaction } = init;
    const given = producerSettings(init.options ?? {});
    // A transaction is lost whole: what stops is the transaction.
    const settings: ProducerSettings = init.transaction ? { ...given, onDeliveryFailure: 'continue' } : given;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#clock = clock;
    this.#lost = new DeliveryStop(logger);
    this.#accumulator = new RecordAccumulator({
      batchSize: settings.batchSize,
      lingerMs: settings.lingerMs,
      bufferMemory: settings.bufferMemory,
      idempotent: settings.enableIdempotence,
      maxUnsettled: Math.min(settings.maxInFlightRequestsPerConnection, MAX_UNSETTLED_BATCHES),
    });
    const onReleased = () => this.#room.released();
    const onLost = (batch: ProducerBatch, error: Error) => {
      if (this.#noteLost(batch.topic, batch.partition, error)) {
        this.#sender.stopBehind(batch, this.#lost.refusalOf(batch.topic, batch.partition)!);
      }
    };
    const accumulator = this.#accumulator;
    const hooks = { onReleased, onLost, transaction };
    this.#sender = new Sender({ cluster, accumulator, settings, clock, random, logger, ...hooks });
    const backoff = exponentialBackoff({
      initialMs: settings.retryBackoffMs,
      maxMs: settings.retryBackoffMaxMs,
      random,
    });
    const { messageIdHeader: messageId, sequenceIdHeader: sequenceId } = settings;
    this.#stamps = RecordStamps.of({ messageId, sequenceId }, random);
    this.#topics = new TopicCounts({ cluster, clock, backoff, logger, maxBlockMs: settings.maxBlockMs });
    const wake = () => this.wake();
    this.#room = new BufferRoom({ accumulator, topics: this.#topics, settings, clock, wake });
    const isStuck = (topic: string, partition: number) => this.#sender.isStuck(topic, partition);
    this.#placement = new RecordPlacement({ settings, cluster, topics: this.#topics, accumulator, isStuck, random });
  }

  async start(): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    await this.#cluster.connect();
    this.#refresh ??= every(this.#clock, this.#settings.metadataMaxAgeMs, () => this.#topics.refresh());
  }

  send(topic: string, partition: number | undefined, given: OutgoingRecord): Promise<RecordMetadata> {
    const record = this.#stamps ? this.#stamps.stamped(given) : given;
    const size = RecordBatchBuilder.sizeOf(record);
    const refusal = this.#refusalOf(topic, partition, size);
    return refusal ? Promise.reject(refusal) : this.#accept(topic, partition, record, size);
  }

  enqueue(topic: string, partition: number | undefined, given: OutgoingRecord, sink: DeliverySink): void {
    const record = this.#stamps ? this.#stamps.stamped(given) : given;
    const size = RecordBatchBuilder.sizeOf(record);
    const refusal = this.#refusalOf(topic, partition, size);
    if (refusal) {
      sink.failed(refusal, 1);
      return;
    }
    const count = this.#topics.of(topic);
    const isInRange = count !== undefined && (partition === undefined || (partition >= 0 && partition < count));
    if (!isInRange || !this.#room.takes(size)) {
      this.#accept(topic, partition, record, size).then(
        (stored) => sink.stored(stored.topic, stored.partition, stored.offset, 1, stored.timestamp),
        (error: Error) => sink.failed(error, 1),
      );
      return;
    }
    try {
      this.#appendTo(this.#placeOf(topic, partition, record, size, count), topic, record, size, sink);
    } catch (error) {
      sink.failed(error as Error, 1);
    }
  }

  /** Why a record cannot even wait. */
  #refusalOf(topic: string, partition: number | undefined, size: number): NestdawError | undefined {
    if (this.#stopped) return this.#stopped;
    const overtaking = this.#lost.refusalOf(topic, partition);
    if (overtaking) return overtaking;
    if (size + BATCH_HEADER_BYTES > this.#settings.maxRequestSize) {
      return this.#lostBefore(topic, partition, recordTooLargeForRequest(topic, size, this.#settings.maxRequestSize));
    }
    return this.#room.isOverfull(size)
      ? this.#lostBefore(topic, partition, this.#bufferFull(size, 'at once'))
      : undefined;
  }

  #accept(topic: string, partition: number | undefined, record: OutgoingRecord, size: number): Promise<RecordMetadata> {
    const count = this.#topics.of(topic);
    if (count === undefined) return this.#sendWhenKnown(topic, partition, record, size);
    if (partition !== undefined && !(partition >= 0 && partition < count)) {
      return this.#sendToNewPartition(topic, partition, record, size);
    }
    if (!this.#room.takes(size)) return this.#sendWhenThereIsRoom(topic, partition, record, size);
    return this.#append(topic, partition, record, size, count);
  }

  #append(
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    size: number,
    count: number,
  ): Promise<RecordMetadata> {
    try {
      return this.#appendTo(this.#placeOf(topic, partition, record, size, count), topic, record, size);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** The partition, chosen where none is asked for. Throws when it takes no records. */
  #placeOf(topic: string, partition: number | undefined, record: OutgoingRecord, size: number, count: number): number {
    const place = partition ?? this.#placement.choose(topic, record, size, count);
    const overtaking = this.#lost.refusalOf(topic, place);
    if (overtaking) throw overtaking;
    return place;
  }

  #appendTo(partition: number, topic: string, record: OutgoingRecord, size: number): Promise<RecordMetadata>;
  #appendTo(partition: number, topic: string, record: OutgoingRecord, size: number, sink: DeliverySink): undefined;
  #appendTo(
    partition: number,
    topic: string,
    record: OutgoingRecord,
    size: number,
    sink?: DeliverySink,
  ): Promise<RecordMetadata> | undefined {
    this.#stamps?.number(topic, partition, record);
    const timestamp = record.timestamp ?? this.#clock.now();
    const now = this.#clock.monotonic();
    const promise = this.#accumulator.append(topic, partition, record, size, timestamp, now, sink!);
    this.#sender.appended();
    return promise;
  }

  #sendWhenKnown(
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    size: number,
  ): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.#topics.whenKnown(topic, {
        size,
        tryAgain: () => {
          if (this.#topics.of(topic) === undefined) return false;
          resolve(this.#accept(topic, partition, record, size));
          return true;
        },
        giveUp: (error, problem) => {
          reject(error ?? this.#lostBefore(topic, partition, this.#unknownTopic(topic, problem)));
          this.#room.left();
        },
      });
    });
  }

  #sendWhenThereIsRoom(
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    size: number,
  ): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.#room.wait({
        size,
        tryAgain: () => {
          if (!this.#accumulator.fits(size)) return false;
          // The count can only have been forgotten with the topic itself: then the call starts over.
          const count = this.#topics.of(topic);
          resolve(
            count === undefined
              ? this.#sendWhenKnown(topic, partition, record, size)
              : this.#append(topic, partition, record, size, count),
          );
          return true;
        },
        giveUp: (error) => {
          const full = () => this.#bufferFull(size, `for ${this.#settings.maxBlockMs} ms`);
          reject(error ?? this.#lostBefore(topic, partition, full()));
          this.#room.left();
        },
      });
    });
  }

  get hasRoom(): boolean {
    return this.#room.isPlenty;
  }

  whenRoom(): Promise<void> {
    return this.#room.whenPlenty();
  }

  get wantsGiven(): boolean {
    return this.#settings.partitioner !== undefined;
  }

  stopped(): readonly StoppedDelivery[] {
    return this.#lost.list();
  }

  resume(topic?: string, partition?: number): void {
    this.#lost.remove(topic, partition);
    this.#accumulator.resume((queue) => this.#lost.has(queue));
  }

  /** Notes a record that is lost before it had a batch, and gives its error back. */
  #lostBefore(topic: string, partition: number | undefined, error: NestdawError): NestdawError {
    this.#noteLost(topic, partition, error);
    return error;
  }

  /** Whether its partition, or topic, has just been stopped. */
  #noteLost(topic: string, partition: number | undefined, error: Error): boolean {
    if (this.#settings.onDeliveryFailure !== 'stop' || this.#stopped || hasCode(error, 'KAFKA_STOPPED')) return false;
    return this.#lost.add(topic, partition, error);
  }

  metrics(): ProducerMetricValues {
    const { bufferMemory, batchSize } = this.#settings;
    return {
      ...this.#sender.metrics.values(batchSize),
      'buffer-total-bytes': bufferMemory,
      'buffer-available-bytes': Math.max(0, bufferMemory - this.#accumulator.usedBytes),
      'waiting-threads': this.#room.waiting,
      'requests-in-flight': this.#sender.inFlight,
    };
  }

  /** The partition may have been added a moment ago. */
  async #sendToNewPartition(
    topic: string,
    partition: number,
    record: OutgoingRecord,
    size: number,
  ): Promise<RecordMetadata> {
    const abandoned = this.#abandoned;
    const count = await this.#topics.recount(topic);
    if (this.#stopped) throw this.#stopped;
    if (abandoned !== this.#abandoned) {
      throw new NestdawError('KAFKA_TRANSACTION_ABORTED', `the transaction of a record for ${topic} was aborted`);
    }
    if (partition >= 0 && partition < count) return this.#accept(topic, partition, record, size);
    throw new NestdawError(
      'KAFKA_DELIVERY_FAILED',
      `topic ${topic} has ${count} partitions, 0 to ${count - 1}; partition ${partition} does not exist`,
    );
  }

  async partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]> {
    await this.partitionsFor(topic);
    return (await this.#cluster.partitionsOf(topic)) ?? [];
  }

  async flush(): Promise<void> {
    this.#accumulator.beginFlush();
    try {
      this.#sender.wake();
      await this.#waitingNow();
      this.#sender.wake();
      await Promise.all([...this.#accumulator.incomplete].map((batch) => batch.whenSettled()));
    } finally {
      this.#accumulator.endFlush();
    }
  }

  /** Resolves when every call that waits now has gone on or given up. */
  async #waitingNow(): Promise<void> {
    const topics = this.#topics.waitingTopics();
    await Promise.all(topics.map((topic) => lastInLine((marker) => this.#topics.whenKnown(topic, marker))));
    if (this.#room.waiting > 0) await lastInLine((marker) => this.#room.mark(marker));
  }

  /** Rejects everything that is not acknowledged; resolves when none of it is on its way any more. */
  async abandon(reason: Error): Promise<void> {
    this.#abandoned++;
    this.#topics.giveUpAll(reason);
    this.#room.giveUpAll(reason);
    this.#sender.rejectAll(reason);
    await this.#sender.whenQuiet();
  }

  /** Something may be sent now that could not before. */
  wake(): void {
    this.#sender.wake();
  }

  async partitionsFor(topic: string): Promise<number> {
    const known = this.#topics.of(topic);
    if (known !== undefined) return known;
    if (this.#stopped) throw this.#stopped;
    return this.#topics.counted(topic, (problem) => this.#unknownTopic(topic, problem));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#refresh?.cancel();
    const flushed = this.flush();
    this.#stopped = new NestdawError('KAFKA_STOPPED', 'the producer was stopped; send before it is stopped');
    await flushed;
    this.#topics.stop(this.#stopped);
    this.#room.close(this.#stopped);
    this.#sender.close(this.#stopped);
    this.#settings.partitioner?.close?.();
    await this.#cluster.close();
  }

  #bufferFull(size: number, time: string): NestdawError {
    const { bufferMemory, maxBlockMs } = this.#settings;
    const { usedBytes } = this.#accumulator;
    const { problem } = this.#sender;
    return bufferFull({ size, time, usedBytes, bufferMemory, maxBlockMs, problem, waiting: this.#room.waiting });
  }

  #unknownTopic(topic: string, problem: Error | undefined): NestdawError {
    return unknownTopic(topic, this.#settings.maxBlockMs, problem);
  }
}
