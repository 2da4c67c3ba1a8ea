import { messageOf } from '../../../common/errors.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Place } from '../../config/mistake-at.js';
import { type Mistake } from '../../config/mistakes.js';
import { FORMATS, type FormatName, formatOf, meantSerde } from '../../config/serde-names.js';
import {
  headerDeserializer,
  headerSerializer,
  topicDeserializer,
  topicSerializer,
} from '../../template/serdes/delegating-serdes.js';
import { encodedText, textDecoder } from '../../template/serdes/encoded-text.js';
import { jsonSerializer } from '../../template/serdes/json-serde.js';
import { JsonTypes, type JsonTypeTable } from '../../template/serdes/json-types.js';
import {
  type Deserializer,
  type KafkaDeserializer,
  type KafkaSerializer,
  type Serializer,
  type SerializerReference,
  serializerIn,
} from '../../template/serdes/serde.js';
import { Serdes } from '../../template/serdes/serdes.js';
import { autoKeySerializer, autoValueSerializer, ofKeys, ofValues } from '../../template/serializers.js';
import {
  deserializerSettings,
  type Part,
  type PartSettings,
  type SerdeSettings,
  serializerSettings,
} from './serde-settings.js';

// From names in the configuration to the serializers of a connection: ours, Java's, or providers of the application.

/** Finds a provider by its token, or by the name of its class. */
export type ProviderByName = (name: string) => unknown;

const BASIC: Readonly<
  Record<Exclude<FormatName, 'by-topic' | 'by-header'>, { serializer: Serializer<any>; deserializer: Deserializer }>
> = {
  json: Serdes.json,
  string: Serdes.string,
  bytes: Serdes.bytes,
  integer: Serdes.integer,
  long: Serdes.long,
  short: Serdes.short,
  float: Serdes.float,
  double: Serdes.double,
  boolean: Serdes.boolean,
  uuid: Serdes.uuid,
  void: Serdes.void,
  'string-or-bytes': Serdes.stringOrBytes,
  'to-string': Serdes.text,
};

/** What a part is read with; undefined where the parameter's type decides between text, bytes and JSON. */
export interface Deserializers {
  readonly key: Deserializer | undefined;
  readonly value: Deserializer | undefined;
}

/** Formats that listeners choose between by the type of their parameter; JSON by that of the record. */
const BY_PARAMETER: readonly string[] = ['auto', 'json', 'string', 'bytes'];

/** What a template is made with. */
export interface SerializerPair {
  readonly keySerializer: Serializer;
  readonly valueSerializer: Serializer;
}

interface BoundSerializers {
  readonly properties: KafkaProperties;
  key: Serializer;
  value: Serializer;
}

export class SerdeResolver {
  readonly #properties: KafkaProperties;
  readonly #table: JsonTypeTable | undefined;
  readonly #configured = new Map<object, Part>();
  #providerOf: ProviderByName = () => undefined;
  readonly #bound: BoundSerializers[] = [];

  constructor(properties: KafkaProperties, types: JsonTypeTable | undefined) {
    this.#properties = properties;
    this.#table = types;
  }

  /** The serializers that some properties name; what they do is only known once the application's providers are. */
  serializers(properties: KafkaProperties = this.#properties): SerializerPair {
    const bound: BoundSerializers = { properties, key: autoKeySerializer, value: autoValueSerializer() };
    this.#bound.push(bound);
    return {
      keySerializer: (topic, key, headers) => bound.key(topic, key, headers),
      valueSerializer: (topic, value, headers) => bound.value(topic, value, headers),
    };
  }

  /** Works the serializers out. Adds to `mistakes` what nobody knows. */
  bind(providerOf: ProviderByName, mistakes: Mistake[]): void {
    this.#providerOf = providerOf;
    for (const bound of this.#bound) {
      const settings = serializerSettings(bound.properties);
      const types = this.types(settings, mistakes);
      const { addTypeHeaders } = settings;
      const json = { types, addTypeHeaders };
      const part = (which: Part, own: Readonly<Record<string, Serializer>>) => {
        const all = { json: jsonSerializer({ ...json, isKey: which === 'key' }), ...own };
        return this.#serializer(which, settings, all, mistakes);
      };
      const key = part('key', { auto: autoKeySerializer, string: autoKeySerializer });
      const value = part('value', { auto: autoValueSerializer(json) });
      bound.key = settings.key.name === 'auto' ? key : ofKeys(key);
      bound.value = settings.value.name === 'auto' ? value : ofValues(value);
    }
  }

  /** Deserializers of a listener, whose own properties stand over the connection's. */
  deserializers(properties: KafkaProperties, mistakes: Mistake[]): Deserializers {
    const settings = deserializerSettings(properties);
    const part = (which: Part): Deserializer | undefined => {
      const { name, encoding } = settings[which];
      const isOther = name === 'string' && encoding !== 'UTF-8';
      return BY_PARAMETER.includes(name) && !isOther ? undefined : this.#deserializer(which, settings, mistakes);
    };
    return { key: part('key'), value: part('value') };
  }

  /** A deserializer that a decorator names. */
  deserializerNamed(name: string, which: Part, properties: KafkaProperties, origin: string, mistakes: Mistake[]) {
    const settings = deserializerSettings(properties);
    const at: Place = { origin, key: `${which}Deserializer` };
    const own = { ...settings, [which]: { ...settings[which], name, at } };
    return this.#deserializer(which, own, mistakes);
  }

  /** Types of records, by what this connection maps and trusts. */
  types(
    settings: Pick<SerdeSettings, 'mapping' | 'mappingAt'> & { trustedPackages?: readonly string[] | undefined },
    mistakes: Mistake[],
  ): JsonTypes {
    const { mapping, mappingAt, trustedPackages } = settings;
    const types = new JsonTypes({ types: this.#table, mapping, trustedPackages });
    for (const entry of types.unknown) {
      mistakes.push({
        ...mappingAt,
        value: entry,
        problem:
          'no class of that name; list the classes in KafkaModule.forRoot({ types: [Order] }), then write token:Order',
      });
    }
    return types;
  }

  /** Closes serializers that want to be told of the end. */
  async close(): Promise<void> {
    for (const serde of this.#configured.keys()) await (serde as KafkaSerializer).close?.();
    this.#configured.clear();
  }

  #serializer(
    which: Part,
    settings: SerdeSettings,
    own: Readonly<Record<string, Serializer>>,
    mistakes: Mistake[],
  ): Serializer {
    const part = settings[which];
    const find = (name: string, at: Place): Serializer => {
      const format = formatOf(name, 'Serializer') ?? name;
      const known = own[format] ?? BASIC[format as keyof typeof BASIC]?.serializer;
      if (known) return format === 'string' ? encodedText(known, part.encoding) : known;
      return serializerIn(this.#provider(name, which, 'serialize', at, mistakes) as SerializerReference);
    };
    if (part.name === 'by-header') return headerSerializer(byToken(part, find), which === 'key');
    if (part.name !== 'by-topic') return find(part.name, part.at);
    return topicSerializer(topicRules(part, settings.caseCounts, find, mistakes));
  }

  #deserializer(which: Part, settings: SerdeSettings, mistakes: Mistake[]): Deserializer {
    const part = settings[which];
    const find = (name: string, at: Place): Deserializer => {
      const format = formatOf(name, 'Deserializer') ?? name;
      if (format === 'string') return textDecoder(part.encoding);
      const known = BASIC[format as keyof typeof BASIC]?.deserializer;
      if (known) return known;
      const provider = this.#provider(name, which, 'deserialize', at, mistakes) as KafkaDeserializer | Deserializer;
      if (typeof provider === 'function') return provider;
      return (topic, bytes, headers) => provider.deserialize(topic, bytes, headers);
    };
    const format = formatOf(part.name, 'Deserializer');
    if (format === 'by-header') return headerDeserializer(byToken(part, find), { isKey: which === 'key' });
    if (format !== 'by-topic') return find(part.name, part.at);
    return topicDeserializer(topicRules(part, settings.caseCounts, find, mistakes));
  }

  #provider(name: string, which: Part, method: 'serialize' | 'deserialize', at: Place, mistakes: Mistake[]): unknown {
    const found = this.#providerOf(name);
    const isOne =
      typeof found === 'function' || typeof (found as Record<string, unknown> | undefined)?.[method] === 'function';
    if (isOne) {
      this.#configure(found as object, which);
      return found;
    }
    const meant = meantSerde(name, method === 'serialize' ? 'Serializer' : 'Deserializer');
    const problem =
      (found === undefined ? `no ${method}r ${name}` : `the provider ${name} has no method ${method}`) +
      `${meant}; known: ${FORMATS.join(', ')}, the Java classes of Kafka and Spring for ` +
      `them, or a provider whose class has that name (or that is provided under it), with a method ${method}(topic, …, headers)`;
    mistakes.push({ ...at, value: name, problem });
    return () => {
      throw new Error(problem);
    };
  }

  #configure(serde: object, which: Part): void {
    if (this.#configured.has(serde)) return;
    this.#configured.set(serde, which);
    (serde as KafkaSerializer).configure?.(this.#properties, which === 'key');
  }
}

/** Finds what a name stands for that is said at a place. */
type Find<D> = (name: string, at: Place) => D;

function byToken<D>({ selectors, selectorsAt }: PartSettings, find: Find<D>): Record<string, D> {
  return Object.fromEntries(selectors.map(([token, name]) => [token, find(name, selectorsAt)]));
}

function topicRules<D>(part: PartSettings, caseCounts: boolean, find: Find<D>, mistakes: Mistake[]) {
  const rules = part.topics.flatMap(([pattern, name]) => {
    try {
      return [[new RegExp(pattern, caseCounts ? '' : 'i'), find(name, part.topicsAt)] as const];
    } catch (error) {
      mistakes.push({ ...part.topicsAt, value: pattern, problem: `no regular expression: ${messageOf(error)}` });
      return [];
    }
  });
  return {
    byTopic: rules,
    ...(part.otherwise === undefined ? {} : { otherwise: find(part.otherwise, part.otherwiseAt) }),
  };
}
