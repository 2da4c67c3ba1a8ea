import { type KafkaRecord } from '../../../common/record.js';

/** Told about the records of a container as they come and as they are done with. Neither may throw. */
export interface RecordPassage {
  /** It was received, in the order of its partition; those whose finish an earlier commit tells are among them. */
  received(record: KafkaRecord): void;
  /** It counts as finished. */
  finished(record: KafkaRecord): void;
}
