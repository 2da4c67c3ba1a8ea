import { createHash } from 'node:crypto';
import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';

// Where a record's id comes from: a header, a property of the payload, a function, or its place in the log.

/** The id of a record; undefined when it has none. */
export type IdReader = (record: KafkaRecord) => string | undefined;

/** Ids that are longer, in bytes, are kept as their digest; as are those with a NUL, which PostgreSQL refuses. */
const LONGEST = 255;

/** The reader for an id as the decorator describes it. */
export function idReader(id: string | ((record: KafkaRecord) => unknown)): IdReader {
  if (typeof id === 'function') return (record) => asText(id(record));
  if (id === 'topic-partition-offset') return ({ topic, partition, offset }) => `${topic}-${partition}@${offset}`;
  if (id.startsWith('#header:')) return headerReader(id.slice('#header:'.length));
  if (id === '#key') return ({ key }) => (key === null ? undefined : bounded(key.toString()));
  return propertyReader(id.split('.'));
}

/** The same for a listener that must not handle a record without an id. */
export function requiredId(idOf: IdReader, listener: string): IdReader {
  return (record) => {
    const id = idOf(record);
    if (id !== undefined) return id;
    const { topic, partition, offset } = record;
    throw new NestdawError(
      'KAFKA_MESSAGE_ID_MISSING',
      `${topic}-${partition} offset ${offset} has no message id, so listener '${listener}' cannot tell whether it was ` +
        'handled: let its producer send one (kafka.template.message-id-header stamps it), or take ' +
        "missing: 'handle'",
    );
  };
}

/** Why the text cannot describe an id; undefined when it can. */
export function idMistake(id: string): string | undefined {
  if (id === '' || id === '#header:') return 'it is empty';
  if (!id.startsWith('#') || id === '#key' || id.startsWith('#header:')) return undefined;
  return `${id} is unknown`;
}

function headerReader(name: string): IdReader {
  return ({ headers }) => {
    for (let at = headers.length - 1; at >= 0; at--) {
      const header = headers[at]!;
      if (header.key === name) return header.value === null ? undefined : asText(header.value.toString());
    }
    return undefined;
  };
}

function propertyReader(path: readonly string[]): IdReader {
  return (record) => {
    let value: unknown = payloadOf(record);
    for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
    return asText(value);
  };
}

function payloadOf({ value, topic, partition, offset }: KafkaRecord): unknown {
  if (value === null) return undefined;
  try {
    return JSON.parse(value.toString());
  } catch (cause) {
    throw new NestdawError(
      'KAFKA_DESERIALIZATION_FAILED',
      `${topic}-${partition} offset ${offset}: the id is a property of the payload, which is not JSON; take the id ` +
        'from a header, or give a function',
      { cause },
    );
  }
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : bounded(value);
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return undefined;
}

function bounded(id: string): string {
  const fits = id.length * 3 <= LONGEST || Buffer.byteLength(id) <= LONGEST;
  if (fits && !id.includes('\0')) return id;
  return `sha256:${createHash('sha256').update(id).digest('hex')}`;
}
