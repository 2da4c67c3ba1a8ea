import { NestdawError } from '../../common/errors.js';
import { array, i8, i16, i32, i64, i64Exact, str } from '../../protocol/schema.js';
import { MessageCodec } from '../../protocol/schema-compiler.js';
import { WireReader } from '../../protocol/wire-reader.js';
import { type RecordBytes, type RecordCodec } from './coordinator-runtime.js';
import { PartitionSet } from './transaction/partition-set.js';
import { NO_EPOCH, type TransactionMetadata } from './transaction/transaction-metadata.js';
import { TRANSACTION_STATES } from './transaction/transaction-state.js';

// The records of `__transaction_state`, byte for byte as Kafka's tools read them. Version 1 of the value, which has
// the tagged fields, is written once the feature transaction.version is at 1 or above.

const KEY_VERSION = 0;
const NEWEST_VALUE = 1;

const keyCodec = new MessageCodec('transaction log key', { transactionalId: str }, Number.POSITIVE_INFINITY);
const valueCodec = new MessageCodec(
  'transaction log value',
  {
    producerId: i64Exact,
    producerEpoch: i16,
    timeoutMs: i32,
    status: i8,
    partitions: array({ topic: str, partitionIds: array(i32) }).nullable(),
    lastUpdateTimestamp: i64,
    startTimestamp: i64,
    previousProducerId: i64Exact.or(-1n).since(1).tag(0),
    nextProducerId: i64Exact.or(-1n).since(1).tag(1),
    clientVersion: i16.since(1).tag(2),
    nextProducerEpoch: i16.or(-1).since(1).tag(3),
  },
  1,
);

export interface TransactionRecord {
  readonly transactionalId: string;
  /** Null forgets the id. */
  readonly value: TransactionMetadata | null;
}

export function encodeTransactionRecord({ transactionalId, value }: TransactionRecord, version: number): RecordBytes {
  return {
    key: versioned(KEY_VERSION, keyCodec.toBuffer(KEY_VERSION, { transactionalId })),
    value: value && versioned(version, valueCodec.toBuffer(version, fieldsOf(value))),
  };
}

/** Undefined for keys of another kind than transactional ids. */
export function decodeTransactionRecord(key: Buffer, value: Buffer | null): TransactionRecord | undefined {
  const reader = new WireReader(key);
  if (reader.i16() !== KEY_VERSION) return undefined;
  const { transactionalId } = keyCodec.decode(reader, KEY_VERSION);
  return { transactionalId, value: value && decodeValue(value) };
}

/** Both directions, as the runtime takes them; `version` is asked for at every write. */
export function transactionRecordCodec(version: () => number): RecordCodec<TransactionRecord> {
  return { encode: (record) => encodeTransactionRecord(record, version()), decode: decodeTransactionRecord };
}

function fieldsOf(metadata: TransactionMetadata) {
  const { state, partitions } = metadata;
  const topics = [...partitions.topics].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }));
  return {
    ...metadata,
    status: TRANSACTION_STATES.indexOf(state),
    partitions: state === 'Empty' ? null : topics,
  };
}

function decodeValue(value: Buffer): TransactionMetadata {
  const reader = new WireReader(value);
  const version = reader.i16();
  if (version < 0 || version > NEWEST_VALUE) unknown(`a state of version ${version}`);
  const { status, partitions, nextProducerEpoch: _, ...fields } = valueCodec.decode(reader, version);
  const state = TRANSACTION_STATES[status] ?? unknown(`the state number ${status}`);
  const all = (partitions ?? []).flatMap(({ topic, partitionIds }) =>
    partitionIds.map((partition) => ({ topic, partition })),
  );
  return { ...fields, state, partitions: PartitionSet.of(all), lastProducerEpoch: NO_EPOCH };
}

function unknown(what: string): never {
  throw new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `__transaction_state holds ${what}, which this broker does not know. ` +
      'The directory was written by a newer broker: start that one, or use another data directory.',
  );
}

function versioned(version: number, body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(2 + body.length);
  out.writeInt16BE(version, 0);
  body.copy(out, 2);
  return out;
}
