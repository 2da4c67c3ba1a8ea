import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type ParameterKind } from '../../../decorators/metadata-keys.js';
import { type HeaderOptions } from '../../../decorators/parameters.js';
import { ConsumerRecords } from '../../listener/consumer-records.js';
import { type Deserializer } from '../../template/serdes/serde.js';
import { bytesReader, headerReader, headersOf, type RecordReader } from './header-reader.js';
import { type KafkaListenerContext } from './listener-context.js';
import { guarded, isBytes, type PayloadConverter } from './payload-converter.js';

// From a call to the arguments of the user's method: one resolver per parameter, chosen once, at start.

/** Value of one parameter; a promise only for payloads with asynchronous constraints. */
export type ArgumentResolver = (decoded: unknown, context: KafkaListenerContext) => unknown;

export interface ArgumentRequest {
  readonly kind: ParameterKind;
  readonly data: unknown;
  readonly metatype: unknown;
  /** Of `@Header`. */
  readonly options: HeaderOptions;
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
    case 'message':
      return messages(request);
    case 'record':
      if (batch && request.metatype === ConsumerRecords)
        return (_decoded, context) => new ConsumerRecords(context.records);
      return batch ? (_decoded, context) => context.records : (_decoded, context) => context.record;
    case 'key':
      return ofRecords(batch, keyReader(request));
    case 'header': {
      const name = String(request.data);
      const known = offeredHeader(name, request);
      if (known) return known;
      return ofRecords(
        batch,
        headerReader(name, request.metatype, !batch && request.metatype === Array, request.options),
      );
    }
    case 'headers':
      return ofRecords(batch, (record) => headersOf(record));
  }
}

type Offered = (record: KafkaRecord) => unknown;

/** What records, not their headers, tell under Spring's names. */
const OF_RECORD: Readonly<Record<string, Offered>> = {
  [KafkaHeaders.RECEIVED_TOPIC]: ({ topic }) => topic,
  [KafkaHeaders.RECEIVED_PARTITION]: ({ partition }) => partition,
  [KafkaHeaders.RECEIVED_TIMESTAMP]: ({ timestamp }) => timestamp,
  [KafkaHeaders.TIMESTAMP_TYPE]: ({ timestampType }) =>
    timestampType === 'LogAppendTime' ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
  [KafkaHeaders.RAW_DATA]: (record) => record,
  [KafkaHeaders.NATIVE_HEADERS]: ({ headers }) => headers,
  [KafkaHeaders.BATCH_CONVERTED_HEADERS]: (record) => headersOf(record),
  [KafkaHeaders.OFFSET]: ({ offset }) => offset,
};

/** What the call tells; the same for all records of a batch. */
const OF_CALL: Readonly<Record<string, (context: KafkaListenerContext) => unknown>> = {
  [KafkaHeaders.GROUP_ID]: ({ groupId }) => groupId,
  [KafkaHeaders.LISTENER_INFO]: ({ info }) => info,
  [KafkaHeaders.DELIVERY_ATTEMPT]: ({ attempt }) => attempt,
  [KafkaHeaders.ACKNOWLEDGMENT]: ({ acknowledgment }) => acknowledgment,
  [KafkaHeaders.CONSUMER]: ({ consumer }) => consumer,
};

/** Whether a header's name stands for something that every record or call has. */
export function isOffered(name: string): boolean {
  return name === KafkaHeaders.RECEIVED_KEY || Object.hasOwn(OF_RECORD, name) || isOfCall(name);
}

/** Whether a header's name stands for something that a call has once, of a batch too. */
export function isOfCall(name: string): boolean {
  return Object.hasOwn(OF_CALL, name);
}

function offeredHeader(name: string, request: ArgumentRequest): ArgumentResolver | undefined {
  const { batch } = request;
  if (name === KafkaHeaders.RECEIVED_KEY) return ofRecords(batch, keyReader(request));
  if (Object.hasOwn(OF_RECORD, name)) return ofRecords(batch, OF_RECORD[name]!);
  if (!isOfCall(name)) return undefined;
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

/** In a batch one for each record; a record whose part cannot be read is told by its index. */
function ofRecords(batch: boolean, read: RecordReader): ArgumentResolver {
  if (!batch) return (_decoded, context) => read(context.record);
  return (_decoded, { records }) => records.map((record, index) => atIndex(index, () => read(record)));
}

function keyReader({ metatype, keysAsBytes, keyDeserializer }: ArgumentRequest): RecordReader {
  if (keyDeserializer !== undefined && !isBytes(metatype)) return guarded(keyDeserializer, true);
  const convert = bytesReader(metatype, keysAsBytes);
  return (record) => (record.key === null ? null : convert(record.key, record, 'key'));
}

/** What the message of a record has beside its own headers, as in Spring. */
function messageOf(payload: unknown, record: KafkaRecord, key: RecordReader): object {
  const headers: Record<string, unknown> = headersOf(record, true);
  for (const name of Object.keys(OF_RECORD)) {
    const isWhole = name === KafkaHeaders.RAW_DATA || name === KafkaHeaders.NATIVE_HEADERS;
    if (!isWhole && name !== KafkaHeaders.BATCH_CONVERTED_HEADERS) headers[name] = OF_RECORD[name]!(record);
  }
  headers[KafkaHeaders.RECEIVED_KEY] = key(record);
  return { payload, headers };
}

function messages(request: ArgumentRequest): ArgumentResolver {
  const key = keyReader({ ...request, metatype: undefined });
  if (!request.batch) {
    const payload = singlePayload(request.converter);
    return (decoded, context) => then(payload(decoded, context), (value) => messageOf(value, context.record, key));
  }
  const payloads = batchPayload(request.converter);
  return (decoded, context) =>
    then(payloads(decoded, context), (values) =>
      (values as unknown[]).map((value, index) => atIndex(index, () => messageOf(value, context.records[index]!, key))),
    );
}

function then(value: unknown, change: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(change) : change(value);
}
