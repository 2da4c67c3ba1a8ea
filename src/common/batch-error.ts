import { hasCode, NestdawError } from './errors.js';

/**
 * Thrown by a batch listener: the record at `index` failed (Spring: `BatchListenerFailedException`). Those before it
 * are finished and not repeated, it and those behind it are dealt with by the container's error handler.
 */
export class BatchListenerFailedError extends NestdawError {
  constructor(
    /** Index of the failed record in the array that the listener was given. */
    readonly index: number,
    cause: unknown,
  ) {
    super('KAFKA_BATCH_FAILED', `record ${index} of the batch failed`, { cause });
  }
}

/** The index that an error of a batch listener tells; undefined when it tells none. */
export function failedIndexOf(error: unknown): number | undefined {
  if (!hasCode(error, 'KAFKA_BATCH_FAILED')) return undefined;
  const { index } = error as { index?: unknown };
  return typeof index === 'number' ? index : undefined;
}
