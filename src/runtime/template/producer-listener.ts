import { type ProducerRecord, type SendResult } from './producer-record.js';

/**
 * Told how each send of a template ended, before its promise settles (Spring: `ProducerListener`). What it throws is
 * logged and changes nothing.
 */
export interface ProducerListener<T = any> {
  onSuccess?(record: ProducerRecord<T>, result: SendResult): void;
  onError?(record: ProducerRecord<T>, error: Error): void;
}
