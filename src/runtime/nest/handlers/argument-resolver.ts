import { NestdawError } from '../../../common/errors.js';
import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type ParameterKind } from '../../../decorators/metadata-keys.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { type KafkaListenerContext } from './listener-context.js';
import { guarded, type PayloadConverter, positionOf } from './payload-converter.js';

// From a call to the arguments of the user's method: one resolver per parameter, chosen once, at start.

/** Value of one parameter; a promise only for payloads with asynchronous constraints. */
export type ArgumentResolver = (decoded: unknown, context: KafkaListenerContext) => unknown;

export interface ArgumentRequest {
  readonly kind: ParameterKind;
  readonly data: unknown;
  readonly metatype: unknown;
  readonly batch: boolean;
  readonly converter: PayloadConverter;
  /** Keys as bytes where the parameter's type does not say (`kafka.consumer.key-deserializer`). */
  readonly keysAsBytes: boolean;
  /** Reads keys that are not declared as bytes. */
  readonly keyDeserializer?: Deserializer | undefined;
}

export function argumentResolver(request: ArgumentRequest): ArgumentResolver {
  const { kind, batch } = request;
  switch (kind) {
    case 'payload':
      return picked(batch ? batchPayload(request.converter) : singlePayload(request.converter), request.data);
    case 'context':
      return (_decoded, context) => context;
    case 'acknowledgment':
      return (_decoded, context) => context.acknowledgment;
    case 'signal':
      return (_decoded, context) => context.signal;
    case 'sql':
      return (_decoded, context) => context.sql;
    case 'consumer':
      return (_decoded, context) => context.consumer;
    case 'record':
      return batch ? (_decoded, context) => context.records : (_decoded, context) => context.record;
    case 'key':
      return ofRecords(batch, keyReader(request));
    case 'header': {
      const known = offeredHeader(String(request.data), batch);
      if (known) return known;
      return ofRecords(batch, headerReader(String(request.data), request.metatype));
    }
    case 'headers':
      return ofRecords(batch, headersOf);
  }
}

type Offered = (record: KafkaRecord) => unknown;

/** What records, not their headers, tell under Spring's names. */
const OF_RECORD: Readonly<Record<string, Offered>> = {
  [KafkaHeaders.RECEIVED_TOPIC]: ({ topic }) => topic,
  [KafkaHeaders.RECEIVED_PARTITION]: ({ partition }) => partition,
  [KafkaHeaders.RECEIVED_KEY]: ({ key }) => key?.toString() ?? null,
  [KafkaHeaders.RECEIVED_TIMESTAMP]: ({ timestamp }) => timestamp,
  [KafkaHeaders.OFFSET]: ({ offset }) => offset,
};

/** What the call tells; the same for all records of a batch. */
const OF_CALL: Readonly<Record<string, (context: KafkaListenerContext) => unknown>> = {
  [KafkaHeaders.GROUP_ID]: ({ groupId }) => groupId,
  [KafkaHeaders.LISTENER_INFO]: ({ info }) => info,
  [KafkaHeaders.DELIVERY_ATTEMPT]: ({ attempt }) => attempt,
};

function offeredHeader(name: string, batch: boolean): ArgumentResolver | undefined {
  if (Object.hasOwn(OF_RECORD, name)) return ofRecords(batch, OF_RECORD[name]!);
  if (!Object.hasOwn(OF_CALL, name)) return undefined;
  const read = OF_CALL[name]!;
  return (_decoded, context) => read(context);
}

function singlePayload(converter: PayloadConverter): ArgumentResolver {
  return (decoded, context) => converter.shape(decoded, context.record);
}

function batchPayload(converter: PayloadConverter): ArgumentResolver {
  return (decoded, { records }) => {
    const shaped = (decoded as readonly unknown[]).map((one, index) =>
      atIndex(index, () => converter.shape(one, records[index]!)),
    );
    return shaped.some((one) => one instanceof Promise) ? Promise.all(shaped) : shaped;
  };
}

/** An error of one record of a batch, with the record's index: those before it are finished all the same. */
export class BatchRecordError extends Error {
  constructor(
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(`record ${index} of the batch failed`);
  }
}

/** Runs a step of one record of a batch so that its failure tells the index. */
export function atIndex<T>(index: number, step: () => T): T {
  let result: T;
  try {
    result = step();
  } catch (error) {
    throw new BatchRecordError(index, error);
  }
  if (!(result instanceof Promise)) return result;
  return result.catch((error: unknown) => {
    throw new BatchRecordError(index, error);
  }) as T;
}

function picked(resolve: ArgumentResolver, property: unknown): ArgumentResolver {
  if (typeof property !== 'string') return resolve;
  const pick = (payload: unknown): unknown =>
    Array.isArray(payload) ? payload.map(pick) : (payload as Record<string, unknown> | null)?.[property];
  return (decoded, context) => {
    const payload = resolve(decoded, context);
    return payload instanceof Promise ? payload.then(pick) : pick(payload);
  };
}

type RecordReader = (record: KafkaRecord) => unknown;

function ofRecords(batch: boolean, read: RecordReader): ArgumentResolver {
  return batch ? (_decoded, context) => context.records.map(read) : (_decoded, context) => read(context.record);
}

function keyReader({ metatype, keysAsBytes, keyDeserializer }: ArgumentRequest): RecordReader {
  if (keyDeserializer !== undefined && !isBytesType(metatype)) return guarded(keyDeserializer, true);
  const convert = bytesReader(metatype, keysAsBytes);
  return (record) => (record.key === null ? null : convert(record.key, record, 'key'));
}

function headerReader(name: string, metatype: unknown): RecordReader {
  const convert = bytesReader(metatype, false);
  return (record) => {
    const { headers } = record;
    for (let at = headers.length - 1; at >= 0; at--) {
      const header = headers[at]!;
      if (header.key === name) return header.value === null ? null : convert(header.value, record, `header ${name}`);
    }
    return undefined;
  };
}

function headersOf(record: KafkaRecord): Record<string, string | null> {
  const all: Record<string, string | null> = Object.create(null) as Record<string, string | null>;
  for (const { key, value } of record.headers) all[key] = value === null ? null : value.toString();
  return all;
}

function bytesReader(
  metatype: unknown,
  asBytes: boolean,
): (bytes: Buffer, record: KafkaRecord, what: string) => unknown {
  if (isBytesType(metatype) || (asBytes && metatype !== String && metatype !== Number)) return (bytes) => bytes;
  return metatype === Number ? readNumber : (bytes) => bytes.toString();
}

function isBytesType(metatype: unknown): boolean {
  return metatype === Uint8Array || (typeof metatype === 'function' && metatype.prototype instanceof Uint8Array);
}

function readNumber(bytes: Buffer, record: KafkaRecord, what: string): number {
  const text = bytes.toString();
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    const message = `the ${what} of ${positionOf(record)} is ${JSON.stringify(text.slice(0, 40))}, not a number`;
    throw new NestdawError('KAFKA_DESERIALIZATION_FAILED', message);
  }
  return value;
}
