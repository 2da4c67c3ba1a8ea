import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type DeliverySink, type ProducerClient } from '../client/producer-client.js';
import { FailedSends } from './failed-sends.js';
import { type ProducerRecord, type SendResult } from './producer-record.js';
import { RecordRelay } from './record-relay.js';
import { RecordWriter } from './record-writer.js';
import { type HookPart, SendHooks, type WatchedSend } from './send-hooks.js';
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

  /** The way of records whose sends began in another thread. */
  get relay(): RecordRelay {
    return new RecordRelay(this.hooks, this.#writer, this.failures);
  }

  /** Sends what is watched by nobody without an object for it. */
  sendParts(topic: string, key: RecordKey, value: unknown): Promise<SendResult> {
    const watching = this.#watching;
    if (watching) return this.#sendWatched({ topic, key, value }, watching);
    return this.#sendNow(topic, undefined, key, value, undefined, undefined);
  }

  send(record: ProducerRecord): Promise<SendResult> {
    const watching = this.#watching;
    if (watching) return this.#sendWatched(record, watching);
    const { topic, partition, key, value, headers, timestamp } = record;
    return this.#sendNow(topic, partition, key, value, headers, timestamp);
  }

  /** Sends without a promise; the sink is told the end. */
  enqueue(record: ProducerRecord, sink: DeliverySink): void {
    const watching = this.#watching;
    if (watching) {
      this.#sendWatched(record, watching).then(
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

  /**
   * Who is shown a send here. Behind a producer that intercepts itself only observers are left: the span that a send
   * belongs to is known where it begins.
   */
  get #watching(): HookPart | undefined {
    if (!this.hooks.isUsed) return undefined;
    if (!this.#isInterceptedElsewhere()) return 'all';
    return this.hooks.hasObservers ? 'observers' : undefined;
  }

  #isInterceptedElsewhere(): boolean {
    try {
      return this.producer.intercepts === true;
    } catch {
      return false; // there is no producer: the send says why
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
  #sendWatched(given: ProducerRecord, watching: HookPart): Promise<SendResult> {
    const watched: WatchedSend = this.hooks.begin(given, watching);
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
