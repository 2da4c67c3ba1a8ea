import { type Clock } from '../../../common/clock.js';
import { hasCode, NestdawError } from '../../../common/errors.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { RecordBatchBuilder } from '../../../protocol/record-batch.js';
import { BATCH_HEADER_BYTES } from '../../../protocol/record-batch-header.js';
import { type DeliverySink } from '../producer-client.js';
import { type BufferRoom } from './buffer-room.js';
import { bufferFull, recordTooLargeForRequest, unknownTopic } from './delivery-errors.js';
import { type DeliveryStop } from './delivery-stop.js';
import { type ProducerSettings } from './producer-options.js';
import { type RecordAccumulator } from './record-accumulator.js';
import { type RecordPlacement } from './record-placement.js';
import { type RecordStamps } from './record-stamps.js';
import { type Sender } from './sender.js';
import { type TopicCounts } from './topic-counts.js';

// The way of a record into the accumulator: refused at once, or placed in a partition; where partitions are not known
// yet or the buffer is full it waits, in the order of the calls.

export interface RecordIntakeOptions {
  readonly settings: ProducerSettings;
  readonly clock: Clock;
  readonly accumulator: RecordAccumulator;
  readonly topics: TopicCounts;
  readonly room: BufferRoom;
  readonly lost: DeliveryStop;
  readonly stamps: RecordStamps | undefined;
  readonly placement: RecordPlacement;
  readonly sender: Sender;
}

/** A record that cannot go on yet. */
interface WaitingRecord {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly record: OutgoingRecord;
  readonly size: number;
  readonly sink: DeliverySink;
}

export class RecordIntake {
  readonly #settings: ProducerSettings;
  readonly #clock: Clock;
  readonly #accumulator: RecordAccumulator;
  readonly #topics: TopicCounts;
  readonly #room: BufferRoom;
  readonly #lost: DeliveryStop;
  readonly #stamps: RecordStamps | undefined;
  readonly #placement: RecordPlacement;
  readonly #sender: Sender;
  /** Grows when calls that wait are given up, for those that wait elsewhere. */
  #abandoned = 0;
  #closed: NestdawError | undefined;

  constructor(options: RecordIntakeOptions) {
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#accumulator = options.accumulator;
    this.#topics = options.topics;
    this.#room = options.room;
    this.#lost = options.lost;
    this.#stamps = options.stamps;
    this.#placement = options.placement;
    this.#sender = options.sender;
  }

  /** Tells the sink at once of a record that cannot even wait. */
  take(topic: string, partition: number | undefined, given: OutgoingRecord, sink: DeliverySink): void {
    const record = this.#stamps ? this.#stamps.stamped(given) : given;
    const size = RecordBatchBuilder.sizeOf(record);
    const refusal = this.#refusalOf(topic, partition, size);
    if (refusal) sink.failed(refusal, 1);
    else this.#accept(topic, partition, record, size, sink);
  }

  /** What comes from now on is refused. */
  close(reason: NestdawError): void {
    this.#closed = reason;
  }

  /** What waits for news of its topic is part of a transaction that was aborted. */
  abandon(): void {
    this.#abandoned++;
  }

  /** Whether its partition, or topic, has just been stopped by the loss. */
  noteLost(topic: string, partition: number | undefined, error: Error): boolean {
    if (this.#settings.onDeliveryFailure !== 'stop' || this.#closed || hasCode(error, 'KAFKA_STOPPED')) return false;
    return this.#lost.add(topic, partition, error);
  }

  #refusalOf(topic: string, partition: number | undefined, size: number): NestdawError | undefined {
    if (this.#closed) return this.#closed;
    const overtaking = this.#lost.refusalOf(topic, partition);
    if (overtaking) return overtaking;
    if (size + BATCH_HEADER_BYTES > this.#settings.maxRequestSize) {
      return this.#lostBefore(topic, partition, recordTooLargeForRequest(topic, size, this.#settings.maxRequestSize));
    }
    return this.#room.isOverfull(size)
      ? this.#lostBefore(topic, partition, this.#bufferFull(size, 'at once'))
      : undefined;
  }

  #accept(
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    size: number,
    sink: DeliverySink,
  ): void {
    const count = this.#topics.of(topic);
    if (count === undefined) this.#waitForTopic({ topic, partition, record, size, sink });
    else if (partition !== undefined && !(partition >= 0 && partition < count)) {
      this.#lookForPartition({ topic, partition, record, size, sink });
    } else if (!this.#room.takes(size)) this.#waitForRoom({ topic, partition, record, size, sink });
    else this.#append(topic, partition, record, size, count, sink);
  }

  #append(
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    size: number,
    count: number,
    sink: DeliverySink,
  ): void {
    try {
      const place = partition ?? this.#placement.choose(topic, record, size, count);
      const overtaking = this.#lost.refusalOf(topic, place);
      if (overtaking) throw overtaking;
      this.#stamps?.number(topic, place, record);
      const timestamp = record.timestamp ?? this.#clock.now();
      this.#accumulator.append(topic, place, record, size, timestamp, this.#clock.monotonic(), sink);
    } catch (error) {
      sink.failed(error as Error, 1);
      return;
    }
    this.#sender.appended();
  }

  #acceptAfterAll({ topic, partition, record, size, sink }: WaitingRecord): void {
    this.#accept(topic, partition, record, size, sink);
  }

  #waitForTopic(waiting: WaitingRecord): void {
    const { topic, size } = waiting;
    this.#topics.whenKnown(topic, {
      size,
      tryAgain: () => {
        if (this.#topics.of(topic) === undefined) return false;
        this.#acceptAfterAll(waiting);
        return true;
      },
      giveUp: (error, problem) =>
        this.#giveUp(waiting, error ?? unknownTopic(topic, this.#settings.maxBlockMs, problem)),
    });
  }

  #waitForRoom(waiting: WaitingRecord): void {
    const { topic, partition, record, size, sink } = waiting;
    this.#room.wait({
      size,
      tryAgain: () => {
        if (!this.#accumulator.fits(size)) return false;
        // The count can only have been forgotten with the topic itself: then the call starts over.
        const count = this.#topics.of(topic);
        if (count === undefined) this.#waitForTopic(waiting);
        else this.#append(topic, partition, record, size, count, sink);
        return true;
      },
      giveUp: (error) => this.#giveUp(waiting, error ?? this.#bufferFull(size, `for ${this.#settings.maxBlockMs} ms`)),
    });
  }

  #giveUp({ topic, partition, sink }: WaitingRecord, error: Error): void {
    this.noteLost(topic, partition, error);
    sink.failed(error, 1);
    this.#room.left();
  }

  /** The partition may have been added a moment ago. */
  #lookForPartition(waiting: WaitingRecord & { readonly partition: number }): void {
    const { topic, partition, sink } = waiting;
    const abandoned = this.#abandoned;
    this.#topics.recount(topic).then(
      (count) => {
        const refusal = this.#closed ?? this.#refusalOfPartition(topic, partition, count, abandoned);
        if (refusal) sink.failed(refusal, 1);
        else this.#acceptAfterAll(waiting);
      },
      (error: Error) => sink.failed(error, 1),
    );
  }

  #refusalOfPartition(topic: string, partition: number, count: number, abandoned: number): NestdawError | undefined {
    if (abandoned !== this.#abandoned) {
      return new NestdawError('KAFKA_TRANSACTION_ABORTED', `the transaction of a record for ${topic} was aborted`);
    }
    if (partition >= 0 && partition < count) return undefined;
    return new NestdawError(
      'KAFKA_DELIVERY_FAILED',
      `topic ${topic} has ${count} partitions, 0 to ${count - 1}; partition ${partition} does not exist`,
    );
  }

  /** Notes a record that is lost before it had a batch, and gives its error back. */
  #lostBefore(topic: string, partition: number | undefined, error: NestdawError): NestdawError {
    this.noteLost(topic, partition, error);
    return error;
  }

  #bufferFull(size: number, time: string): NestdawError {
    const { bufferMemory, maxBlockMs } = this.#settings;
    const { usedBytes } = this.#accumulator;
    const { problem } = this.#sender;
    return bufferFull({ size, time, usedBytes, bufferMemory, maxBlockMs, problem, waiting: this.#room.waiting });
  }
}
