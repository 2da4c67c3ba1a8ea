import { NestdawError } from '../../common/errors.js';
import { WireReader } from '../../protocol/wire-reader.js';
import { WireWriter } from '../../protocol/wire-writer.js';
import { METADATA_RECORDS, type MetadataRecordType, type RecordInput } from './metadata-records.js';

// One record of the metadata log: type, version and message, framed as Kafka frames them in a record's value.

const FRAME_VERSION = 1;

export interface MetadataRecord {
  readonly type: MetadataRecordType;
  readonly version: number;
  readonly message: unknown;
}

export function metadataRecord<T extends MetadataRecordType>(
  type: T,
  version: number,
  message: RecordInput<T>,
): MetadataRecord {
  return { type, version, message };
}

export function encodeMetadataRecord({ type, version, message }: MetadataRecord): Buffer {
  const writer = new WireWriter();
  writer.uvarint(FRAME_VERSION);
  writer.uvarint(type.key);
  writer.uvarint(version);
  type.codec.encode(writer, version, message as never);
  return writer.toBuffer();
}

/** Reads a record's value. Throws KAFKA_DATA_DIR_INVALID on what this version does not know. */
export function decodeMetadataRecord(value: Buffer, offset: number): MetadataRecord {
  const reader = new WireReader(value);
  const frame = reader.uvarint();
  if (frame !== FRAME_VERSION) throw unreadable(offset, `its frame version is ${frame}, ${FRAME_VERSION} is known`);
  const key = reader.uvarint();
  const version = reader.uvarint();
  const type = METADATA_RECORDS.get(key);
  if (!type) throw unreadable(offset, `record type ${key} is not known`);
  const message = type.codec.decode(reader, version);
  if (reader.remaining > 0) throw unreadable(offset, `${reader.remaining} bytes follow the ${type.name} record`);
  return { type, version, message };
}

function unreadable(offset: number, why: string): NestdawError {
  return new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `the metadata log cannot be read at offset ${offset}: ${why}. The directory was written by a newer program: use that one, or another directory.`,
  );
}
