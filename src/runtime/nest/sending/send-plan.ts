import { NestdawError } from '../../../common/errors.js';
import { type ProducerOptions, type PropertyPath } from '../../../decorators/producer.js';
import { isRecordToSend, type ProducedHeader } from '../../../decorators/record-to-send.js';
import { type Environment } from '../../config/environment.js';
import { type KafkaTemplate } from '../../template/kafka-template.js';
import { type ProducerRecord } from '../../template/producer-record.js';
import { type RecordKey } from '../../template/serializers.js';

// What @Producer says, read once at the start: how a value becomes a record, and through which template it goes.

type Reader<R> = (value: unknown) => R;
type Headers = Readonly<Record<string, ProducedHeader>>;

export interface SendPlan {
  readonly template: KafkaTemplate;
  readonly splitsIterables: boolean;
  /** Throws KAFKA_SERIALIZATION_FAILED for a value without what the plan takes from it. */
  recordOf(value: unknown): ProducerRecord<any>;
}

/** Throws what is wrong with the options, in words. `where` is `OrderService.place`. */
export function sendPlan(
  where: string,
  options: ProducerOptions,
  template: KafkaTemplate,
  environment: Environment,
): SendPlan {
  const recordOf = recordReader(where, options, environment);
  return { template, splitsIterables: options.splitIterables ?? true, recordOf };
}

/** How a value becomes a record. Throws what is wrong with the options, in words. */
export function recordReader(
  where: string,
  options: Pick<ProducerOptions, 'topic' | 'key' | 'partition' | 'headers'>,
  environment: Environment,
): SendPlan['recordOf'] {
  const resolve = (text: string) => environment.resolvePlaceholders(text);
  const topicOf = topicReader(where, options.topic, resolve);
  const keyOf = keyReader(where, options.key, resolve);
  const partitionOf = partitionReader(where, options.partition, resolve);
  const headersOf = headersReader(where, options.headers, resolve);
  return (given) => {
    const { value, parts } = isRecordToSend(given) ? given : { value: given, parts: {} };
    const headers = headersOf?.(value);
    return {
      topic: parts.topic ?? topicOf(value),
      key: parts.key === undefined ? keyOf(value) : parts.key,
      partition: parts.partition ?? partitionOf(value),
      value,
      headers: headers && parts.headers ? { ...headers, ...parts.headers } : (parts.headers ?? headers),
      timestamp: parts.timestamp,
    };
  };
}

/** Whether a value is several values. */
export function isSeveral(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && !(value instanceof Uint8Array);
}

function topicReader(
  where: string,
  topic: ProducerOptions['topic'],
  resolve: (text: string) => string,
): Reader<string> {
  if (typeof topic === 'string') {
    const name = resolve(topic);
    if (name === '') throw new Error('the topic is empty; name one');
    return () => name;
  }
  const read = typeof topic === 'function' ? (topic as Reader<unknown>) : property(where, topic, 'topic', resolve);
  return (value) => {
    const name = read(value);
    if (typeof name === 'string' && name !== '') return name;
    throw unusable(where, 'topic', `is ${name === '' ? 'empty' : typeof name}, no name of a topic`);
  };
}

function keyReader(where: string, key: ProducerOptions['key'], resolve: (text: string) => string): Reader<RecordKey> {
  if (key === undefined) return () => null;
  if (typeof key === 'function') return key;
  return property(where, typeof key === 'string' ? { property: key } : key, 'key', resolve) as Reader<RecordKey>;
}

function partitionReader(
  where: string,
  partition: ProducerOptions['partition'],
  resolve: (text: string) => string,
): Reader<number | undefined> {
  if (partition === undefined) return () => undefined;
  if (typeof partition === 'function') return (value) => partition(value) ?? undefined;
  if (typeof partition === 'object') {
    const read = property(where, partition, 'partition', resolve);
    return (value) => {
      const number = read(value);
      if (typeof number === 'number') return number;
      throw unusable(where, 'partition', `is ${typeof number}, no number`);
    };
  }
  const text = resolve(String(partition)).trim();
  if (!/^\d+$/.test(text)) {
    throw new Error(`partition ${text} is no whole number from 0 on; name a property with { property: '${text}' }`);
  }
  return () => Number(text);
}

function headersReader(
  where: string,
  headers: ProducerOptions['headers'],
  resolve: (text: string) => string,
): Reader<Headers> | undefined {
  if (headers === undefined) return undefined;
  if (typeof headers === 'function') return headers;
  const readers = Object.entries(headers).map(([name, source]): readonly [string, Reader<ProducedHeader>] => {
    if (typeof source === 'function') return [name, source];
    if (typeof source === 'object' && source !== null && 'property' in source) {
      return [name, property(where, source, `header ${name}`, resolve) as Reader<ProducedHeader>];
    }
    const fixed = typeof source === 'string' ? resolve(source) : source;
    return [name, () => fixed];
  });
  return (value) => Object.fromEntries(readers.map(([name, read]) => [name, read(value)]));
}

function property(where: string, path: PropertyPath, what: string, resolve: (text: string) => string): Reader<unknown> {
  const written = resolve(path.property);
  const names = written.split('.');
  return (value) => {
    let found: unknown = value;
    for (const name of names) found = (found as Record<string, unknown> | null | undefined)?.[name];
    if (found !== undefined) return found;
    throw new NestdawError(
      'KAFKA_SERIALIZATION_FAILED',
      `the result of ${where} has no property ${written}, which the record's ${what} is taken from`,
    );
  };
}

function unusable(where: string, what: string, problem: string): NestdawError {
  return new NestdawError('KAFKA_SERIALIZATION_FAILED', `the ${what} of what ${where} gives ${problem}`);
}
