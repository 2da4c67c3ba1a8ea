import { type OutgoingRecord } from '../../../common/record.js';

// Records that wait for their time outside of Kafka.

/** A record that shall be sent at a time. */
export interface DelayedMessage {
  /** Of two with the same id one waits. */
  readonly id: string;
  /** Ms since the epoch. */
  readonly dueAt: number;
  readonly topic: string;
  readonly partition: number | undefined;
  readonly record: OutgoingRecord;
}

/** Where they wait, shared by all processes. Every method rejects when the store cannot be reached. */
export interface DelayStore {
  /** Resolves when the message is stored. Known ids are left as they are. */
  put(message: DelayedMessage): Promise<void>;
  /** Messages that are due, earliest first; they are leased to the caller, and come again when the lease runs out. */
  take(now: number, limit: number, leaseMs: number): Promise<DelayedMessage[]>;
  /** They were sent. */
  done(ids: readonly string[]): Promise<void>;
  /** Whether it was still waiting, and is not sent now. */
  cancel(id: string): Promise<boolean>;
  /** When the next one is due; undefined when none waits. */
  nextDue(): Promise<number | undefined>;
}
