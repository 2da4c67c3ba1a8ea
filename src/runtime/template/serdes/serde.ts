import { type RecordHeader } from '../../../common/record.js';
import { type OutgoingHeaders } from './outgoing-headers.js';

// What turns values into bytes and back. As a function, or as an object with Kafka's method names, so that a provider
// of the application can be one.

/**
 * Turns a value into bytes, or into text, whose bytes are UTF-8 and are written straight into the record's batch; null
 * is a tombstone. May add headers to the record, and read those that it has. Throws for what it does not take.
 */
export type Serializer<T = unknown> = (topic: string, value: T, headers: OutgoingHeaders) => Buffer | string | null;

/** Turns bytes into a value. Called for records that have some: a tombstone is null without being asked about. */
export type Deserializer<T = unknown> = (topic: string, bytes: Buffer, headers: readonly RecordHeader[]) => T;

/** A serializer as an object (Kafka: `Serializer`). */
export interface KafkaSerializer<T = any> {
  serialize(topic: string, value: T, headers: OutgoingHeaders): Uint8Array | string | null;
  /** Called once, before the first value. */
  configure?(properties: SerdeProperties, isKey: boolean): void;
  /** Called when the connection has ended. */
  close?(): unknown;
}

/** A deserializer as an object (Kafka: `Deserializer`). */
export interface KafkaDeserializer<T = any> {
  deserialize(topic: string, bytes: Buffer, headers: readonly RecordHeader[]): T;
  /** Called once, before the first record. */
  configure?(properties: SerdeProperties, isKey: boolean): void;
  /** Called when the connection has ended. */
  close?(): unknown;
}

/** The connection's properties, as a serializer is given them. */
export interface SerdeProperties {
  /** Value of a key by its name without `kafka.`. */
  get(name: any): unknown;
}

/** Both directions of one format. */
export interface Serde<T = any> {
  readonly serializer: Serializer<T>;
  readonly deserializer: Deserializer<T>;
}

/** A serializer in any of its forms. */
export type SerializerReference<T = any> = Serializer<T> | KafkaSerializer<T> | Pick<Serde<T>, 'serializer'>;

/** The function behind it. */
export function serializerIn(reference: SerializerReference): Serializer {
  if (typeof reference === 'function') return reference;
  if ('serializer' in reference) return reference.serializer;
  return (topic, value, headers) => {
    const bytes = reference.serialize(topic, value, headers);
    if (bytes === null || typeof bytes === 'string' || Buffer.isBuffer(bytes)) return bytes;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}
