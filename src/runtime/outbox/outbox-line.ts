import { base64, bytesOf, checkedLine, parseCheckedLine } from '../journal/checked-line.js';
import { headersFromText, headersToText } from '../journal/headers-text.js';
import { type OutboxMessage } from './outbox-message.js';

// One line of the outbox's file: a message, or the numbers of messages that were relayed.

export type OutboxLine =
  | { readonly type: 'message'; readonly sequence: number; readonly message: OutboxMessage }
  | { readonly type: 'relayed'; readonly sequences: readonly number[] };

export function messageLine(sequence: number, message: OutboxMessage): string {
  const { messageId, topic, partition, key, value, headers, timestamp } = message;
  const fields = [sequence, messageId, topic, partition ?? null, base64(key), base64(value), timestamp];
  return checkedLine(headers.length === 0 ? fields : [...fields, headersToText(headers)]);
}

export function relayedLine(sequences: readonly number[]): string {
  return checkedLine({ relayed: sequences });
}

/** What a line (without its end) says; undefined when it is not one, or not whole. */
export function parseLine(text: string): OutboxLine | undefined {
  const content = parseCheckedLine(text) as any;
  if (content === undefined) return undefined;
  if (!Array.isArray(content)) return { type: 'relayed', sequences: content.relayed };
  const [sequence, messageId, topic, partition, key, value, timestamp, headers] = content;
  const message: OutboxMessage = {
    messageId,
    topic,
    partition: partition ?? undefined,
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers === undefined ? [] : headersFromText(headers),
    timestamp,
  };
  return { type: 'message', sequence, message };
}
