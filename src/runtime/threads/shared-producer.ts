import { type OutgoingRecord } from '../../common/record.js';
import { type DeliverySink, type ProducerClient, type ProducerMetricValues } from '../client/producer-client.js';

/** A producer of the application, as threads send by it. */
export interface SharedProducer {
  readonly client: ProducerClient;
  readonly bufferMemory: number;
  /** Whether records have to bring key and value as they were before serialization. */
  readonly wantsGiven: boolean;
  /** Of the producer and of its interceptors. */
  metrics(): ProducerMetricValues;
  /** Past its interceptors and listeners, where the record says what was given; else as it is. */
  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void;
  /** Counts and logs the failure of a send that nobody waits for any more. */
  failedUnheard(topic: string, thread: string, error: Error): void;
  /** One more thread sends by it; `changed` is called when what it says of itself has changed. */
  join(changed: () => void): () => void;
  /** Threads that send by it. */
  readonly threads: number;
}

/** Throws KAFKA_CONFIG_INVALID where there is no such connection or producer. */
export type FindSharedProducer = (connection: string, name: string | undefined) => SharedProducer;
