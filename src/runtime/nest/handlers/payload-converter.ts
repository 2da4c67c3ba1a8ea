import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type JsonClass } from '../../template/serdes/json-types.js';
import { isPendingBytes, PendingBytes } from '../../template/serdes/pending-bytes.js';
import { DeserializationError } from '../../template/serdes/refusals.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { type PayloadValidator, payloadValidator } from './payload-validator.js';

// From a record's bytes to what the payload parameter is declared to be, in two steps: decoding (guards and
// interceptors see its result), then shaping into a class with validation. What cannot be converted is fatal: the same
// bytes will not convert at the next try either.

export interface PayloadConverter {
  /** Whether the payload may be an object: parsed JSON, or an instance. */
  readonly hasProperties: boolean;
  /** Text, bytes or parsed JSON; null for a tombstone. Throws KAFKA_DESERIALIZATION_FAILED. */
  decode(record: KafkaRecord): unknown;
  /** An instance of the class, where there is one; a promise only if the class has asynchronous constraints. */
  shape(decoded: unknown, record: KafkaRecord): unknown;
}

/** The class that a declared type turns payloads into; undefined for text, bytes and what JSON gives by itself. */
export function payloadClassOf(type: unknown): ClassConstructor<object> | undefined {
  return classOf(type);
}

export type ValueFormat = 'json' | 'string' | 'bytes';

/** How payloads are read where the declared type does not say, or is not asked. */
export interface PayloadDecoding {
  /** What undeclared payloads are. */
  readonly format: ValueFormat;
  /** Reads every payload that is not declared as bytes; undefined: text, bytes or JSON, as declared. */
  readonly deserializer?: Deserializer | undefined;
  /** The class that a record names for an undeclared JSON payload, for the elements where it is an array. */
  readonly typeOf?: ((record: KafkaRecord) => JsonClass | undefined) | undefined;
}

/**
 * The converter for a declared type: `String` is text, `Buffer` the bytes, a class of the application's an instance of
 * it, everything else what `undeclared` says for types that the compiler does not tell.
 */
export function payloadConverter(type: unknown, undeclared: ValueFormat | PayloadDecoding): PayloadConverter {
  const decoding: PayloadDecoding = typeof undeclared === 'string' ? { format: undeclared } : undeclared;
  const { deserializer, typeOf } = decoding;
  const target = classOf(type);
  if (deserializer !== undefined && !isBytes(type)) return readBy(guarded(deserializer), target, type);
  if (target) return new ClassConverter(target, DECODERS.json);
  const format = formatOf(type, decoding.format);
  if (format === 'json' && typeOf !== undefined) return new NamedTypeConverter(typeOf);
  return { hasProperties: format === 'json', decode: DECODERS[format], shape: (decoded) => decoded };
}

/** A deserializer as a step of a record: nothing for tombstones, and errors that tell where. */
export function guarded(deserializer: Deserializer, isKey = false): (record: KafkaRecord) => unknown {
  return (record) => {
    const bytes = isKey ? record.key : record.value;
    if (bytes === null) return null;
    try {
      return deserializer(record.topic, bytes, record.headers);
    } catch (error) {
      if (isPendingBytes(error)) throw pendingAt(record, isKey, error);
      throw unreadable(record, isKey, messageOf(error), error);
    }
  };
}

/** The same wait; where it ends badly the error tells the record. What may go well later is worth the retries. */
function pendingAt(record: KafkaRecord, isKey: boolean, { message, ready }: PendingBytes): PendingBytes {
  const part = `the ${isKey ? 'key' : 'value'} of ${positionOf(record)}`;
  const known = ready.catch((cause: unknown) => {
    if (!(cause instanceof NestdawError) || !cause.retriable) throw unreadable(record, isKey, messageOf(cause), cause);
    throw new NestdawError(cause.code, `${part} cannot be read yet: ${cause.message}`, { retriable: true, cause });
  });
  return new PendingBytes(`${part}: ${message}`, known);
}

function readBy(decode: (record: KafkaRecord) => unknown, target: ReturnType<typeof classOf>, type: unknown) {
  if (target) return new ClassConverter(target, decode);
  const shape = type === String ? textOf : (decoded: unknown) => decoded;
  return { hasProperties: true, decode, shape };
}

/** A number has a text; what has none is left to the method. */
function textOf(decoded: unknown): unknown {
  return typeof decoded === 'number' || typeof decoded === 'bigint' || typeof decoded === 'boolean'
    ? String(decoded)
    : decoded;
}

function unreadable(record: KafkaRecord, isKey: boolean, why: string, cause?: unknown): DeserializationError {
  const { topic, headers } = record;
  const data = (isKey ? record.key : record.value)!;
  const message = `the ${isKey ? 'key' : 'value'} of ${positionOf(record)} (${data.length} bytes) cannot be read: ${why}`;
  return new DeserializationError(message, { isKey, data, topic, headers }, cause);
}

/** Where a record stands: `orders-3@42`. */
export function positionOf({ topic, partition, offset }: KafkaRecord): string {
  return `${topic}-${partition}@${offset}`;
}

const DECODERS: Readonly<Record<ValueFormat, (record: KafkaRecord) => unknown>> = {
  bytes: ({ value }) => value,
  string: ({ value }) => (value === null ? null : value.toString()),
  json: (record) => (record.value === null ? null : parseJson(record, record.value)),
};

/** Types that JSON gives by itself, or that say nothing. */
const PLAIN_TYPES = new Set<unknown>([
  Object,
  Array,
  Number,
  Boolean,
  BigInt,
  Symbol,
  Function,
  Promise,
  Date,
  Map,
  Set,
]);

function classOf(type: unknown): ClassConstructor<object> | undefined {
  if (typeof type !== 'function' || PLAIN_TYPES.has(type) || type === String || isBytes(type)) return undefined;
  return type as ClassConstructor<object>;
}

/** A declared type that is bytes. */
export function isBytes(type: unknown): boolean {
  return typeof type === 'function' && (type === Uint8Array || type.prototype instanceof Uint8Array);
}

function formatOf(type: unknown, undeclared: ValueFormat): ValueFormat {
  if (type === String) return 'string';
  if (isBytes(type)) return 'bytes';
  return type === undefined || type === Object ? undeclared : 'json';
}

function parseJson(record: KafkaRecord, value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch (error) {
    const { topic, headers } = record;
    throw new DeserializationError(
      `the value of ${positionOf(record)} (${value.length} bytes) is no JSON: ${messageOf(error)}; ` +
        'declare the payload as string or Buffer to read it as it is',
      { isKey: false, data: value, topic, headers },
      error,
    );
  }
}

/** JSON whose class each record names itself. */
class NamedTypeConverter implements PayloadConverter {
  readonly hasProperties = true;
  readonly decode = DECODERS.json;
  readonly #typeOf: (record: KafkaRecord) => JsonClass | undefined;
  readonly #converters = new Map<JsonClass, ClassConverter>();

  constructor(typeOf: (record: KafkaRecord) => JsonClass | undefined) {
    this.#typeOf = typeOf;
  }

  shape(decoded: unknown, record: KafkaRecord): unknown {
    const type = this.#typeOf(record);
    if (type === undefined || decoded === null) return decoded;
    let converter = this.#converters.get(type);
    if (converter === undefined) {
      converter = new ClassConverter(type, this.decode);
      this.#converters.set(type, converter);
    }
    const known = converter;
    if (!Array.isArray(decoded)) return known.shape(decoded, record);
    const shaped = decoded.map((one) => known.shape(one, record));
    return shaped.some((one) => one instanceof Promise) ? Promise.all(shaped) : shaped;
  }
}

class ClassConverter implements PayloadConverter {
  readonly #type: ClassConstructor<object>;
  readonly #validate: PayloadValidator | undefined;
  readonly hasProperties = true;
  readonly decode: (record: KafkaRecord) => unknown;

  constructor(type: ClassConstructor<object>, decode: (record: KafkaRecord) => unknown) {
    this.decode = decode;
    this.#type = type;
    this.#validate = payloadValidator(type);
  }

  shape(decoded: unknown, record: KafkaRecord): unknown {
    if (record.value === null) return null;
    const instance = instanceFrom(this.#type, decoded, record);
    const validate =
      instance.constructor === this.#type ? this.#validate : validatorOf(instance.constructor as JsonClass);
    return validate ? validate(instance, () => positionOf(record)) : instance;
  }
}

/** An instance of the class. Throws KAFKA_DESERIALIZATION_FAILED for what can be none. */
export function instanceFrom(type: ClassConstructor<object>, decoded: unknown, record: KafkaRecord): object {
  if (decoded instanceof type) return decoded;
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded)) {
    const found = Array.isArray(decoded) ? 'an array' : String(JSON.stringify(decoded)).slice(0, 40);
    throw unshaped(record, `is ${found}, not an object of ${type.name}`);
  }
  try {
    return plainToInstance(type, decoded);
  } catch (error) {
    throw unshaped(record, `cannot become a ${type.name}: ${messageOf(error)}`, error);
  }
}

const validators = new WeakMap<JsonClass, PayloadValidator | 'none'>();

/** Of a subclass, which has constraints of its own. */
function validatorOf(type: JsonClass): PayloadValidator | undefined {
  let found = validators.get(type);
  if (found === undefined) {
    found = payloadValidator(type) ?? 'none';
    validators.set(type, found);
  }
  return found === 'none' ? undefined : found;
}

function unshaped(record: KafkaRecord, why: string, cause?: unknown): DeserializationError {
  const { topic, headers, value } = record;
  const about = { isKey: false, data: value ?? Buffer.alloc(0), topic, headers };
  return new DeserializationError(`the value of ${positionOf(record)} ${why}`, about, cause);
}
