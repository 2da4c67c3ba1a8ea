import { type ProducerRecord } from './producer-record.js';
import { type RecordKey } from './serializers.js';

// From what callers of `send` and `sendAll` write to records.

/** What stands behind the topic: `[[partition, [timestamp,]] key,] value`. */
export type SendArguments = readonly unknown[];

/** What records of plain values get, in `sendAll`. */
export type RecordParts<T> = Partial<Pick<ProducerRecord<T>, 'key' | 'partition' | 'headers' | 'timestamp'>>;

/** The record that positional arguments behind a topic describe. */
export function recordOf(topic: string, args: SendArguments): ProducerRecord<any> {
  const value = args.at(-1) as unknown;
  const key = args.length > 1 ? (args.at(-2) as RecordKey) : null;
  const partition = (args.length > 2 ? (args[0] as number | null) : null) ?? undefined;
  const timestamp = (args.length > 3 ? (args[1] as number | null) : null) ?? undefined;
  return { topic, partition, timestamp, key, value };
}

/** Records of plain values, as they are asked for. */
export function recordsOf<T>(
  topic: string,
  values: Iterable<T | null> | AsyncIterable<T | null>,
  parts: ((value: T | null) => RecordParts<T>) | undefined,
): Iterable<ProducerRecord<T>> | AsyncIterable<ProducerRecord<T>> {
  const nothing: RecordParts<T> = {};
  // One shape for all, property by property: a spread would cost more than the rest of a send.
  const record = (value: T | null): ProducerRecord<T> => {
    const { key, partition, headers, timestamp } = parts ? parts(value) : nothing;
    return { topic, partition, key: key ?? null, value, headers, timestamp };
  };
  return Symbol.asyncIterator in values ? mapAsync(values, record) : map(values, record);
}

function* map<A, B>(values: Iterable<A>, make: (value: A) => B): Generator<B> {
  for (const value of values) yield make(value);
}

async function* mapAsync<A, B>(values: AsyncIterable<A>, make: (value: A) => B): AsyncGenerator<B> {
  for await (const value of values) yield make(value);
}
