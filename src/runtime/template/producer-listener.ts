import { type StoppedDelivery } from '../client/producer-client.js';
import { type ProducerRecord, type SendResult } from './producer-record.js';

/**
 * Told how each send of a template ended, before its promise settles (Spring: `ProducerListener`). What it throws is
 * logged and changes nothing.
 */
export interface ProducerListener<T = any> {
  onSuccess?(record: ProducerRecord<T>, result: SendResult): void;
  onError?(record: ProducerRecord<T>, error: Error): void;
  /**
   * Under `producer.on-delivery-failure=stop`: a record was lost, and its partition (undefined: its whole topic) takes
   * no more until `template.resume`. Told once for each stop.
   */
  onDeliveryStopped?(stopped: StoppedDelivery): void;
}
