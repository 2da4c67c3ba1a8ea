import { messageOf, NestdawError } from '../../../common/errors.js';

/** Runs a step of file work; what goes wrong comes out as KAFKA_STORAGE_FAILED. */
export function storage<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof NestdawError) throw cause;
    const advice = 'check that the disk has space and that the directory is writable';
    throw new NestdawError('KAFKA_STORAGE_FAILED', `${what}: ${messageOf(cause)}; ${advice}`, { cause });
  }
}
