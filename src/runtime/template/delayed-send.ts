import { type ProducerRecord } from './producer-record.js';

// Records that are sent later.

/** When a record shall be sent. */
export interface DelayOptions {
  /** From now on: ms, or a duration such as `15m`. */
  readonly delay: number | string;
}

/** A record that waits to be sent. */
export interface DelayedSend {
  /** For `cancelDelayed`. */
  readonly id: string;
  /** Ms since the epoch. */
  readonly dueAt: number;
}

/** What a template hands delayed records to. */
export interface DelayPort {
  send(record: ProducerRecord, options: DelayOptions): Promise<DelayedSend>;
  cancel(id: string): Promise<boolean>;
}
