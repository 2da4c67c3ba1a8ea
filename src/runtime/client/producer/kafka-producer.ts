import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, endsWithin, every, systemClock, type Timer } from '../../../common/clock.js';
import { type NestdawError } from '../../../common/errors.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type Cluster } from '../cluster/cluster.js';
import {
  AwaitedDelivery,
  type DeliverySink,
  type ProducerClient,
  type ProducerMetricValues,
  type RecordMetadata,
  type TopicPartitionInfo,
} from '../producer-client.js';
import { closedBefore, producerStopped } from '../producer-end.js';
import { BufferRoom } from './buffer-room.js';
import { unknownTopic } from './delivery-errors.js';
import { DeliveryStop, type StoppedDelivery } from './delivery-stop.js';
import { type ProducerBatch } from './producer-batch.js';
import {
  MAX_UNSETTLED_BATCHES,
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from './producer-options.js';
import { RecordAccumulator } from './record-accumulator.js';
import { RecordIntake } from './record-intake.js';
import { RecordPlacement } from './record-placement.js';
import { RecordStamps } from './record-stamps.js';
import { Sender } from './sender.js';
import { TopicCounts } from './topic-counts.js';
import { type TransactionGate } from './transaction-gate.js';
import { lastInLine } from './waiting-sends.js';

// The producer: its parts put together, and its life. It owns its cluster: nobody else's requests stand before its own.

export interface KafkaProducerOptions {
  /** Its own: connected by `start`, closed by `stop`. */
  readonly cluster: Cluster;
  /** What brokers know its connections by (`client.id`), to be told to whoever watches. */
  readonly clientId?: string | undefined;
  readonly options?: ProducerOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Given: everything is sent inside of transactions. */
  readonly transaction?: TransactionGate;
  /** Whether the application itself is about to make a topic: sends wait for it. Default: it makes none. */
  readonly isExpected?: (topic: string) => boolean;
  /** Told, under onDeliveryFailure `stop`, of each partition or topic that stops; must not throw. */
  readonly onStopped?: (stopped: StoppedDelivery) => void;
  /** Told when `resume` was called; must not throw. */
  readonly onResumed?: () => void;
}

export class KafkaProducer implements ProducerClient {
  readonly clientId: string | undefined;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #clock: Clock;
  readonly #intake: RecordIntake;
  readonly #accumulator: RecordAccumulator;
  readonly #sender: Sender;
  readonly #topics: TopicCounts;
  readonly #room: BufferRoom;
  readonly #lost: DeliveryStop;
  readonly #onResumed: (() => void) | undefined;
  #refresh: Timer | undefined;
  #stopped: NestdawError | undefined;
  #stopping: Promise<void> | undefined;

  constructor(init: KafkaProducerOptions) {
    const { cluster, clock = systemClock, random = systemRandom, logger = silentLogger, transaction } = init;
    const given = producerSettings(init.options ?? {});
    // A transaction is lost whole: what stops is the transaction.
    const settings: ProducerSettings = init.transaction ? { ...given, onDeliveryFailure: 'continue' } : given;
    this.clientId = init.clientId;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#clock = clock;
    this.#lost = new DeliveryStop(logger, init.onStopped);
    this.#onResumed = init.onResumed;
    this.#accumulator = new RecordAccumulator({
      batchSize: settings.batchSize,
      lingerMs: settings.lingerMs,
      bufferMemory: settings.bufferMemory,
      idempotent: settings.enableIdempotence,
      maxUnsettled: Math.min(settings.maxInFlightRequestsPerConnection, MAX_UNSETTLED_BATCHES),
    });
    const onReleased = () => this.#room.released();
    const onLost = (batch: ProducerBatch, error: Error) => {
      if (this.#intake.noteLost(batch.topic, batch.partition, error)) {
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
    const { isExpected = () => false } = init;
    this.#topics = new TopicCounts({ cluster, clock, backoff, logger, maxBlockMs: settings.maxBlockMs, isExpected });
    const wake = () => this.wake();
    this.#room = new BufferRoom({ accumulator, topics: this.#topics, settings, clock, wake });
    const isStuck = (topic: string, partition: number) => this.#sender.isStuck(topic, partition);
    const topics = this.#topics;
    const { messageIdHeader: messageId, sequenceIdHeader: sequenceId } = settings;
    this.#intake = new RecordIntake({
      settings,
      clock,
      accumulator,
      topics,
      room: this.#room,
      lost: this.#lost,
      stamps: RecordStamps.of({ messageId, sequenceId }, random),
      placement: new RecordPlacement({ settings, cluster, topics, accumulator, isStuck, random }),
      sender: this.#sender,
    });
  }

  async start(): Promise<void> {
    if (this.#stopped) throw this.#stopped;
    await this.#cluster.connect();
    this.#refresh ??= every(this.#clock, this.#settings.metadataMaxAgeMs, () => this.#topics.refresh());
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    const delivery = new AwaitedDelivery();
    this.#intake.take(topic, partition, record, delivery);
    return delivery.promise;
  }

  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    this.#intake.take(topic, partition, record, sink);
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
    this.#onResumed?.();
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
    this.#intake.abandon();
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
    return this.#topics.counted(topic, (problem) => unknownTopic(topic, this.#settings.maxBlockMs, problem));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#refresh?.cancel();
    const flushed = this.flush();
    this.#stopped = producerStopped();
    this.#intake.close(this.#stopped);
    const { closeTimeoutMs } = this.#settings;
    // Kafka: `close(Duration)`.
    const isFlushed = await endsWithin(this.#clock, closeTimeoutMs, flushed);
    const reason = isFlushed ? this.#stopped : closedBefore(closeTimeoutMs!);
    this.#topics.stop(reason);
    this.#room.close(reason);
    this.#sender.close(reason);
    await this.#cluster.close();
  }
}
