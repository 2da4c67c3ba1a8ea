import { type ClientKind, string } from '../config-key.js';
import { type InertProperty } from './client-properties.js';

// Properties of Spring's and Confluent's serializers that have no effect here; each says what takes its place.

const NO_METHODS = 'static methods of Java classes do not run here; give the listener a valueDeserializer of your own';
const NO_TEXT = 'text is written and read as it is; convert in the method';
const avro = (what: string) => `Avro is what avroSerde({ … }) makes, a provider of the application; give it ${what}`;
const GIVEN = avro('this property');

const BOTH: readonly ClientKind[] = ['consumer', 'producer'];

const inert = (doc: string, why: string): InertProperty => ({
  ...(string({ default: undefined, doc }) as InertProperty),
  clients: BOTH,
  inert: why,
});

export const SERDE_PROPERTIES: Readonly<Record<string, InertProperty>> = {
  'spring.json.remove.type.headers': inert(
    'Whether type headers are taken off.',
    'records keep the headers that they came with',
  ),
  'spring.json.key.type.method': inert('Method that names the type of a key.', NO_METHODS),
  'spring.json.value.type.method': inert('Method that names the type of a value.', NO_METHODS),
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
  'spring.kafka.value.serialization.selector.config': inert(
    'Nothing in Spring either.',
    "Spring's name for values is spring.kafka.serialization.selector.config; use that",
  ),
  'schema.registry.url': inert('Address of the schema registry.', GIVEN),
  'basic.auth.credentials.source': inert(
    'How the schema registry is logged in to.',
    avro('basic.auth.user.info, user:password'),
  ),
  'basic.auth.user.info': inert('User and password of the schema registry.', GIVEN),
  'schema.registry.basic.auth.user.info': inert(
    'User and password of the schema registry.',
    avro('basic.auth.user.info'),
  ),
  'auto.register.schemas': inert('Whether schemas are registered.', GIVEN),
  'use.latest.version': inert('Whether the latest schema is used.', GIVEN),
  'specific.avro.reader': inert('Whether Avro is read into classes.', avro('readerSchema, what records are read into')),
  'value.subject.name.strategy': inert(
    'Names of schemas of values.',
    avro('subject: TopicName, RecordName or TopicRecordName'),
  ),
  'key.subject.name.strategy': inert(
    'Names of schemas of keys.',
    avro('isKey, and subject: TopicName, RecordName or TopicRecordName'),
  ),
};
