import { NestdawError } from '../../common/errors.js';
import { AwaitedDelivery } from '../client/producer-client.js';
import { type FailedSends, keyText } from './failed-sends.js';
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
    super.failed(named(error, this.key), 1);
  }
}

/** The records of a batch fail with one error; each caller is told which of them was its own. */
function named(error: Error, key: RecordKey): Error {
  if (key === null || key === undefined || !(error instanceof NestdawError) || !OF_A_BATCH.has(error.code))
    return error;
  const { code, message, cause, retriable } = error;
  return new NestdawError(code, `${message} (the record with key ${keyText(key)})`, { cause, retriable });
}

const OF_A_BATCH: ReadonlySet<string> = new Set(['KAFKA_DELIVERY_FAILED', 'KAFKA_BUFFER_FULL']);
