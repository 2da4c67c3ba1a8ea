import { type OutgoingRecord } from '../../../common/record.js';
import { type ProducerClient } from '../../client/producer-client.js';
import { type OrderedSender } from '../../outbox/ordered-sender.js';

// The relay's way to Kafka: a producer that stops a partition after a loss.

/** Sends by a producer with `onDeliveryFailure: 'stop'`. */
export class StoppingSender implements OrderedSender {
  readonly #producer: () => ProducerClient;

  constructor(producer: () => ProducerClient) {
    this.#producer = producer;
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<unknown> {
    return this.#producer().send(topic, partition, record);
  }

  isRefused(error: unknown): boolean {
    const { cause } = error as { readonly cause?: unknown };
    return (
      cause !== undefined &&
      this.#producer()
        .stopped()
        .some((stopped) => stopped.error === cause)
    );
  }

  resume(): void {
    this.#producer().resume();
  }
}
