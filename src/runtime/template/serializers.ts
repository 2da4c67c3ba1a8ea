import { messageOf, NestdawError } from '../../common/errors.js';
import { NO_HEADERS, type RecordHeader } from '../../common/record.js';
import { asBuffer } from './serdes/basic-serdes.js';
import { type JsonSerializerOptions, typeNaming } from './serdes/json-serde.js';
import { refused, serializationFailure, typeName } from './serdes/refusals.js';
import { type Serializer } from './serdes/serde.js';

// From what applications hold to what records hold, where nothing else is configured.

export type RecordKey = string | number | bigint | Uint8Array | null | undefined;
export type HeaderValue = string | number | boolean | Uint8Array | null;
/** Headers by name, or in order as they go on the wire (where a name may come twice). */
export type HeadersInput = Readonly<Record<string, HeaderValue>> | readonly RecordHeader[];

/** Text as UTF-8, bytes as they are, everything else as JSON, with the type header of classes that have a name. */
export function autoValueSerializer(options: JsonSerializerOptions = {}): Serializer {
  const nameType = typeNaming(options);
  return (topic, value, headers) => {
    if (value === null) return null;
    if (typeof value === 'string') return value;
    if (value instanceof Uint8Array) return asBuffer(value);
    const text = json(topic, value);
    nameType?.(value, headers);
    return text;
  };
}

/** Text as UTF-8, numbers as decimal text, bytes as they are. */
export const autoKeySerializer: Serializer = (topic, key) => {
  if (key === null || key === undefined) return null;
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  if (key instanceof Uint8Array) return asBuffer(key);
  throw refused(topic, key, 'key', 'text, a number, bytes or null');
};

/** A serializer of values whose errors name topic and type; undefined is no value. */
export function ofValues(serializer: Serializer): Serializer {
  return (topic, value, headers) => {
    if (value === undefined) throw refused(topic, value, 'value', 'null for a tombstone, or a value');
    try {
      return serializer(topic, value, headers);
    } catch (error) {
      throw serializationFailure(topic, value, 'value', error);
    }
  };
}

/** A serializer of keys whose errors name topic and type. Keys that are bytes already go as they are. */
export function ofKeys(serializer: Serializer): Serializer {
  return (topic, key, headers) => {
    if (key === null || key === undefined) return null;
    if (key instanceof Uint8Array) return asBuffer(key);
    try {
      return serializer(topic, key, headers);
    } catch (error) {
      throw serializationFailure(topic, key, 'key', error);
    }
  };
}

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

function json(topic: string, value: unknown): string {
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
  return text;
}
