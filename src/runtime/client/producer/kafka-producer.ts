import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, every, systemClock, type Timer } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { RecordBatchBuilder } from '../../../protocol/record-batch.js';
import { BATCH_HEADER_BYTES } from '../../../protocol/record-batch-header.js';
import { type Cluster } from '../cluster/cluster.js';
import { type ProducerClient, type RecordMetadata } from '../producer-client.js';
import { recordTooLargeForRequest } from './delivery-errors.js';
import { Partitioner } from './partitioner.js';
import {
  MAX_UNSETTLED_BATCHES,
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from './producer-options.js';
import { RecordAccumulator } from './record-accumulator.js';
import { Sender } from './sender.js';
import { TopicCounts } from './topic-counts.js';
import { type TransactionGate } from './transaction-gate.js';
import { type WaitingSend, WaitingSends } from './waiting-sends.js';

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
  readonly #partitioner: Partitioner;
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #topics: TopicCounts;
  /** Calls that wait for memory. While there is one, later calls wait behind it. */
  readonly #waiting: WaitingSends;
  #isHurrying = false;
  /** Grows when calls that wait are given up, for those that wait elsewhere. */
  #abandoned = 0;
  #refresh: Timer | undefined;
  #stopped: NestdawError | undefined;
  #stopping: Promise<void> | undefined;

  constructor(init: KafkaProducerOptions) {
    const { cluster, clock = systemClock, random = systemRandom, logger = silentLogger, transaction } = init;
    const settings = producerSettings(init.options ?? {});
    this.#cluster = cluster;
    this.#settings = settings;
    this.#clock = clock;
    this.#partitioner = new Partitioner({
      batchSize: settings.batchSize,
      ignoreKeys: settings.partitionerIgnoreKeys,
      nullKeys: settings.nullKeyPartitioning,
      random,
    });
    this.#accumulator = new RecordAccumulator({
      batchSize: settings.batchSize,
      lingerMs: settings.lingerMs,
      bufferMemory: settings.bufferMemory,
      idempotent: settings.enableIdempotence,
      maxUnsettled: Math.min(settings.maxInFlightRequestsPerConnection, MAX_UNSETTLED_BATCHES),
    });
    this.#waiting = new WaitingSends(clock, settings.maxBlockMs);
    const onReleased = () => this.#onReleased();
    const accumulator = this.#accumulator;
    this.#sender = new Sender({ cluster, accumulator, settings, clock, random, logger, onReleased, transaction });
    const backoff = exponentialBackoff({
      initialMs: settings.retryBackoffMs,
      maxMs: settings.retryBackoffMaxMs,
      random,
    });
    this.#topics = new TopicCounts({ cluster, clock, backoff, logger, maxBlockMs: settings.maxBlockMs });
  }

  async start(): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    await this.#cluster.connect();
    this.#refresh ??= every(this.#clock, this.#settings.metadataMaxAgeMs, () => this.#topics.refresh());
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const size = RecordBatchBuilder.sizeOf(record);
    if (size + BATCH_HEADER_BYTES > this.#settings.maxRequestSize) {
      return Promise.reject(recordTooLargeForRequest(topic, size, this.#settings.maxRequestSize));
    }
    if (this.#isOverfull(size)) return Promise.reject(this.#bufferFull(size, 'at once'));
    return this.#accept(topic, partition, record, size);
  }

  #accept(topic: string, partition: number | undefined, record: OutgoingRecord, size: number): Promise<RecordMetadata> {
    const count = this.#topics.of(topic);
    if (count === undefined) return this.#sendWhenKnown(topic, partition, record, size);
    if (partition !== undefined && !(partition >= 0 && partition < count)) {
      return this.#sendToNewPartition(topic, partition, record, size);
    }
    if (this.#waiting.count > 0 || !this.#accumulator.fits(size)) {
      return this.#sendWhenThereIsRoom(topic, partition, record, size);
    }
    return this.#append(topic, partition ?? this.#partitioner.choose(topic, record.key, size, count), record, size);
  }

  #append(topic: string, partition: number, record: OutgoingRecord, size: number): Promise<RecordMetadata> {
    try {
      const timestamp = record.timestamp ?? this.#clock.now();
      const now = this.#clock.monotonic();
      const promise = this.#accumulator.append(topic, partition, record, size, timestamp, now);
      this.#sender.appended();
      return promise;
    } catch (error) {
      return Promise.reject(error as Error);
    }
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
        giveUp: (error) => reject(error ?? this.#unknownTopic(topic)),
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
      this.#wait({
        size,
        tryAgain: () => {
          if (!this.#accumulator.fits(size)) return false;
          // The count can only have been forgotten with the topic itself: then the call starts over.
          const count = this.#topics.of(topic);
          resolve(
            count === undefined
              ? this.#sendWhenKnown(topic, partition, record, size)
              : this.#append(
                  topic,
                  partition ?? this.#partitioner.choose(topic, record.key, size, count),
                  record,
                  size,
                ),
          );
          return true;
        },
        giveUp: (error) => reject(error ?? this.#bufferFull(size, `for ${this.#settings.maxBlockMs} ms`)),
      });
    });
  }

  #wait(send: WaitingSend): void {
    this.#waiting.push(send);
    if (this.#isHurrying) return;
    // Nothing lingers while somebody waits for the memory that it holds.
    this.#isHurrying = true;
    this.#accumulator.beginFlush();
    this.#sender.wake();
  }

  #onReleased(): void {
    this.#waiting.drain();
    if (!this.#isHurrying || this.#waiting.count > 0) return;
    this.#isHurrying = false;
    this.#accumulator.endFlush();
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
    if (this.#waiting.count > 0) await lastInLine((marker) => this.#waiting.push(marker));
  }

  /** Rejects everything that is not acknowledged; resolves when none of it is on its way any more. */
  async abandon(reason: Error): Promise<void> {
    this.#abandoned++;
    this.#topics.giveUpAll(reason);
    this.#waiting.giveUpAll(reason);
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
    return new Promise((resolve, reject) => {
      this.#topics.whenKnown(topic, {
        size: 0,
        tryAgain: () => {
          const count = this.#topics.of(topic);
          if (count === undefined) return false;
          resolve(count);
          return true;
        },
        giveUp: (error) => reject(error ?? this.#unknownTopic(topic)),
      });
    });
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
    this.#waiting.giveUpAll(this.#stopped);
    this.#sender.close(this.#stopped);
    await this.#cluster.close();
  }

  /** Calls that wait keep their records too: they get no more room than the buffer itself has. */
  #isOverfull(size: number): boolean {
    if (this.#waiting.count === 0 && !this.#topics.isWaitedFor) return false;
    return this.#waiting.bytes + this.#topics.waitingBytes + size > this.#settings.bufferMemory;
  }

  #bufferFull(size: number, time: string): NestdawError {
    return new NestdawError(
      'KAFKA_BUFFER_FULL',
      `no room for a record of ${size} bytes ${time}: ${this.#accumulator.usedBytes} of ${this.#settings.bufferMemory} bytes (buffer.memory) hold unacknowledged records and ${this.#waiting.count} calls wait; send less at once, or raise buffer.memory or max.block.ms (${this.#settings.maxBlockMs} ms)`,
      { retriable: true },
    );
  }

  #unknownTopic(topic: string): NestdawError {
    return new NestdawError(
      'KAFKA_DELIVERY_FAILED',
      `topic ${topic} is not known to the cluster after ${this.#settings.maxBlockMs} ms (max.block.ms); create it, or check that the brokers are reachable`,
      { retriable: true },
    );
  }
}

function lastInLine(push: (marker: WaitingSend) => void): Promise<void> {
  return new Promise((resolve) => {
    push({
      size: 0,
      tryAgain: () => {
        resolve();
        return true;
      },
      giveUp: () => resolve(),
    });
  });
}
