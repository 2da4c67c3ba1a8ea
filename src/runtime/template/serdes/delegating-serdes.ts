import { type RecordHeader } from '../../../common/record.js';
import { BOOLEAN, BYTES, DOUBLE, FLOAT, INTEGER, LONG, SHORT, STRING, UUID_TEXT } from './basic-serdes.js';
import { lastHeader } from './outgoing-headers.js';
import { typeName, WrongType } from './refusals.js';
import { type Deserializer, type Serde, type Serializer } from './serde.js';

// Serializers that leave the work to others, chosen by topic, by the value's type, or by a header.

export const VALUE_SELECTOR = 'spring.kafka.serialization.selector';
export const KEY_SELECTOR = 'spring.kafka.key.serialization.selector';

/** Delegates by patterns that describe a topic's whole name; the first that fits. */
export interface TopicDelegates<D> {
  readonly byTopic: ReadonlyArray<readonly [pattern: RegExp, delegate: D]>;
  /** For all other topics; without it they are an error. */
  readonly otherwise?: D | undefined;
}

/** Spring: `DelegatingByTopicSerializer`. */
export function topicSerializer(delegates: TopicDelegates<Serializer>): Serializer {
  const choose = byTopic(delegates, 'serializer');
  return (topic, value, headers) => choose(topic)(topic, value, headers);
}

/** Spring: `DelegatingByTopicDeserializer`. */
export function topicDeserializer(delegates: TopicDelegates<Deserializer>): Deserializer {
  const choose = byTopic(delegates, 'deserializer');
  return (topic, bytes, headers) => choose(topic)(topic, bytes, headers);
}

/** Chosen once per topic: patterns cost more than a look-up. */
function byTopic<D>({ byTopic: rules, otherwise }: TopicDelegates<D>, what: string): (topic: string) => D {
  const known = new Map<string, D>();
  const anchored = rules.map(([pattern, delegate]) => [wholeName(pattern), delegate] as const);
  return (topic) => {
    const seen = known.get(topic);
    if (seen !== undefined) return seen;
    const found = anchored.find(([pattern]) => pattern.test(topic))?.[1] ?? otherwise;
    if (found === undefined) throw new Error(`no pattern has a ${what} for topic ${topic}; add one, or a default`);
    if (known.size < 10_000) known.set(topic, found);
    return found;
  };
}

function wholeName(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));
}

/** A class, or what `typeof` says. */
export type ValueType = (abstract new (...args: any[]) => unknown) | 'string' | 'number' | 'bigint' | 'boolean';

/**
 * By the value's class or kind; subclasses count where the class itself has none (Spring:
 * `DelegatingByTypeSerializer`).
 */
export function typeSerializer(delegates: ReadonlyMap<ValueType, Serializer>): Serializer {
  const find = (value: unknown): Serializer | undefined => {
    if (typeof value !== 'object') return delegates.get(typeof value as ValueType);
    const exact = delegates.get((value as object).constructor as ValueType);
    if (exact !== undefined) return exact;
    for (const [type, delegate] of delegates) if (typeof type === 'function' && value instanceof type) return delegate;
    return undefined;
  };
  return (topic, value, headers) => {
    if (value === null || value === undefined) return null;
    const found = find(value);
    if (found !== undefined) return found(topic, value, headers);
    const known = [...delegates.keys()].map((type) => (typeof type === 'string' ? `a ${type}` : type.name)).join(', ');
    throw new WrongType(`one of the types that have a serializer: ${known}`);
  };
}

/** Formats that go by the names of Java's classes where no token is said. */
const STANDARD: Readonly<Record<string, Serde>> = {
  'java.lang.String': STRING,
  'java.lang.Integer': INTEGER,
  'java.lang.Long': LONG,
  'java.lang.Short': SHORT,
  'java.lang.Float': FLOAT,
  'java.lang.Double': DOUBLE,
  'java.lang.Boolean': BOOLEAN,
  'java.util.UUID': UUID_TEXT,
  '[B': BYTES,
  'java.nio.ByteBuffer': BYTES,
  'org.apache.kafka.common.utils.Bytes': BYTES,
};

/**
 * By the header `spring.kafka.serialization.selector` (Spring: `DelegatingSerializer`). Without it text, bytes, numbers
 * and booleans are recognised, and the header is set to the name of Java's class for them.
 */
export function headerSerializer(delegates: Readonly<Record<string, Serializer>>, isKey = false): Serializer {
  const selector = isKey ? KEY_SELECTOR : VALUE_SELECTOR;
  return (topic, value, headers) => {
    const selected = headers.last(selector)?.toString();
    if (selected !== undefined) {
      const delegate = delegates[selected] ?? STANDARD[selected]?.serializer;
      if (delegate !== undefined) return delegate(topic, value, headers);
      throw new Error(
        `header ${selector} is ${selected}, which no serializer has; known: ${Object.keys(delegates).join(', ')}`,
      );
    }
    if (value === null || value === undefined) return null;
    const standard = standardName(value);
    if (standard === undefined) {
      throw new WrongType(
        `${typeName(value)} together with the header ${selector}: ${Object.keys(delegates).join(', ')}`,
      );
    }
    headers.add(selector, standard);
    return STANDARD[standard]!.serializer(topic, value, headers);
  };
}

function standardName(value: unknown): string | undefined {
  if (typeof value === 'string') return 'java.lang.String';
  if (typeof value === 'boolean') return 'java.lang.Boolean';
  if (typeof value === 'bigint') return 'java.lang.Long';
  if (value instanceof Uint8Array) return '[B';
  if (typeof value !== 'number') return undefined;
  if (!Number.isSafeInteger(value)) return 'java.lang.Double';
  return value === (value | 0) ? 'java.lang.Integer' : 'java.lang.Long';
}

/**
 * By the same header (Spring: `DelegatingDeserializer`). A selector that nothing is known of leaves the bytes as they
 * are; a record without the header cannot be read, unless there is a delegate for that.
 */
export function headerDeserializer(
  delegates: Readonly<Record<string, Deserializer>>,
  { isKey = false, otherwise }: { readonly isKey?: boolean; readonly otherwise?: Deserializer | undefined } = {},
): Deserializer {
  const selector = isKey ? KEY_SELECTOR : VALUE_SELECTOR;
  return (topic, bytes, headers) => {
    const selected = lastHeader(headers, selector)?.toString();
    const delegate =
      selected === undefined
        ? otherwise
        : (delegates[selected] ?? STANDARD[selected]?.deserializer ?? BYTES.deserializer);
    if (delegate === undefined) throw new Error(`the record has no header ${selector}, which names its format`);
    return delegate(topic, bytes, headers);
  };
}

const CONTENT_TYPES = ['contentType', 'content-type'] as const;

/** By the record's content type, `application/json`, parameters aside; what nobody has is left as bytes. */
export function contentTypeDeserializer(delegates: Readonly<Record<string, Deserializer>>): Deserializer {
  const byType = new Map(Object.entries(delegates).map(([type, delegate]) => [type.toLowerCase(), delegate]));
  return (topic, bytes, headers) => {
    const type = contentTypeOf(headers) ?? '';
    const delegate = byType.get(type) ?? byType.get('*') ?? byType.get('*/*') ?? BYTES.deserializer;
    return delegate(topic, bytes, headers);
  };
}

/** The record's content type in lower case, without parameters; Spring's JSON header mapper puts it in quotes. */
export function contentTypeOf(headers: readonly RecordHeader[]): string | undefined {
  for (const name of CONTENT_TYPES) {
    const text = lastHeader(headers, name)?.toString();
    if (text)
      return text
        .replace(/^"(.*)"$/, '$1')
        .split(';')[0]!
        .trim()
        .toLowerCase();
  }
  return undefined;
}
