import { nearestName } from '../../common/nearest-name.js';

// Names by which configuration chooses a format: ours, and those of Kafka's and Spring's Java classes.

const KAFKA = 'org.apache.kafka.common.serialization.';
const SPRING = 'org.springframework.kafka.support.serializer.';

/** Formats that a name stands for by itself. */
export const FORMATS = [
  'json',
  'string',
  'bytes',
  'integer',
  'long',
  'short',
  'float',
  'double',
  'boolean',
  'uuid',
  'void',
  'string-or-bytes',
  'to-string',
  'by-topic',
  'by-header',
] as const;
export type FormatName = (typeof FORMATS)[number];

/** Java's classes, without `Serializer` or `Deserializer`. */
const KAFKA_CLASSES: Readonly<Record<string, FormatName>> = {
  String: 'string',
  ByteArray: 'bytes',
  ByteBuffer: 'bytes',
  Bytes: 'bytes',
  Integer: 'integer',
  Long: 'long',
  Short: 'short',
  Float: 'float',
  Double: 'double',
  Boolean: 'boolean',
  UUID: 'uuid',
  Void: 'void',
};
const SPRING_CLASSES: Readonly<Record<string, FormatName>> = {
  Json: 'json',
  JacksonJson: 'json',
  StringOrBytes: 'string-or-bytes',
  ToString: 'to-string',
  ParseString: 'string',
  Delegating: 'by-header',
  DelegatingByTopic: 'by-topic',
};

/** What Java's class names stand for: `…StringSerializer`, with and without its package. */
export function javaNames(ending: 'Serializer' | 'Deserializer'): Record<string, FormatName> {
  const names: Record<string, FormatName> = {};
  for (const [classes, place] of [
    [KAFKA_CLASSES, KAFKA],
    [SPRING_CLASSES, SPRING],
  ] as const) {
    for (const [name, format] of Object.entries(classes)) {
      names[`${name}${ending}`] = format;
      names[`${place}${name}${ending}`] = format;
    }
  }
  return names;
}

/** Spring's deserializer that keeps raw bytes of what cannot be read: all do that here, so its delegate is used. */
export const GUARD_NAMES: Readonly<Record<string, 'delegate'>> = {
  ErrorHandlingDeserializer: 'delegate',
  [`${SPRING}ErrorHandlingDeserializer`]: 'delegate',
};

/** What to write instead of a name that is none, as the end of a sentence; empty where nothing is like it. */
export function meantSerde(name: string, ending: 'Serializer' | 'Deserializer'): string {
  if (/\bKafkaAvro(S|Des)erializer$/.test(name)) {
    return '; Avro is what avroSerde({ … }) makes: provide it, and name that provider here';
  }
  const other = ending === 'Serializer' ? 'Deserializer' : 'Serializer';
  const opposite = formatOf(name, other) && `${name.slice(0, -other.length)}${ending}`;
  const near = opposite ?? nearestName(name, FORMATS);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** The format of a name; undefined when it is neither ours nor Java's. */
export function formatOf(name: string, ending: 'Serializer' | 'Deserializer'): FormatName | undefined {
  return FORMATS.find((format) => format === name) ?? javaNames(ending)[name];
}
