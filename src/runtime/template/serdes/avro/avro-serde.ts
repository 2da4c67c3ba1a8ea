import { messageOf, NestdawError } from '../../../../common/errors.js';
import { PendingBytes } from '../pending-bytes.js';
import { type Deserializer, type Serde, type Serializer } from '../serde.js';
import { type AvroType, avroType, loadAvsc, misfitOf } from './avro-types.js';
import { SchemaRegistry, type SchemaRegistryOptions } from './schema-registry.js';

// Avro with the schema apart: a record has a zero byte, the four bytes of its schema's id, and what Avro writes.
// Serializers answer at once, so ids are asked for before the first send; a reader waits for a schema it has not seen.

/** Whose schemas must be compatible with each other (Confluent: `value.subject.name.strategy`). */
export type SubjectStrategy = 'TopicName' | 'RecordName' | 'TopicRecordName';

/** An Avro schema: its JSON as text, or parsed. */
export type AvroSchema = string | object;

/** How values are written in Avro and read from it; keys of Confluent's clients have their names. */
export interface AvroSerdeOptions extends SchemaRegistryOptions {
  /** What is written with. Not needed for reading only, nor with `use.latest.version`. */
  readonly schema?: AvroSchema | undefined;
  /** What is read into, whatever a record was written with. Default `schema`, else each record's own. */
  readonly readerSchema?: AvroSchema | undefined;
  /** Topics that are sent to: their schema's id is asked for before the serde is given out. */
  readonly topics?: readonly string[] | undefined;
  /** Keys instead of values: subjects end in `-key`. Default false. */
  readonly isKey?: boolean | undefined;
  /** Default TopicName: `orders-value`. */
  readonly subject?: SubjectStrategy | undefined;
  /** Whether a schema is registered that the registry does not know. Default true. */
  readonly 'auto.register.schemas'?: boolean | undefined;
  /** Writes with the newest schema of the subject; nothing is registered. Default false. */
  readonly 'use.latest.version'?: boolean | undefined;
  /** Options of avsc for every type, `logicalTypes` for example. */
  readonly avro?: object | undefined;
}

/** What a topic is written with. */
interface Writer {
  readonly id: number;
  readonly subject: string;
  readonly type: AvroType;
}

interface Reader {
  readonly type: AvroType;
  readonly resolver: object | undefined;
}

const MAGIC = 0;
const HEADER_BYTES = 5;

/**
 * A serde for Avro whose topics are ready to be sent to (Confluent: `KafkaAvroSerializer`, `KafkaAvroDeserializer`).
 * Rejects with KAFKA_SCHEMA_REGISTRY_FAILED where the registry does not answer or refuses a schema, with
 * KAFKA_CONFIG_INVALID for options or schemas that are none, and where the package avsc is not installed.
 */
export async function avroSerde(options: AvroSerdeOptions): Promise<AvroSerde> {
  const serde = new AvroSerde(options);
  await serde.prepare(...(options.topics ?? []));
  return serde;
}

/** Avro by a registry's schemas, as `avroSerde` makes it. */
export class AvroSerde implements Serde {
  readonly #options: AvroSerdeOptions;
  readonly #registry: SchemaRegistry;
  readonly #avsc = loadAvsc();
  readonly #own: { readonly text: string; readonly type: AvroType } | undefined;
  readonly #readerType: AvroType | undefined;
  readonly #writers = new Map<string, Writer>();
  readonly #readers = new Map<number, Reader>();
  #scratch = Buffer.allocUnsafe(1024);

  constructor(options: AvroSerdeOptions) {
    this.#options = options;
    this.#registry = new SchemaRegistry(options);
    const { schema, readerSchema } = options;
    const own = (given: AvroSchema, name: string) => {
      const text = typeof given === 'string' ? given : JSON.stringify(given);
      return { text, type: this.#typeOf(text, `${name} of avroSerde`) };
    };
    this.#own = schema === undefined ? undefined : own(schema, 'schema');
    this.#readerType = readerSchema === undefined ? this.#own?.type : own(readerSchema, 'readerSchema').type;
  }

  /** Asks for the ids of the schemas that these topics are written with; errors as those of `avroSerde`. */
  async prepare(...topics: readonly string[]): Promise<void> {
    await Promise.all(
      topics.map(async (topic) => {
        try {
          this.#writers.set(topic, await this.#writerOf(topic));
        } catch (error) {
          if (!(error instanceof NestdawError)) throw error;
          const { code, message, retriable } = error;
          throw new NestdawError(code, `topic ${topic}: ${message}`, { retriable, cause: error });
        }
      }),
    );
  }

  /** Writes with the schema of the topic. Throws KAFKA_SERIALIZATION_FAILED. */
  readonly serializer: Serializer = (topic, value) => {
    if (value === null || value === undefined) return null;
    const writer = this.#writers.get(topic);
    if (writer === undefined) {
      const advice = `name it in topics of avroSerde, or await prepare('${topic}') before the first send`;
      throw refusal(`the ${this.#what} for topic ${topic} has no Avro schema yet: ${advice}`);
    }
    return this.#write(topic, writer, value);
  };

  /**
   * Reads by the id in the bytes. Throws KAFKA_SCHEMA_REGISTRY_FAILED, retriable, while the schema is asked for;
   * listeners wait for it.
   */
  readonly deserializer: Deserializer = (topic, bytes) => {
    if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) {
      throw new Error(
        `no Avro by a schema registry: it begins with ${bytes.toString('hex', 0, HEADER_BYTES) || 'nothing'}, not with 00 ` +
          'and the four bytes of a schema id; read it with the deserializer of its own format',
      );
    }
    const id = bytes.readUInt32BE(1);
    const reader = this.#readers.get(id);
    if (reader === undefined) throw this.#pending(topic, id);
    try {
      return reader.type.fromBuffer(bytes.subarray(HEADER_BYTES), reader.resolver);
    } catch (error) {
      throw new Error(`schema id ${id} does not describe these bytes: ${messageOf(error)}`, { cause: error });
    }
  };

  /** As `serializer`, for a provider of the application. */
  serialize(...args: Parameters<Serializer>): ReturnType<Serializer> {
    return this.serializer(...args);
  }

  /** As `deserializer`, for a provider of the application. */
  deserialize(...args: Parameters<Deserializer>): unknown {
    return this.deserializer(...args);
  }

  get #what(): 'key' | 'value' {
    return this.#options.isKey === true ? 'key' : 'value';
  }

  #write(topic: string, { id, subject, type }: Writer, value: unknown): Buffer {
    let end: number;
    try {
      end = type.encode(value, this.#scratch, HEADER_BYTES);
      if (end < 0) {
        // What was lacking comes as a negative number.
        this.#scratch = Buffer.allocUnsafe(2 * (this.#scratch.length - end));
        end = type.encode(value, this.#scratch, HEADER_BYTES);
      }
    } catch (error) {
      const why = misfitOf(type, value) ?? messageOf(error);
      throw refusal(
        `the ${this.#what} for topic ${topic} does not fit schema id ${id} of subject ${subject}: ${why}`,
        error,
      );
    }
    const bytes = Buffer.from(this.#scratch.subarray(0, end));
    bytes[0] = MAGIC;
    bytes.writeUInt32BE(id, 1);
    return bytes;
  }

  async #writerOf(topic: string): Promise<Writer> {
    const subject = this.#subjectOf(topic);
    if (this.#options['use.latest.version'] === true) {
      const { id, schema } = await this.#registry.latest(subject);
      return { id, subject, type: this.#typeOf(schema, `schema id ${id} of subject ${subject}`) };
    }
    const own = this.#own;
    if (own === undefined) throw invalid('avroSerde writes with its schema: give one, or use.latest.version: true');
    const isRegistering = this.#options['auto.register.schemas'] !== false;
    const id = await (isRegistering
      ? this.#registry.register(subject, own.text)
      : this.#registry.find(subject, own.text));
    return { id, subject, type: own.type };
  }

  #subjectOf(topic: string): string {
    const { subject = 'TopicName' } = this.#options;
    if (subject === 'TopicName') return `${topic}-${this.#what}`;
    const name = this.#own?.type.name;
    if (name === undefined) throw invalid(`subject: '${subject}' needs a schema that has a name: give schema a record`);
    if (subject === 'RecordName') return name;
    if (subject === 'TopicRecordName') return `${topic}-${name}`;
    throw invalid(`subject is ${String(subject)}; one of TopicName, RecordName, TopicRecordName`);
  }

  #pending(topic: string, id: number): PendingBytes {
    const ready = this.#registry.schemaOf(id).then((text) => {
      if (!this.#readers.has(id)) this.#readers.set(id, this.#readerOf(id, text));
    });
    return new PendingBytes(`topic ${topic}: schema id ${id} is being asked for at ${this.#registry.where}`, ready);
  }

  #readerOf(id: number, text: string): Reader {
    const written = this.#typeOf(text, `schema id ${id} of ${this.#registry.where}`);
    const type = this.#readerType;
    if (type === undefined) return { type: written, resolver: undefined };
    try {
      return { type, resolver: type.createResolver(written) };
    } catch (cause) {
      const advice = 'give new fields of it a default, or another readerSchema';
      const message = `schema id ${id} cannot be read into the reader's schema (${messageOf(cause)}): ${advice}`;
      throw new NestdawError('KAFKA_DESERIALIZATION_FAILED', message, { cause });
    }
  }

  #typeOf(text: string, what: string): AvroType {
    return avroType(this.#avsc, text, what, this.#options.avro ?? {});
  }
}

function refusal(message: string, cause?: unknown): NestdawError {
  return new NestdawError('KAFKA_SERIALIZATION_FAILED', message, { cause });
}

function invalid(message: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', message);
}
