import { type KafkaRecord } from '../../../common/record.js';

// A failed delivery, as everybody is told of it who may decide what follows.

export interface Failure {
  /** Id of the listener. */
  readonly listener: string;
  /** Its consumer group; empty when it has none. */
  readonly groupId?: string;
  /** The record that failed; the first one when a batch failed as a whole. */
  readonly record: KafkaRecord;
  readonly error: unknown;
  /** How many deliveries of the record have failed, this one included. */
  readonly attempt: number;
  /** How often the record has run longer than max.poll.interval.ms, in this container. Absent: never. */
  readonly timeouts?: number;
  /** That is as often as the container allows: it should be retried no more. */
  readonly isTooSlow?: boolean;
}
