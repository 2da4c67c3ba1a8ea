import { messageOf, NestdawError } from '../../../common/errors.js';
import { type RecordHeader } from '../../../common/record.js';

// How serializers and deserializers say no.

/** What a serializer throws that does not know whether it has a key or a value before it. */
export class WrongType extends Error {
  /** @param wanted what to give instead, in words */
  constructor(readonly wanted: string) {
    super(`this serializer takes ${wanted}`);
  }
}

/** KAFKA_SERIALIZATION_FAILED that names topic and type. `what` is 'value' or 'key', `wanted` what to give instead. */
export function refused(topic: string, value: unknown, what: string, wanted: string): NestdawError {
  const message = `the ${what} for topic ${topic} is ${typeName(value)}; give ${wanted}`;
  return new NestdawError('KAFKA_SERIALIZATION_FAILED', message);
}

/** How messages call the type of a value. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  return typeof value === 'number' || typeof value === 'bigint' ? `the ${typeof value} ${value}` : `a ${typeof value}`;
}

/** What is known of bytes that could not be read. */
export interface UnreadableBytes {
  readonly isKey: boolean;
  readonly data: Buffer;
  readonly topic: string;
  readonly headers: readonly RecordHeader[];
}

/**
 * Bytes that a deserializer could not read (Spring: `DeserializationException`, as its ErrorHandlingDeserializer makes
 * it). The record fails for good, with its raw bytes; the consumer goes on. Code KAFKA_DESERIALIZATION_FAILED.
 */
export class DeserializationError extends NestdawError {
  /** Whether the key could not be read; else the value. */
  readonly isKey: boolean;
  /** The bytes, as they were received. */
  readonly data: Buffer;
  readonly topic: string;
  readonly headers: readonly RecordHeader[];

  constructor(message: string, { isKey, data, topic, headers }: UnreadableBytes, cause?: unknown) {
    super('KAFKA_DESERIALIZATION_FAILED', message, { cause });
    this.isKey = isKey;
    this.data = data;
    this.topic = topic;
    this.headers = headers;
  }
}

/** Whatever a serializer threw, as an error that names topic and type. */
export function serializationFailure(topic: string, value: unknown, what: string, error: unknown): NestdawError {
  if (error instanceof WrongType) return refused(topic, value, what, error.wanted);
  if (error instanceof NestdawError) return error;
  const message = `the ${what} for topic ${topic} (${typeName(value)}) cannot be serialized: ${messageOf(error)}`;
  return new NestdawError('KAFKA_SERIALIZATION_FAILED', message, { cause: error });
}
