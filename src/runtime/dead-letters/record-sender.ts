import { type OutgoingRecord } from '../../common/record.js';
import { type RecordMetadata } from '../client/producer-client.js';

/** What records are handed on with: bytes past any serializer. A `KafkaTemplate` is one. */
export interface RecordSender {
  /** Resolves when the record is acknowledged. */
  sendBytes(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata>;
  partitionsFor(topic: string): Promise<number>;
}
