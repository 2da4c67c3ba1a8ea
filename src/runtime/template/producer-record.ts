import { NestdawError } from '../../common/errors.js';
import { KafkaHeaders } from '../../common/kafka-headers.js';
import { type RecordMetadata } from '../client/producer-client.js';
import { type HeadersInput, type HeaderValue, type RecordKey, recordHeaders } from './serializers.js';

// What is given to a template: a record, or a message whose headers say where it goes.

/** Where a sent record was stored: topic, partition, offset (-1 under acks=0), timestamp in ms since the epoch. */
export type SendResult = RecordMetadata;

/** A record to send, with everything that can be said about it. */
export interface ProducerRecord<T = unknown> {
  readonly topic: string;
  /** Default: by the key (murmur2, as the Java client), or the producer's choice without one. */
  readonly partition?: number | undefined;
  readonly key?: RecordKey;
  /** Null is a tombstone. */
  readonly value: T | null;
  readonly headers?: HeadersInput | undefined;
  /** Ms since the epoch. Default: now. A topic with `message.timestamp.type=LogAppendTime` ignores it. */
  readonly timestamp?: number | undefined;
}

/**
 * A payload with headers (Spring: `Message`). `KafkaHeaders.TOPIC`, `KEY`, `PARTITION` and `TIMESTAMP` say where it
 * goes, without a topic to the default one; what a listener is only offered (`RECEIVED_…`, `OFFSET` and the like) is
 * left out, so that a received message can be sent on; all others become headers of the record.
 */
export interface KafkaMessage<T = unknown> {
  /** Null is a tombstone. */
  readonly payload: T | null;
  readonly headers: Readonly<Record<string, HeaderValue | undefined>>;
}

/**
 * The record with these headers, in place of those of the same names. Throws KAFKA_SERIALIZATION_FAILED for values that
 * are none.
 */
export function withHeaders<T>(
  record: ProducerRecord<T>,
  headers: Readonly<Record<string, HeaderValue>>,
): ProducerRecord<T> {
  const kept = recordHeaders(record.topic, record.headers).filter(({ key }) => !Object.hasOwn(headers, key));
  return { ...record, headers: [...kept, ...recordHeaders(record.topic, headers)] };
}

/** Headers of a message that are never headers of its record, as in Spring's header mappers. */
const NOT_SENT: ReadonlySet<string> = new Set<string>([
  KafkaHeaders.TOPIC,
  KafkaHeaders.KEY,
  KafkaHeaders.PARTITION,
  KafkaHeaders.TIMESTAMP,
  KafkaHeaders.OFFSET,
  KafkaHeaders.GROUP_ID,
  KafkaHeaders.LISTENER_INFO,
  KafkaHeaders.DELIVERY_ATTEMPT,
  'kafka_timestampType',
  'kafka_acknowledgment',
  'kafka_consumer',
  'kafka_data',
  'kafka_nativeHeaders',
  'kafka_batchConvertedHeaders',
  'id',
  'timestamp',
]);

export function isMessage(given: object): given is KafkaMessage {
  return 'payload' in given && 'headers' in given;
}

/** The record that a message describes. Throws KAFKA_SERIALIZATION_FAILED for a place that is none. */
export function recordOfMessage<T>(message: KafkaMessage<T>, defaultTopic: string | undefined): ProducerRecord<T> {
  const { payload, headers } = message;
  const topic = headers[KafkaHeaders.TOPIC] ?? defaultTopic;
  if (topic === undefined) throw noTopic(`a message without the header ${KafkaHeaders.TOPIC}`);
  const sent: Record<string, HeaderValue> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_SENT.has(name) && !name.startsWith('kafka_received')) sent[name] = value;
  }
  const key = headers[KafkaHeaders.KEY];
  return {
    topic: String(topic),
    partition: numberIn(headers, KafkaHeaders.PARTITION),
    key: typeof key === 'boolean' ? String(key) : key,
    value: payload,
    headers: sent,
    timestamp: numberIn(headers, KafkaHeaders.TIMESTAMP),
  };
}

/** The error of whatever has neither a topic nor a default one. */
export function noTopic(what: string): NestdawError {
  const message = `${what} has no topic: set kafka.template.default-topic, or name one with send(topic, …)`;
  return new NestdawError('KAFKA_CONFIG_INVALID', message);
}

function numberIn(headers: KafkaMessage['headers'], name: string): number | undefined {
  const value = headers[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new NestdawError(
    'KAFKA_SERIALIZATION_FAILED',
    `header ${name} of a message is no whole number: ${typeof value}`,
  );
}
