import { createHash } from 'node:crypto';
import { type RecordHeader } from '../../common/record.js';

// A record that waits in the outbox: bytes already, so that whoever relays it need not know the application's types.

export interface OutboxMessage {
  /** Stays the same however often the message is sent: what guards on the receiving side know it by. */
  readonly messageId: string;
  readonly topic: string;
  /** Undefined: chosen by the producer, from the key. */
  readonly partition: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** When the application wrote it, ms since the epoch: the record's timestamp. */
  readonly timestamp: number;
}

/** A message as a store gives it back. */
export interface StoredMessage extends OutboxMessage {
  /** The store's own number, which grows with each message. */
  readonly sequence: string;
  /** Messages of one lane are relayed one after another; null: in no order. */
  readonly lane: string | null;
}

/** Equal for messages whose order matters: those with the same key, or partition, of a topic. */
export function laneOf({ topic, key, partition }: OutboxMessage): string | null {
  if (key === null && partition === undefined) return null;
  const hash = createHash('sha1').update(`${topic}\n`);
  return (key === null ? hash.update(`partition ${partition}`) : hash.update(key)).digest('hex').slice(0, 16);
}
