import { createHash } from 'node:crypto';
import { headersFromText, headersToText } from './headers-text.js';
import { type OutboxMessage } from './outbox-message.js';

// One line of the write-ahead file: a message, or the numbers of messages that were relayed. Each carries a checksum:
// a line that was not written whole is told from one that was.

export type OutboxLine =
  | { readonly type: 'message'; readonly sequence: number; readonly message: OutboxMessage }
  | { readonly type: 'relayed'; readonly sequences: readonly number[] };

const CHECKSUM_LENGTH = 8;

export function messageLine(sequence: number, message: OutboxMessage): string {
  const { messageId, topic, partition, key, value, headers, timestamp } = message;
  const fields = [sequence, messageId, topic, partition ?? null, base64(key), base64(value), timestamp];
  return line(JSON.stringify(headers.length === 0 ? fields : [...fields, headersToText(headers)]));
}

export function relayedLine(sequences: readonly number[]): string {
  return line(JSON.stringify({ relayed: sequences }));
}

/** What a line (without its end) says; undefined when it is not one, or not whole. */
export function parseLine(text: string): OutboxLine | undefined {
  const json = text.slice(CHECKSUM_LENGTH + 1);
  if (text[CHECKSUM_LENGTH] !== ' ' || checksum(json) !== text.slice(0, CHECKSUM_LENGTH)) return undefined;
  const content = JSON.parse(json) as any;
  if (!Array.isArray(content)) return { type: 'relayed', sequences: content.relayed };
  const [sequence, messageId, topic, partition, key, value, timestamp, headers] = content;
  const message: OutboxMessage = {
    messageId,
    topic,
    partition: partition ?? undefined,
    key: bytes(key),
    value: bytes(value),
    headers: headers === undefined ? [] : headersFromText(headers),
    timestamp,
  };
  return { type: 'message', sequence, message };
}

function line(json: string): string {
  return `${checksum(json)} ${json}\n`;
}

function checksum(json: string): string {
  return createHash('sha1').update(json).digest('hex').slice(0, CHECKSUM_LENGTH);
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64');
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}
