import { type StoredMessage } from './outbox-message.js';

// Where messages wait between the application's commit and the broker's acknowledgment, as the relay sees it.

/** How much waits. */
export interface OutboxBacklog {
  readonly messages: number;
  /** When the oldest was written, ms since the epoch; undefined when none waits. */
  readonly oldest: number | undefined;
}

/** What the relay takes messages from. One relay at a time has the office of relaying; it is a lease. */
export interface OutboxStore {
  /** Makes what is missing: tables, or the folder. Resolves with what is damaged there, in sentences for the log. */
  open(): Promise<readonly string[]>;
  /** Takes the office, or goes on having it, until `leaseMs` from now. False: somebody else has it. */
  lead(owner: string, leaseMs: number): Promise<boolean>;
  /** Gives the office back, so that another relay need not wait for the lease to end. */
  resign(owner: string): Promise<void>;
  /** The oldest messages that are committed, in order, without those of some lanes. */
  read(limit: number, withoutLanes: readonly string[]): Promise<readonly StoredMessage[]>;
  /** Forgets messages that were acknowledged. */
  remove(messages: readonly StoredMessage[]): Promise<void>;
  backlog(): Promise<OutboxBacklog>;
  close(): Promise<void>;
}
