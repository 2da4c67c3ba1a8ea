import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
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

/**
 * The converter for a declared type: `String` is text, `Buffer` the bytes, a class of the application's an instance of
 * it, everything else what `undeclared` says for types that the compiler does not tell.
 */
export function payloadConverter(type: unknown, undeclared: ValueFormat): PayloadConverter {
  const target = classOf(type);
  if (target) return new ClassConverter(target);
  const format = formatOf(type, undeclared);
  return { hasProperties: format === 'json', decode: DECODERS[format], shape: (decoded) => decoded };
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

function isBytes(type: unknown): boolean {
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
    throw new NestdawError(
      'KAFKA_DESERIALIZATION_FAILED',
      `the value of ${positionOf(record)} (${value.length} bytes) is no JSON: ${messageOf(error)}; ` +
        'declare the payload as string or Buffer to read it as it is',
      { cause: error },
    );
  }
}

class ClassConverter implements PayloadConverter {
  readonly #type: ClassConstructor<object>;
  readonly #validate: PayloadValidator | undefined;
  readonly hasProperties = true;
  readonly decode = DECODERS.json;

  constructor(type: ClassConstructor<object>) {
    this.#type = type;
    this.#validate = payloadValidator(type);
  }

  shape(decoded: unknown, record: KafkaRecord): unknown {
    if (record.value === null) return null;
    const instance = this.#instanceOf(decoded, record);
    return this.#validate ? this.#validate(instance, () => positionOf(record)) : instance;
  }

  #instanceOf(decoded: unknown, record: KafkaRecord): object {
    if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded)) {
      const found = Array.isArray(decoded) ? 'an array' : JSON.stringify(decoded).slice(0, 40);
      const message = `the value of ${positionOf(record)} is ${found}, not an object of ${this.#type.name}`;
      throw new NestdawError('KAFKA_DESERIALIZATION_FAILED', message);
    }
    try {
      return plainToInstance(this.#type, decoded);
    } catch (error) {
      throw new NestdawError(
        'KAFKA_DESERIALIZATION_FAILED',
        `the value of ${positionOf(record)} cannot become a ${this.#type.name}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}
