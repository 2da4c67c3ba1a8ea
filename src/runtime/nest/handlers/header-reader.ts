import { isUtf8 } from 'node:buffer';
import { NestdawError } from '../../../common/errors.js';
import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type HeaderOptions } from '../../../decorators/parameters.js';
import { lastHeader, numberOf } from '../../dead-letters/header-bytes.js';
import { RetryHeaders } from '../../retry/retry-headers.js';
import { isBytes, positionOf } from './payload-converter.js';

// Headers and keys as what a parameter is declared to be.

/** Value of a parameter that is about one record. */
export type RecordReader = (record: KafkaRecord) => unknown;

/** One header, the last of its name; of a parameter that is an array, all of that name. */
export function headerReader(
  name: string,
  metatype: unknown,
  isList: boolean,
  { required = false, defaultValue }: HeaderOptions,
): RecordReader {
  const isBinary = BIG_ENDIAN.has(name);
  const convert = bytesReader(metatype, false);
  const what = `header ${name}`;
  const read = (bytes: Buffer | null, record: KafkaRecord): unknown => {
    if (bytes === null) return null;
    return isBinary && metatype === Number ? (numberOf(bytes) ?? null) : convert(bytes, record, what);
  };
  const missing = (record: KafkaRecord): unknown => {
    if (!required || defaultValue !== undefined) return defaultValue;
    throw new NestdawError('KAFKA_VALIDATION_FAILED', `${positionOf(record)} has no header ${name}, which is required`);
  };
  if (isList) {
    return (record) => {
      const found = record.headers.flatMap(({ key, value }) => (key === name ? [read(value, record)] : []));
      return found.length > 0 ? found : (missing(record) ?? []);
    };
  }
  return (record) => {
    const found = lastHeader(record, name);
    return found === undefined ? missing(record) : read(found, record);
  };
}

/** All headers as text; what is no UTF-8 stays bytes where `bytes` says so. */
export function headersOf(record: KafkaRecord, bytes = false): Record<string, string | Buffer | null> {
  const all = Object.create(null) as Record<string, string | Buffer | null>;
  for (const { key, value } of record.headers) {
    all[key] = value === null ? null : bytes && !isUtf8(value) ? value : value.toString();
  }
  return all;
}

/** Reads bytes as a parameter's type wants them. */
export function bytesReader(
  metatype: unknown,
  asBytes: boolean,
): (bytes: Buffer, record: KafkaRecord, what: string) => unknown {
  if (isBytes(metatype)) return (bytes) => bytes;
  const convert = TYPED.get(metatype);
  if (convert === undefined) return asBytes && metatype !== String ? (bytes) => bytes : textOf;
  return (bytes, record, what) => {
    const text = bytes.toString();
    const value = text.trim() === '' ? undefined : convert(text.trim());
    if (value !== undefined) return value;
    const shown = JSON.stringify(text.slice(0, 40));
    const message = `the ${what} of ${positionOf(record)} is ${shown}, not a ${(metatype as { name: string }).name.toLowerCase()}`;
    throw new NestdawError('KAFKA_DESERIALIZATION_FAILED', message);
  };
}

/** Whether headers and keys can be read as a declared type; what the compiler does not tell is text. */
export function isReadable(metatype: unknown): boolean {
  return (
    metatype === undefined || metatype === Object || metatype === String || TYPED.has(metatype) || isBytes(metatype)
  );
}

const textOf = (bytes: Buffer): string => bytes.toString();

const TYPED: ReadonlyMap<unknown, (text: string) => unknown> = new Map<unknown, (text: string) => unknown>([
  [Number, (text) => (Number.isNaN(Number(text)) ? undefined : Number(text))],
  [Boolean, (text) => (text === 'true' ? true : text === 'false' ? false : undefined)],
  [BigInt, (text) => (/^-?\d+$/.test(text) ? BigInt(text) : undefined)],
  [Date, (text) => dateOf(/^-?\d+$/.test(text) ? Number(text) : text)],
]);

function dateOf(given: number | string): Date | undefined {
  const date = new Date(given);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Headers that Spring writes as big-endian bytes. */
const BIG_ENDIAN: ReadonlySet<string> = new Set<string>([
  KafkaHeaders.REPLY_PARTITION,
  KafkaHeaders.DLT_ORIGINAL_PARTITION,
  KafkaHeaders.DLT_ORIGINAL_OFFSET,
  KafkaHeaders.DLT_ORIGINAL_TIMESTAMP,
  KafkaHeaders.ORIGINAL_PARTITION,
  KafkaHeaders.ORIGINAL_OFFSET,
  KafkaHeaders.ORIGINAL_TIMESTAMP,
  ...Object.values(RetryHeaders),
]);
