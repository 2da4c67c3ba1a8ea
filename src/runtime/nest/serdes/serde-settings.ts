import { type Encoding } from '../../../common/text-encodings.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Place, placeOf } from '../../config/mistake-at.js';

// What the properties say about serializers and deserializers, as plain data.

export type Part = 'key' | 'value';

/** How one of the two parts of a record is written, or read. */
export interface PartSettings {
  /** A format, or the name of a provider. */
  readonly name: string;
  /** Where that is said. */
  readonly at: Place;
  /** Formats by header: token and name. */
  readonly selectors: ReadonlyArray<readonly [token: string, name: string]>;
  readonly selectorsAt: Place;
  /** Formats by topic: pattern and name. */
  readonly topics: ReadonlyArray<readonly [pattern: string, name: string]>;
  readonly topicsAt: Place;
  readonly otherwise: string | undefined;
  readonly otherwiseAt: Place;
  /** Of the format `string`. */
  readonly encoding: Encoding;
}

export interface SerdeSettings {
  readonly key: PartSettings;
  readonly value: PartSettings;
  readonly caseCounts: boolean;
  readonly mapping: string | undefined;
  readonly mappingAt: Place;
}

/** The keys that name what a part is written or read with. */
type SerdeKey =
  | `producer.${Part}-serializer`
  | `consumer.${Part}-deserializer`
  | `consumer.properties.spring.deserializer.${Part}.delegate.class`;

export function serializerSettings(properties: KafkaProperties) {
  return {
    ...settings(properties, 'producer', (part) => `producer.${part}-serializer` as const, serializerEncoding),
    addTypeHeaders: properties.get('producer.properties.spring.json.add.type.headers'),
  };
}

export function deserializerSettings(properties: KafkaProperties) {
  const name = (part: Part) => {
    const own = `consumer.${part}-deserializer` as const;
    const delegate = `consumer.properties.spring.deserializer.${part}.delegate.class` as const;
    return properties.get(own) === 'delegate' ? delegate : own;
  };
  const trusted = properties.get('consumer.properties.spring.json.trusted.packages');
  return {
    ...settings(properties, 'consumer', name, deserializerEncoding),
    useTypeHeaders: properties.get('consumer.properties.spring.json.use.type.headers'),
    trustedPackages: trusted.length === 0 ? undefined : trusted,
    defaultTypes: {
      key: properties.get('consumer.properties.spring.json.key.default.type'),
      value: properties.get('consumer.properties.spring.json.value.default.type'),
    },
  };
}

const serializerEncoding = (properties: KafkaProperties, part: Part): Encoding =>
  properties.get(`producer.properties.${part}.serializer.encoding`) ??
  properties.get('producer.properties.serializer.encoding');

const deserializerEncoding = (properties: KafkaProperties, part: Part): Encoding =>
  properties.get(`consumer.properties.${part}.deserializer.encoding`) ??
  properties.get('consumer.properties.deserializer.encoding');

function settings(
  properties: KafkaProperties,
  client: 'consumer' | 'producer',
  nameOf: (part: Part) => SerdeKey,
  encodingOf: (properties: KafkaProperties, part: Part) => Encoding,
): SerdeSettings {
  const part = (which: Part): PartSettings => {
    const selector =
      which === 'key' ? 'spring.kafka.key.serialization.selector' : 'spring.kafka.serialization.selector';
    const name = nameOf(which);
    const selectors = `${client}.properties.${selector}.config` as const;
    const topics = `${client}.properties.spring.kafka.${which}.serialization.bytopic.config` as const;
    const otherwise = `${client}.properties.spring.kafka.${which}.serialization.bytopic.default` as const;
    return {
      name: properties.get(name) ?? 'auto',
      at: placeOf(properties, name),
      selectors: pairs(properties.get(selectors)),
      selectorsAt: placeOf(properties, selectors),
      topics: pairs(properties.get(topics)),
      topicsAt: placeOf(properties, topics),
      otherwise: properties.get(otherwise),
      otherwiseAt: placeOf(properties, otherwise),
      encoding: encodingOf(properties, which),
    };
  };
  const mapping = `${client}.properties.spring.json.type.mapping` as const;
  return {
    key: part('key'),
    value: part('value'),
    caseCounts: properties.get(`${client}.properties.spring.kafka.value.serialization.bytopic.case.insensitive`),
    mapping: properties.get(mapping),
    mappingAt: placeOf(properties, mapping),
  };
}

/** The last colon divides: patterns may hold some. */
function pairs(items: readonly string[]): Array<readonly [string, string]> {
  return items.map((item) => {
    const at = item.lastIndexOf(':');
    return [item.slice(0, at).trim(), item.slice(at + 1).trim()] as const;
  });
}
