import { plainToInstance } from 'class-transformer';
import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { mistakeAt } from '../../config/mistake-at.js';
import { type Mistake } from '../../config/mistakes.js';
import { contentTypeDeserializer } from '../../template/serdes/delegating-serdes.js';
import { jsonDeserializer } from '../../template/serdes/json-serde.js';
import { type JsonClass, type JsonTypes, lastPart } from '../../template/serdes/json-types.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { type PayloadDecoding } from '../handlers/payload-converter.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { type SerdeResolver } from './serde-resolver.js';
import { deserializerSettings, type Part } from './serde-settings.js';

// How one listener reads keys and values: what its decorator names, else what the configuration does.

/** What a listener's methods are planned with. */
export interface ListenerFormats {
  readonly decoding: Omit<PayloadDecoding, 'format'>;
  readonly keyDeserializer: Deserializer | undefined;
  /** Names on the wire of a payload class. */
  readonly wireNames: (type: unknown) => readonly string[];
  /** The class that the application knows under a name on the wire. */
  readonly classNamed: (name: string) => JsonClass | undefined;
}

export interface FormatQuestion {
  readonly where: string;
  readonly options: KafkaListenerOptions;
  readonly properties: KafkaProperties;
  readonly serdes: SerdeResolver;
  readonly lookup: ProviderLookup;
}

export function listenerFormats(question: FormatQuestion, mistakes: Mistake[]): ListenerFormats {
  const { properties, serdes } = question;
  const value = ofContentType(question, mistakes) ?? named(question, 'value', mistakes);
  const { types, ...decoding } = valueDecoding(properties, serdes, mistakes);
  return {
    decoding: value === undefined ? decoding : { ...decoding, deserializer: value },
    keyDeserializer: named(question, 'key', mistakes) ?? keyDeserializerOf(properties, serdes, types, mistakes),
    wireNames: (type) => types.idsOf(type),
    classNamed: (name) => types.classOf(name) ?? types.classOf(lastPart(name)),
  };
}

/** How the configuration has values read. */
export function valueDecoding(properties: KafkaProperties, serdes: SerdeResolver, mistakes: Mistake[]) {
  const settings = deserializerSettings(properties);
  const types = serdes.types(settings, mistakes);
  return {
    types,
    deserializer: serdes.deserializers(properties, mistakes).value,
    typeOf: typeReader(types, properties, 'value', mistakes),
  };
}

/** JSON keys are instances of what the record, or the configuration, says, as values are. */
function keyDeserializerOf(
  properties: KafkaProperties,
  serdes: SerdeResolver,
  types: JsonTypes,
  mistakes: Mistake[],
): Deserializer | undefined {
  const settings = deserializerSettings(properties);
  if (settings.key.name !== 'json') return serdes.deserializers(properties, mistakes).key;
  const typeOf = typeReader(types, properties, 'key', mistakes);
  if (typeOf === undefined) return jsonDeserializer;
  return (topic, bytes, headers) => {
    const type = typeOf({ topic, headers });
    const plain = jsonDeserializer(topic, bytes, headers);
    return type === undefined || typeof plain !== 'object' ? plain : plainToInstance<object, unknown>(type, plain);
  };
}

type TypedRecord = Pick<KafkaRecord, 'topic' | 'headers'>;

/** The class that a record names for its value, or its key; throws where its package is not trusted. */
function typeReader(
  types: JsonTypes,
  properties: KafkaProperties,
  part: Part,
  mistakes: Mistake[],
): ((record: TypedRecord) => JsonClass | undefined) | undefined {
  const { useTypeHeaders, defaultTypes } = deserializerSettings(properties);
  const fallback = defaultTypes[part] === undefined ? undefined : types.classOf(defaultTypes[part]);
  if (defaultTypes[part] !== undefined && fallback === undefined) {
    const problem = `no class is called so; give it one: KafkaModule.forRoot({ types: { '${defaultTypes[part]}': … } })`;
    mistakes.push(mistakeAt(properties, `consumer.properties.spring.json.${part}.default.type`, problem));
  }
  if (types.isEmpty || !(useTypeHeaders || fallback)) return undefined;
  return (record) => {
    const named = useTypeHeaders ? types.named(record.headers, part === 'key') : undefined;
    if (named === undefined) return fallback;
    for (const name of [named.name, named.content]) {
      const untrusted = name === undefined ? undefined : types.untrustedPackage(name);
      if (untrusted === undefined) continue;
      throw new NestdawError(
        'KAFKA_DESERIALIZATION_FAILED',
        `a record of ${record.topic} says that its ${part} is a ${name}, and ` +
          `${untrusted === '' ? 'its package' : untrusted} is not trusted: add it to spring.json.trusted.packages, or ` +
          'give the class in KafkaModule.forRoot({ types })',
      );
    }
    return types.classOf(named.name) ?? (named.content === undefined ? undefined : types.classOf(named.content));
  };
}

function named(question: FormatQuestion, part: Part, mistakes: Mistake[]): Deserializer | undefined {
  const option = `${part}Deserializer` as const;
  return deserializerOf(question, question.options[option], option, part, mistakes);
}

function ofContentType(question: FormatQuestion, mistakes: Mistake[]): Deserializer | undefined {
  const option = 'contentTypeConverter';
  const given = question.options[option];
  if (given === undefined) return undefined;
  const isMap = typeof given === 'object' && !('deserialize' in given) && !('deserializer' in given);
  if (!isMap) return deserializerOf(question, given as never, option, 'value', mistakes);
  const delegates = Object.entries(given).flatMap(([type, reference]) => {
    const found = deserializerOf(question, reference as never, option, 'value', mistakes);
    return found === undefined ? [] : [[type, found] as const];
  });
  return contentTypeDeserializer(Object.fromEntries(delegates));
}

function deserializerOf(
  { where, properties, serdes, lookup }: FormatQuestion,
  given: KafkaListenerOptions['valueDeserializer'],
  option: string,
  part: Part,
  mistakes: Mistake[],
): Deserializer | undefined {
  if (given === undefined) return undefined;
  const origin = `@KafkaListener of ${where}`;
  if (typeof given === 'string') return serdes.deserializerNamed(given, part, properties, origin, mistakes);
  if (typeof given === 'object' && 'deserializer' in given) return given.deserializer as Deserializer;
  const allowed = 'a name, a function (topic, bytes, headers), or a provider with deserialize(topic, bytes, headers)';
  return lookup.functionOf(given as never, 'deserialize', { origin, option, allowed }, mistakes) as Deserializer;
}
