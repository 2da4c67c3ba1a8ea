import { type ClientKind, string } from '../config-key.js';
import { type InertProperty } from './client-properties.js';

// Properties of Spring's and Confluent's serializers, which travel among the client properties. None of them has an
// effect here; each says what takes its place.

const JSON_TYPES =
  'the class comes from the parameter of the listener (or payload: in @KafkaListener), among @KafkaHandler methods from ' +
  'the header that typeHeader: names; none is written';
const NO_DELEGATES = 'serializers are not chosen by topic or header yet; use a listener for each topic';
const NO_TEXT = 'text is written and read as it is; convert in the method';
const NO_REGISTRY = 'there is no schema registry client here yet; use JSON, or bytes of your own';

const BOTH: readonly ClientKind[] = ['consumer', 'producer'];

const inert = (doc: string, why: string): InertProperty => ({
  ...(string({ default: undefined, doc }) as InertProperty),
  clients: BOTH,
  inert: why,
});

export const SERDE_PROPERTIES: Readonly<Record<string, InertProperty>> = {
  'spring.json.add.type.headers': {
    ...inert('Whether JSON records name their Java type.', JSON_TYPES),
    holds: 'false',
  },
  'spring.json.use.type.headers': {
    ...inert('Whether the type named by a record is used.', JSON_TYPES),
    holds: 'false',
  },
  'spring.json.remove.type.headers': inert('Whether type headers are taken off.', JSON_TYPES),
  'spring.json.type.mapping': inert('Names of types.', JSON_TYPES),
  'spring.json.trusted.packages': inert('Packages whose types may be made.', JSON_TYPES),
  'spring.json.key.default.type': inert('Type of keys without a header.', JSON_TYPES),
  'spring.json.value.default.type': inert('Type of values without a header.', JSON_TYPES),
  'spring.json.key.type.method': inert('Method that names the type of a key.', JSON_TYPES),
  'spring.json.value.type.method': inert('Method that names the type of a value.', JSON_TYPES),
  'spring.deserializer.key.function': inert(
    'What stands for a key that cannot be read.',
    'a failed record keeps its raw bytes',
  ),
  'spring.deserializer.value.function': inert(
    'What stands for a value that cannot be read.',
    'a failed record keeps its raw bytes',
  ),
  'spring.deserializer.validator.class': inert(
    'Validator of what was read.',
    'payload classes are validated by their decorators of class-validator',
  ),
  'spring.message.add.type.headers': inert('Whether text records name their type.', NO_TEXT),
  'spring.message.key.parser': inert('Method that reads a key from text.', NO_TEXT),
  'spring.message.value.parser': inert('Method that reads a value from text.', NO_TEXT),
  'spring.kafka.key.serialization.selector.config': inert('Serializers by header, for keys.', NO_DELEGATES),
  'spring.kafka.value.serialization.selector.config': inert('Serializers by header, for values.', NO_DELEGATES),
  'spring.kafka.key.serialization.bytopic.config': inert('Serializers by topic, for keys.', NO_DELEGATES),
  'spring.kafka.value.serialization.bytopic.config': inert('Serializers by topic, for values.', NO_DELEGATES),
  'spring.kafka.key.serialization.bytopic.default': inert('Serializer of all other topics, for keys.', NO_DELEGATES),
  'spring.kafka.value.serialization.bytopic.default': inert(
    'Serializer of all other topics, for values.',
    NO_DELEGATES,
  ),
  'spring.kafka.value.serialization.bytopic.case.insensitive': inert('How topics are compared.', NO_DELEGATES),
  'schema.registry.url': inert('Address of the schema registry.', NO_REGISTRY),
  'basic.auth.credentials.source': inert('How the schema registry is logged in to.', NO_REGISTRY),
  'basic.auth.user.info': inert('User and password of the schema registry.', NO_REGISTRY),
  'schema.registry.basic.auth.user.info': inert('User and password of the schema registry.', NO_REGISTRY),
  'auto.register.schemas': inert('Whether schemas are registered.', NO_REGISTRY),
  'use.latest.version': inert('Whether the latest schema is used.', NO_REGISTRY),
  'specific.avro.reader': inert('Whether Avro is read into classes.', NO_REGISTRY),
  'value.subject.name.strategy': inert('Names of schemas of values.', NO_REGISTRY),
  'key.subject.name.strategy': inert('Names of schemas of keys.', NO_REGISTRY),
};
