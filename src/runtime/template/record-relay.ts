import { type OutgoingRecord } from '../../common/record.js';
import { type DeliverySink, type ProducerClient, type ProducerMetricValues } from '../client/producer-client.js';
import { type FailedSends } from './failed-sends.js';
import { type ProducerRecord } from './producer-record.js';
import { type RecordWriter } from './record-writer.js';
import { type SendHooks, type WatchedSend } from './send-hooks.js';
import { recordHeaders } from './serializers.js';

// The way of a record whose send began in another thread, where it was observed and serialized: interceptors here, then
// the producer; and back: interceptors and listeners, then whoever passes the end on.

type Given = NonNullable<OutgoingRecord['given']>;

export class RecordRelay {
  readonly #hooks: SendHooks;
  readonly #writer: RecordWriter;
  readonly #failures: FailedSends;

  constructor(hooks: SendHooks, writer: RecordWriter, failures: FailedSends) {
    this.#hooks = hooks;
    this.#writer = writer;
    this.#failures = failures;
  }

  /** Whether records have to bring key and value as they were before serialization. */
  get wantsGiven(): boolean {
    return this.#hooks.hasInterceptorsOrListeners;
  }

  /** Calls `listener` when `wantsGiven` may have changed. */
  onChange(listener: () => void): void {
    this.#hooks.onChange(listener);
  }

  get metrics(): ProducerMetricValues {
    return this.#hooks.interceptors.metrics();
  }

  /** Sends by `producer`. A record without what was given is passed on as bytes: nobody is shown it. */
  enqueue(
    producer: ProducerClient,
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
    sink: DeliverySink,
  ): void {
    const { given } = record;
    if (given === undefined || !this.wantsGiven) {
      producer.enqueue(topic, partition, record, sink);
      return;
    }
    const { headers, timestamp } = record;
    const shown = { topic, partition, key: given.key, value: given.value, headers, timestamp } as ProducerRecord;
    const watched = this.#hooks.begin(shown, 'interceptors and listeners');
    const end = new WatchedDelivery(watched, sink);
    try {
      const outgoing = this.#written(watched.record, record, given, producer.wantsGiven);
      producer.enqueue(watched.record.topic, watched.record.partition, outgoing, end);
    } catch (error) {
      end.failed(error as Error, 1);
    }
  }

  /** A send failed, and the thread that it came from is gone: nobody else would say so. */
  failedUnheard(topic: string, from: string, error: Error): void {
    this.#failures.add(topic, `(of ${from}, which is gone)`, error);
  }

  /** Serialized again only where an interceptor gave it another key or value. */
  #written(after: ProducerRecord, before: OutgoingRecord, given: Given, wantsGiven: boolean): OutgoingRecord {
    const { topic, key, value, headers, timestamp } = after;
    if (key !== given.key || value !== given.value) {
      return this.#writer.write(topic, key, value, headers, timestamp, wantsGiven);
    }
    if (headers === before.headers && timestamp === before.timestamp) return before;
    return {
      key: before.key,
      value: before.value,
      headers: recordHeaders(topic, headers),
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(wantsGiven ? { given } : {}),
    };
  }
}

class WatchedDelivery implements DeliverySink {
  readonly #watched: WatchedSend;
  readonly #sink: DeliverySink;

  constructor(watched: WatchedSend, sink: DeliverySink) {
    this.#watched = watched;
    this.#sink = sink;
  }

  stored(topic: string, partition: number, offset: number, count: number, timestamp: number): void {
    this.#watched.succeeded({ topic, partition, offset, timestamp });
    this.#sink.stored(topic, partition, offset, count, timestamp);
  }

  failed(error: Error, count: number): void {
    this.#watched.failed(error);
    this.#sink.failed(error, count);
  }
}
