import { type OutgoingRecord } from '../../../common/record.js';
import { type DeliverySink, type ProducerClient, type ProducerMetricValues } from '../../client/producer-client.js';
import { type RecordRelay } from '../../template/record-relay.js';
import { type SharedProducer } from '../../threads/shared-producer.js';

// A producer of a connection and what stands before it in its template, for worker threads that send by it.

export class ConnectionSharedProducer implements SharedProducer {
  readonly #client: () => ProducerClient;
  readonly #relay: RecordRelay;
  readonly bufferMemory: number;
  readonly #threads = new Set<() => void>();

  constructor(client: () => ProducerClient, relay: RecordRelay, bufferMemory: number) {
    this.#client = client;
    this.#relay = relay;
    this.bufferMemory = bufferMemory;
    relay.onChange(() => this.changed());
  }

  /** Throws KAFKA_STOPPED before the connection is open. */
  get client(): ProducerClient {
    return this.#client();
  }

  get wantsGiven(): boolean {
    return this.#relay.wantsGiven || this.client.wantsGiven;
  }

  get threads(): number {
    return this.#threads.size;
  }

  metrics(): ProducerMetricValues {
    return { ...this.client.metrics(), ...this.#relay.metrics };
  }

  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    this.#relay.enqueue(this.client, topic, partition, record, sink);
  }

  failedUnheard(topic: string, thread: string, error: Error): void {
    this.#relay.failedUnheard(topic, thread, error);
  }

  join(changed: () => void): () => void {
    this.#threads.add(changed);
    this.changed(); // the others have less room on their way
    return () => {
      this.#threads.delete(changed);
      this.changed();
    };
  }

  /** Something that threads know of it is another now. */
  changed(): void {
    for (const changed of this.#threads) changed();
  }
}
