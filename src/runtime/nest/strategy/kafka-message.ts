import { type KafkaRecord, type OutgoingRecord, type RecordHeader } from '../../../common/record.js';

// Records as handlers written for Nest's own Kafka transport know them, and replies as its clients expect them.

/** A record in the shape of that transport: what looks like JSON is parsed, everything else is text. */
export interface ParsedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: Record<string, unknown>;
  /** Ms since the epoch and offset, as text. */
  readonly timestamp: string;
  readonly offset: string;
  readonly attributes: number;
}

export function parsedMessage(record: KafkaRecord): ParsedMessage {
  const { topic, partition, key, value, offset, timestamp } = record;
  const headers: Record<string, unknown> = {};
  for (const header of record.headers) headers[header.key] = decoded(header.value);
  return {
    topic,
    partition,
    key: decoded(key),
    value: decoded(value),
    headers,
    timestamp: String(timestamp),
    offset: String(offset),
    attributes: 0,
  };
}

/** Objects and arrays are parsed, where they are JSON; bytes that begin with a zero belong to a schema's encoding. */
function decoded(bytes: Buffer | null): unknown {
  if (bytes === null) return null;
  if (bytes[0] === 0) return bytes;
  const text = bytes.toString();
  if (!text.startsWith('{') && !text.startsWith('[')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a handler answers: a value, or `{ key, value, headers }`. */
export function replyRecord(answer: unknown, headers: readonly RecordHeader[]): OutgoingRecord {
  if (typeof answer !== 'object' || answer === null || !('key' in answer || 'value' in answer)) {
    return { key: null, value: encoded(answer), headers };
  }
  const message = answer as { key?: unknown; value?: unknown; headers?: Record<string, unknown> };
  const own = Object.entries(message.headers ?? {}).map(([key, value]) => ({ key, value: encoded(value) }));
  return { key: encoded(message.key), value: encoded(message.value), headers: [...own, ...headers] };
}

function encoded(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value !== 'object') return Buffer.from(String(value as string));
  // A class that says itself how it reads as text is asked; anything else would read as [object Object].
  const isOwnText = !Array.isArray(value) && value.toString !== Object.prototype.toString && !isPlain(value);
  return Buffer.from(isOwnText ? String(value as { toString(): string }) : JSON.stringify(value));
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === null || prototype === Object.prototype;
}
