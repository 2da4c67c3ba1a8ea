import { hasCode, NestdawError } from '../../../common/errors.js';

/**
 * What a deserializer throws that must ask somebody before it can read some bytes: a listener waits for `ready`, then
 * reads the record again; where it rejects the record fails with that error. A retriable one is worth the container's
 * retries, every other fails the record for good. Code KAFKA_SCHEMA_REGISTRY_FAILED.
 */
export class PendingBytes extends NestdawError {
  /** Settles when the same bytes can be tried again. */
  readonly ready: Promise<unknown>;

  constructor(message: string, ready: Promise<unknown>) {
    super('KAFKA_SCHEMA_REGISTRY_FAILED', message, { retriable: true });
    this.ready = ready;
    // Whoever does not wait has the error itself.
    ready.catch(() => undefined);
  }
}

/** Whether it is one: not by its class, for the serde may be of the package's other build. */
export function isPendingBytes(error: unknown): error is PendingBytes {
  return hasCode(error, 'KAFKA_SCHEMA_REGISTRY_FAILED') && (error as Partial<PendingBytes>).ready instanceof Promise;
}
