import { type Clock, type Timer } from '../../common/clock.js';
import { type OutgoingRecord } from '../../common/record.js';
import { type DeliverySink, type ProducerClient } from '../client/producer-client.js';
import { transferOf } from './call-codec.js';
import { toPlainValue } from './plain-value.js';
import { type FromSendingThread, type ProducerTerms, type ToSendingThread } from './producer-messages.js';
import { readSends } from './send-codec.js';
import { SendResults } from './send-results.js';
import { type SharedProducer } from './shared-producer.js';

// A producer of the application for one thread: takes in what the thread has sent, and tells it how each record ended,
// whether there is room, and how things stand.

/** Bytes of each thread that may be on their way while there is room. */
const WINDOW_BYTES = 1024 * 1024;
/** All threads together get no more than this part of the buffer for it. */
const WINDOW_SHARE = 1 / 4;
const METRICS_MS = 250;

export interface ServedProducerOptions {
  readonly number: number;
  readonly producer: SharedProducer;
  /** Name of the thread. */
  readonly thread: string;
  readonly clock: Clock;
  readonly post: (message: ToSendingThread, transfer?: readonly ArrayBuffer[]) => void;
}

export class ServedProducer {
  readonly #options: ServedProducerOptions;
  readonly #results = new SendResults();
  readonly #leave: () => void;
  #taken = 0;
  #toldTaken = 0;
  #terms: Partial<ProducerTerms> = {};
  #hasRoom = true;
  #isTellingSoon = false;
  #isGone = false;
  #metricsAt = Number.NEGATIVE_INFINITY;
  #metricsLater: Timer | undefined;
  readonly #tellNow = (): void => this.tell();

  constructor(options: ServedProducerOptions) {
    this.#options = options;
    const { producer } = options;
    this.#change({ hasRoom: true, bufferMemory: producer.bufferMemory, metrics: producer.metrics() });
    this.#leave = producer.join(() => this.#change(this.#standing()));
    this.#watchRoom();
  }

  get client(): ProducerClient {
    return this.#options.producer.client;
  }

  take({ pack, given, bytes }: Extract<FromSendingThread, { type: 'send' }>): void {
    const { producer } = this.#options;
    readSends(pack, (slot, topic, partition, record, index) => {
      const crossed = given?.[index];
      if (crossed) record.given = crossed === 'serialized' ? serialized(record) : buffered(crossed);
      producer.enqueue(topic, partition, record, new ThreadDelivery(this, slot, topic));
    });
    this.#taken += bytes;
    // Usually the next results say so as well.
    if (this.#taken - this.#toldTaken >= this.#window / 2) this.#tellSoon();
    this.#watchRoom();
  }

  resume(topic: string | undefined, partition: number | undefined): void {
    this.client.resume(topic, partition);
  }

  stored(slot: number, topic: string, partition: number, offset: number, timestamp: number): void {
    if (this.#isGone) return;
    this.#results.stored(slot, topic, partition, offset, timestamp);
    this.#tellSoon();
  }

  failed(slot: number, topic: string, error: Error): void {
    const { producer, thread } = this.#options;
    if (this.#isGone) {
      producer.failedUnheard(topic, thread, error);
      return;
    }
    this.#results.failed(slot, error);
    this.#tellSoon();
  }

  /** Tells at once what there is to tell. */
  tell(): void {
    this.#isTellingSoon = false;
    if (this.#isGone || !this.#hasNews) return;
    const { number, post } = this.#options;
    if (!this.#results.isEmpty) this.#addMetrics();
    const results = this.#results.takeStored();
    const failures = this.#results.takeFailures();
    const terms = this.#terms;
    this.#terms = {};
    this.#toldTaken = this.#taken;
    const transfer = results ? transferOf({ memory: results.numbers.buffer }) : [];
    post({ type: 'sent', producer: number, taken: this.#taken, results, failures, terms }, transfer);
  }

  leave(): void {
    this.#isGone = true;
    this.#metricsLater?.cancel();
    this.#leave();
  }

  get #hasNews(): boolean {
    return !this.#results.isEmpty || this.#taken > this.#toldTaken || Object.keys(this.#terms).length > 0;
  }

  get #window(): number {
    const { bufferMemory, threads } = this.#options.producer;
    return Math.min(WINDOW_BYTES, (bufferMemory * WINDOW_SHARE) / threads);
  }

  #standing(): Pick<ProducerTerms, 'wantsGiven' | 'stopped' | 'window'> {
    const { client, wantsGiven } = this.#options.producer;
    return { wantsGiven, stopped: toPlainValue(client.stopped()), window: this.#window };
  }

  #watchRoom(): void {
    const { client } = this.#options.producer;
    if (!this.#hasRoom || client.hasRoom) return;
    this.#hasRoom = false;
    this.#change({ hasRoom: false });
    void client.whenRoom().then(() => {
      this.#hasRoom = true;
      this.#change({ hasRoom: true });
    });
  }

  /** A few times a second, and once more when nothing follows. */
  #addMetrics(): void {
    const { clock, producer } = this.#options;
    const wait = this.#metricsAt + METRICS_MS - clock.monotonic();
    if (wait <= 0) {
      this.#metricsAt = clock.monotonic();
      this.#terms = { ...this.#terms, metrics: producer.metrics() };
    } else {
      this.#metricsLater ??= clock.schedule(wait, () => {
        this.#metricsLater = undefined;
        this.#metricsAt = clock.monotonic();
        this.#change({ metrics: producer.metrics() });
      });
    }
  }

  #change(terms: Partial<ProducerTerms>): void {
    this.#terms = { ...this.#terms, ...terms };
    this.#tellSoon();
  }

  /** What a turn brings is told together. */
  #tellSoon(): void {
    if (this.#isTellingSoon || this.#isGone) return;
    this.#isTellingSoon = true;
    queueMicrotask(this.#tellNow);
  }
}

/** Who waits for a record is in another thread. */
class ThreadDelivery implements DeliverySink {
  readonly #served: ServedProducer;
  readonly #slot: number;
  readonly #topic: string;

  constructor(served: ServedProducer, slot: number, topic: string) {
    this.#served = served;
    this.#slot = slot;
    this.#topic = topic;
  }

  stored(topic: string, partition: number, offset: number, _count: number, timestamp: number): void {
    this.#served.stored(this.#slot, topic, partition, offset, timestamp);
  }

  failed(error: Error, _count: number): void {
    this.#served.failed(this.#slot, this.#topic, error);
  }
}

type Given = NonNullable<OutgoingRecord['given']>;

function serialized({ key, value }: OutgoingRecord): Given {
  return { key, value };
}

/** Bytes come as the plain array that a clone makes of them. */
function buffered({ key, value }: Given): Given {
  return { key: bufferOf(key), value: bufferOf(value) };
}

function bufferOf(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
