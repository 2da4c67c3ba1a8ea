import { ENCODINGS } from '../../../common/text-encodings.js';
import { boolean, choice, list, nameOr, string } from '../config-key.js';

// Spring's keys of its serializers, which travel among the client properties. Part of the table in config-keys.ts.

/** What another name than ours and Java's means. */
export const OWN_SERIALIZER =
  'or a provider of the application by the name of its class, or the one it is provided under, which has serialize(topic, value, headers)';
export const OWN_DESERIALIZER =
  'or a provider of the application by the name of its class, or the one it is provided under, which has deserialize(topic, bytes, headers)';

const MAPPING = 'token:class between commas; the classes are those of KafkaModule.forRoot({ types })';
const DELEGATES = 'name:serializer between commas';

/** `name:serializer, name:serializer`. */
function delegates(client: 'consumer' | 'producer', part: 'key' | 'value') {
  const what = client === 'consumer' ? 'Deserializers' : 'Serializers';
  const selector = part === 'key' ? 'spring.kafka.key.serialization.selector' : 'spring.kafka.serialization.selector';
  const topics = `spring.kafka.${part}.serialization.bytopic`;
  const acts = 'runtime/nest/serdes';
  return {
    selector: list({
      default: [],
      item: /^[^:]+:[^:]+$/,
      allowed: DELEGATES,
      property: `${selector}.config`,
      doc: `${what} of ${part}s by the header ${selector}, for DelegatingDeserializer and its like.`,
      acts,
    }),
    topics: list({
      default: [],
      item: /^.+:[^:]+$/,
      allowed: 'pattern:serializer between commas',
      property: `${topics}.config`,
      doc: `${what} of ${part}s by patterns of topics, for DelegatingByTopicDeserializer and its like.`,
      acts,
    }),
    otherwise: nameOr([], {
      default: undefined,
      aliases: {},
      otherwise: 'a serializer by its name',
      property: `${topics}.default`,
      doc: `${what} of ${part}s of all other topics.`,
      acts,
    }),
  };
}

const ALIASES = { latin1: 'ISO-8859-1', ascii: 'US-ASCII' } as const;

/** Encodings of the format `string`: for both parts, and for one of them. */
function encodingKeys<C extends 'consumer' | 'producer', K extends 'serializer' | 'deserializer'>(client: C, kind: K) {
  const acts = 'runtime/nest/serdes';
  const of = (part: 'key' | 'value') =>
    choice(ENCODINGS, {
      default: undefined,
      aliases: ALIASES,
      property: `${part}.${kind}.encoding`,
      doc: `The same for ${part}s alone.`,
      acts,
    });
  const both = choice(ENCODINGS, {
    default: 'UTF-8',
    aliases: ALIASES,
    property: `${kind}.encoding`,
    doc: `Encoding of text, for the ${kind} string.`,
    acts,
  });
  const keys = {
    [`${client}.properties.${kind}.encoding`]: both,
    [`${client}.properties.key.${kind}.encoding`]: of('key'),
    [`${client}.properties.value.${kind}.encoding`]: of('value'),
  };
  return keys as { readonly [N in `${C}.properties.${K}.encoding`]: typeof both } & {
    readonly [N in `${C}.properties.${'key' | 'value'}.${K}.encoding`]: ReturnType<typeof of>;
  };
}

function delegateKeys<C extends 'consumer' | 'producer'>(client: C) {
  const [key, value] = [delegates(client, 'key'), delegates(client, 'value')];
  const keys = {
    'spring.kafka.key.serialization.selector.config': key.selector,
    'spring.kafka.serialization.selector.config': value.selector,
    'spring.kafka.key.serialization.bytopic.config': key.topics,
    'spring.kafka.value.serialization.bytopic.config': value.topics,
    'spring.kafka.key.serialization.bytopic.default': key.otherwise,
    'spring.kafka.value.serialization.bytopic.default': value.otherwise,
    'spring.kafka.value.serialization.bytopic.case.insensitive': boolean({
      default: true,
      property: 'spring.kafka.value.serialization.bytopic.case.insensitive',
      doc: "Whether case counts in patterns of topics: true says that it does, whatever Spring's name for it says.",
      acts: 'runtime/nest/serdes',
    }),
    'spring.json.type.mapping': string({
      default: undefined,
      allowed: MAPPING,
      property: 'spring.json.type.mapping',
      doc: `Names on the wire of payload classes, ${MAPPING}.`,
      acts: 'runtime/nest/serdes',
    }),
  };
  type Keys = { readonly [N in keyof typeof keys as `${C}.properties.${N & string}`]: (typeof keys)[N] };
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [`${client}.properties.${name}`, key]),
  ) as unknown as Keys;
}

export const SERDE_KEYS = {
  ...delegateKeys('producer'),
  ...delegateKeys('consumer'),
  ...encodingKeys('producer', 'serializer'),
  ...encodingKeys('consumer', 'deserializer'),
  'producer.properties.spring.json.add.type.headers': choice(['mapped', 'true', 'false'], {
    default: 'mapped',
    property: 'spring.json.add.type.headers',
    kafkaDefault: 'true',
    doc: 'Whether JSON records name the class of their value (__TypeId__). mapped: those with a name in KafkaModule.forRoot({ types }).',
    acts: 'runtime/nest/serdes',
  }),
  'consumer.properties.spring.json.use.type.headers': boolean({
    default: true,
    property: 'spring.json.use.type.headers',
    doc: 'Whether a record that names its type is made an instance of it, where the parameter names no class.',
    acts: 'runtime/nest/serdes',
  }),
  'consumer.properties.spring.json.trusted.packages': list({
    default: [],
    property: 'spring.json.trusted.packages',
    kafkaDefault: 'java.util,java.lang',
    doc: 'Packages whose types records may name, * for all; others fail the record. Default: all, since no class is looked up by what a record says.',
    acts: 'runtime/nest/serdes',
  }),
  'consumer.properties.spring.json.key.default.type': string({
    default: undefined,
    property: 'spring.json.key.default.type',
    doc: 'Class of JSON keys that name none, by a name of KafkaModule.forRoot({ types }).',
    acts: 'runtime/nest/serdes',
  }),
  'consumer.properties.spring.json.value.default.type': string({
    default: undefined,
    property: 'spring.json.value.default.type',
    doc: 'Class of JSON values that name none, by a name of KafkaModule.forRoot({ types }).',
    acts: 'runtime/nest/serdes',
  }),
} as const;
