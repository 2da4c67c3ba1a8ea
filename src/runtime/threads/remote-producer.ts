import { type Clock, endsWithin } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { ReadyGate } from '../../common/ready-gate.js';
import { type OutgoingRecord } from '../../common/record.js';
import {
  AwaitedDelivery,
  type DeliverySink,
  type ProducerClient,
  type ProducerMetricValues,
  type RecordMetadata,
  type StoppedDelivery,
  type TopicPartitionInfo,
} from '../client/producer-client.js';
import { closedBefore, producerStopped } from '../client/producer-end.js';
import { fromPlainError } from './plain-error.js';
import { fromPlainValue } from './plain-value.js';
import {
  type FromSendingThread,
  type ProducerRequest,
  type ProducerTerms,
  type ToSendingThread,
} from './producer-messages.js';
import { SendBox } from './send-box.js';
import { tellStored } from './send-results.js';

// A producer of the application, as a thread has it. What the thread sends in one turn goes in one message; order,
// batches, memory and retries are the producer's.

/** Until the producer has said something: what is given is sent along, for whoever may want it. */
const UNKNOWN: ProducerTerms = {
  hasRoom: true,
  wantsGiven: true,
  window: 1024 * 1024,
  bufferMemory: 32 * 1024 * 1024,
  stopped: undefined,
  metrics: {},
};

export interface RemoteProducerOptions {
  readonly connection: string;
  /** Of a named producer. */
  readonly name: string | undefined;
  /** Ms that `stop` waits. Default: as long as each record may take. */
  readonly closeTimeoutMs: number | undefined;
  readonly clock: Clock;
  /** Its number in this thread. */
  readonly number: number;
  readonly post: (message: FromSendingThread, transfer?: readonly ArrayBuffer[]) => void;
  readonly ask: (producer: number, body: ProducerRequest) => Promise<unknown>;
}

export class RemoteProducer implements ProducerClient {
  readonly intercepts = true;
  readonly #options: RemoteProducerOptions;
  readonly #box: SendBox;
  readonly #gate = new ReadyGate(() => this.hasRoom);
  #terms = UNKNOWN;
  #stoppedDeliveries: readonly StoppedDelivery[] = [];
  #opening: Promise<void> | undefined;
  #closed: NestdawError | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: RemoteProducerOptions) {
    this.#options = options;
    this.#box = new SendBox(({ pack, given, bytes }, transfer) =>
      options.post({ type: 'send', producer: options.number, pack, given, bytes }, transfer),
    );
  }

  /** Rejects with KAFKA_CONFIG_INVALID where the application has no such producer. */
  start(): Promise<void> {
    const { connection, name } = this.#options;
    this.#opening ??= this.#ask({ do: 'open', connection, name }).then(() => undefined);
    return this.#opening;
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    const delivery = new AwaitedDelivery();
    this.enqueue(topic, partition, record, delivery);
    return delivery.promise;
  }

  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    const refusal = this.#closed ?? this.#overfull(topic);
    if (refusal) sink.failed(refusal, 1);
    else this.#box.put(topic, partition, record, sink);
  }

  get wantsGiven(): boolean {
    return this.#terms.wantsGiven;
  }

  stopped(): readonly StoppedDelivery[] {
    return this.#stoppedDeliveries;
  }

  resume(topic?: string, partition?: number): void {
    this.#box.flush();
    this.#options.post({ type: 'resume producer', producer: this.#options.number, topic, partition });
  }

  get hasRoom(): boolean {
    if (this.#closed) return true;
    return this.#terms.hasRoom && this.#box.underWay <= this.#terms.window;
  }

  whenRoom(): Promise<void> {
    return this.#gate.wait();
  }

  async flush(): Promise<void> {
    this.#box.flush();
    await this.#ask({ do: 'flush' });
  }

  partitionsFor(topic: string): Promise<number> {
    return this.#ask({ do: 'count partitions', topic }) as Promise<number>;
  }

  partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]> {
    return this.#ask({ do: 'describe partitions', topic }) as Promise<readonly TopicPartitionInfo[]>;
  }

  /** What the application's producer told last, a quarter of a second ago at most while it acknowledges. */
  metrics(): ProducerMetricValues {
    return this.#terms.metrics;
  }

  /** What the producer's side says. */
  hear({ taken, results, failures, terms }: Extract<ToSendingThread, { type: 'sent' }>): void {
    this.#box.taken(taken);
    this.#agree(terms);
    if (results) tellStored(results, (slot) => this.#box.take(slot));
    for (const { error, slots } of failures) {
      const cause = fromPlainError(error) as Error;
      for (const slot of slots) this.#box.take(slot).failed(cause, 1);
    }
    this.#gate.check();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { closeTimeoutMs, clock } = this.#options;
    const flushed = this.#opening?.then(
      () => this.flush(),
      () => undefined, // there is no such producer: nothing is under way to it
    );
    this.#closed = producerStopped();
    const isFlushed = await endsWithin(clock, closeTimeoutMs, flushed ?? Promise.resolve());
    // What is still under way ends in the application, and is told to nobody here.
    this.#box.rejectAll(isFlushed ? this.#closed : closedBefore(closeTimeoutMs!));
    this.#gate.check();
  }

  #agree(terms: Partial<ProducerTerms>): void {
    this.#terms = { ...this.#terms, ...terms };
    if (terms.stopped) this.#stoppedDeliveries = fromPlainValue(terms.stopped) as readonly StoppedDelivery[];
  }

  #ask(body: ProducerRequest): Promise<unknown> {
    return this.#options.ask(this.#options.number, body);
  }

  /** Only what has arrived is counted there; what is on its way gets no more room than the buffer itself has. */
  #overfull(topic: string): NestdawError | undefined {
    const { underWay } = this.#box;
    if (underWay <= this.#terms.bufferMemory) return undefined;
    return new NestdawError(
      'KAFKA_BUFFER_FULL',
      `no room for a record for ${topic} at once: ${underWay} bytes of this thread wait for the application's producer, more ` +
        `than buffer.memory (${this.#terms.bufferMemory}); send less at once (await template.ready() before each send), or ` +
        'raise buffer.memory',
      { retriable: true },
    );
  }
}
