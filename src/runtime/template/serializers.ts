import { messageOf, NestdawError } from '../../common/errors.js';
import { NO_HEADERS, type RecordHeader } from '../../common/record.js';

// From what applications hold to what records hold. No type header (`__TypeId__`) is written: it would name a class of
// ours, and Spring's JSON deserializer refuses names that it does not know.

/** Turns a value into bytes; null is a tombstone. Throws for what it does not take. */
export type Serializer<T = unknown> = (topic: string, value: T) => Buffer | null;

export type RecordKey = string | number | bigint | Uint8Array | null | undefined;
export type HeaderValue = string | number | boolean | Uint8Array | null;
/** Headers by name, or in order as they go on the wire (where a name may come twice). */
export type HeadersInput = Readonly<Record<string, HeaderValue>> | readonly RecordHeader[];

export const VALUE_SERIALIZERS = {
  /** Text as UTF-8, bytes as they are, everything else as JSON. */
  auto: (topic, value) => (value === null ? null : (textOrBytes(value) ?? json(topic, value))),
  /** Everything as JSON, text too. */
  json: (topic, value) => (value === null ? null : json(topic, value)),
  string(topic, value) {
    if (value === null) return null;
    if (typeof value === 'string') return Buffer.from(value);
    throw refused(topic, value, 'value', 'a string (kafka.producer.value-serializer)');
  },
  bytes(topic, value) {
    if (value === null) return null;
    if (value instanceof Uint8Array) return asBuffer(value);
    throw refused(topic, value, 'value', 'bytes (kafka.producer.value-serializer)');
  },
} as const satisfies Record<string, Serializer>;

export const KEY_SERIALIZERS = {
  /** Text as UTF-8, numbers as decimal text, bytes as they are. */
  auto: (topic, key) => keyBytes(topic, key),
  string(topic, key) {
    if (!(key instanceof Uint8Array)) return keyBytes(topic, key);
    throw refused(topic, key, 'key', 'text (kafka.producer.key-serializer)');
  },
  bytes(topic, key) {
    if (key === null || key === undefined || key instanceof Uint8Array) return keyBytes(topic, key);
    throw refused(topic, key, 'key', 'bytes (kafka.producer.key-serializer)');
  },
} as const satisfies Record<string, Serializer>;

/** Headers as they go on the wire. */
export function recordHeaders(topic: string, headers: HeadersInput | undefined): readonly RecordHeader[] {
  if (headers === undefined) return NO_HEADERS;
  if (Array.isArray(headers)) return headers as readonly RecordHeader[];
  return Object.entries(headers as Readonly<Record<string, HeaderValue>>).map(([key, value]) => ({
    key,
    value: headerValue(topic, key, value),
  }));
}

function headerValue(topic: string, name: string, value: HeaderValue): Buffer | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return asBuffer(value);
  if (typeof value === 'object' || value === undefined) {
    throw refused(topic, value, `header ${name}`, 'text, a number, bytes or null');
  }
  return Buffer.from(String(value));
}

function textOrBytes(value: unknown): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value);
  return value instanceof Uint8Array ? asBuffer(value) : undefined;
}

function json(topic: string, value: unknown): Buffer {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new NestdawError(
      'KAFKA_SERIALIZATION_FAILED',
      `a value for topic ${topic} (${typeName(value)}) has no JSON: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (text === undefined)
    throw refused(topic, value, 'value', 'null for a tombstone, or something that JSON can write');
  return Buffer.from(text);
}

function keyBytes(topic: string, key: unknown): Buffer | null {
  if (key === null || key === undefined) return null;
  if (typeof key === 'string') return Buffer.from(key);
  if (typeof key === 'number' || typeof key === 'bigint') return Buffer.from(String(key));
  if (key instanceof Uint8Array) return asBuffer(key);
  throw refused(topic, key, 'key', 'text, a number, bytes or null');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refused(topic: string, value: unknown, what: string, wanted: string): NestdawError {
  const message = `the ${what} for topic ${topic} is ${typeName(value)}; give ${wanted}`;
  return new NestdawError('KAFKA_SERIALIZATION_FAILED', message);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : `a ${typeof value}`;
}
