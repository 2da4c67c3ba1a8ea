import { type DeliverySink } from '../producer-client.js';

// Somebody's sink for records of a transaction: what fails is told to the transaction too. No promise is made for a
// record here, since under async-context tracking each of them costs more than the record.

export class WatchedSink implements DeliverySink {
  constructor(
    readonly sink: DeliverySink,
    /** Of the transaction, by the producer's count. */
    readonly number: number,
    readonly onLost: (error: Error, number: number) => void,
  ) {}

  stored(topic: string, partition: number, offset: number, count: number, timestamp: number): void {
    this.sink.stored(topic, partition, offset, count, timestamp);
  }

  failed(error: Error, count: number): void {
    // Not within the call that reports it: what it ends is in the middle of its own work.
    queueMicrotask(() => this.onLost(error, this.number));
    this.sink.failed(error, count);
  }
}
