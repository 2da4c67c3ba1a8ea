import { AwaitedDelivery } from '../client/producer-client.js';
import { type FailedSends } from './failed-sends.js';
import { type RecordKey } from './serializers.js';

// One record on its way: settles its promise, and makes a failure that nobody looks at a counted and logged one.

const ignore = (): void => undefined;

export class Sending extends AwaitedDelivery {
  constructor(
    readonly topic: string,
    readonly key: RecordKey,
    readonly failures: FailedSends,
  ) {
    super();
  }

  override failed(error: Error): void {
    this.failures.add(this.topic, this.key, error);
    // Else an ignored failure would be the process's end. Only what fails pays for it.
    this.promise.catch(ignore);
    super.failed(error, 1);
  }
}
