import { type DeliverySink } from '../client/producer-client.js';
import { type FailedSends } from './failed-sends.js';
import { type SendResult } from './producer-record.js';
import { type RecordKey } from './serializers.js';

// One record on its way: settles its promise, and makes a failure that nobody looks at a counted and logged one.

let resolveNext!: (result: SendResult) => void;
let rejectNext!: (error: Error) => void;
/** One executor for all: a closure for each would cost more than the promise. */
function capture(resolve: (result: SendResult) => void, reject: (error: Error) => void): void {
  resolveNext = resolve;
  rejectNext = reject;
}

const ignore = (): void => undefined;

export class Sending implements DeliverySink {
  readonly promise: Promise<SendResult>;
  readonly #resolve: (result: SendResult) => void;
  readonly #reject: (error: Error) => void;

  constructor(
    readonly topic: string,
    readonly key: RecordKey,
    readonly failures: FailedSends,
  ) {
    this.promise = new Promise(capture);
    this.#resolve = resolveNext;
    this.#reject = rejectNext;
  }

  stored(topic: string, partition: number, offset: number, _count: number, timestamp: number): void {
    this.#resolve({ topic, partition, offset, timestamp });
  }

  failed(error: Error): void {
    this.failures.add(this.topic, this.key, error);
    // Else an ignored failure would be the process's end. Only what fails pays for it.
    this.promise.catch(ignore);
    this.#reject(error);
  }
}
