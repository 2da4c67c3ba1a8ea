import { type KafkaRecord } from '../../../common/record.js';
import { type ContainerEvent } from '../container-events.js';
import { type FailureDecision } from './error-handler.js';

// Told about failed deliveries (Spring: `RetryListener`). It looks on: what it throws changes nothing.

export interface RetryListener {
  /** A delivery failed, and this is what becomes of the record. `attempt` counts from 1. */
  failedDelivery?(record: KafkaRecord, error: unknown, attempt: number, decision: FailureDecision): void;
  /** A recoverer has taken the record over. */
  recovered?(record: KafkaRecord, error: unknown): void;
  /** The recoverer failed: the record stays unfinished. */
  recoveryFailed?(record: KafkaRecord, failure: unknown): void;
}

/** The same as a listener of container events. */
export function retryListenerSink(listener: RetryListener): (event: ContainerEvent) => void {
  return (event) => {
    if (event.type === 'failed') listener.failedDelivery?.(event.record, event.error, event.attempt, event.decision);
    else if (event.type === 'recovered') listener.recovered?.(event.record, event.error);
    else if (event.type === 'recovery-failed') listener.recoveryFailed?.(event.record, event.error);
  };
}
