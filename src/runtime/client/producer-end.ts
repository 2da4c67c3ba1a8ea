import { NestdawError } from '../../common/errors.js';

// What sends are told at the end of their producer, wherever it lives.

/** For what is sent after the end began. */
export function producerStopped(): NestdawError {
  return new NestdawError('KAFKA_STOPPED', 'the producer was stopped; send before it is stopped');
}

/** For what was not acknowledged when the time to close was over. */
export function closedBefore(closeTimeoutMs: number): NestdawError {
  const message =
    `the producer was closed ${closeTimeoutMs} ms after its end began (template.close-timeout), before the record was ` +
    'acknowledged; whether it is stored is not known';
  return new NestdawError('KAFKA_STOPPED', message);
}
