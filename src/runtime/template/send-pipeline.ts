import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type DeliverySink, type ProducerClient } from '../client/producer-client.js';
import { FailedSends } from './failed-sends.js';
import { type ProducerRecord, type SendResult } from './producer-record.js';
import { RecordWriter } from './record-writer.js';
import { SendHooks, type WatchedSend } from './send-hooks.js';
import { Sending } from './sending.js';
import { type Serializer } from './serdes/serde.js';
import { type HeadersInput, type RecordKey } from './serializers.js';

// The way of a record from the caller to the producer: observers, interceptors, serializers; and back: whoever watches,
// then the caller. The producer behind it chooses the partition and does the rest.

export interface SendPipelineOptions {
  readonly producer: () => ProducerClient;
  readonly keySerializer: Serializer;
  readonly valueSerializer: Serializer;
  /** Those of a template whose sends are watched together with these. */
  readonly hooks?: SendHooks | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class SendPipeline {
  readonly #options: SendPipelineOptions;
  readonly #writer: RecordWriter;
  readonly failures: FailedSends;
  readonly hooks: SendHooks;

  constructor(options: SendPipelineOptions) {
    this.#options = options;
    this.#writer = new RecordWriter(options.keySerializer, options.valueSerializer);
    this.failures = new FailedSends(options.clock, options.logger);
    this.hooks = options.hooks ?? new SendHooks(options.clock, options.logger);
  }

  get producer(): ProducerClient {
    return this.#options.producer();
  }

  /** Sends what is watched by nobody without an object for it. */
  sendParts(topic: string, key: RecordKey, value: unknown): Promise<SendResult> {
    if (this.hooks.isUsed) return this.#sendWatched({ topic, key, value });
    return this.#sendNow(topic, undefined, key, value, undefined, undefined);
  }

  send(record: ProducerRecord): Promise<SendResult> {
    if (this.hooks.isUsed) return this.#sendWatched(record);
    const { topic, partition, key, value, headers, timestamp } = record;
    return this.#sendNow(topic, partition, key, value, headers, timestamp);
  }

  /** Sends without a promise; the sink is told the end. */
  enqueue(record: ProducerRecord, sink: DeliverySink): void {
    if (this.hooks.isUsed) {
      this.#sendWatched(record).then(
        ({ topic, partition, offset, timestamp }) => sink.stored(topic, partition, offset, 1, timestamp),
        (error: Error) => sink.failed(error, 1),
      );
      return;
    }
    const { topic, partition, key, value, headers, timestamp } = record;
    try {
      const { producer } = this;
      const outgoing = this.#writer.write(topic, key, value, headers, timestamp, producer.wantsGiven);
      producer.enqueue(topic, partition, outgoing, sink);
    } catch (error) {
      sink.failed(error as Error, 1);
    }
  }

  #sendNow(
    topic: string,
    partition: number | undefined,
    key: RecordKey,
    value: unknown,
    headers: HeadersInput | undefined,
    timestamp: number | undefined,
  ): Promise<SendResult> {
    const sending = new Sending(topic, key, this.failures);
    try {
      const { producer } = this;
      const outgoing = this.#writer.write(topic, key, value, headers, timestamp, producer.wantsGiven);
      producer.enqueue(topic, partition, outgoing, sending);
    } catch (error) {
      sending.failed(error as Error);
    }
    return sending.promise;
  }

  /** Those who watch are told before the caller is. */
  #sendWatched(given: ProducerRecord): Promise<SendResult> {
    const watched: WatchedSend = this.hooks.begin(given);
    const { topic, partition, key, value, headers, timestamp } = watched.record;
    const told = this.#sendNow(topic, partition, key, value, headers, timestamp).then(
      (result) => {
        watched.succeeded(result);
        return result;
      },
      (error: unknown) => {
        watched.failed(error as Error);
        throw error;
      },
    );
    told.catch(() => undefined); // counted and logged already
    return told;
  }
}
