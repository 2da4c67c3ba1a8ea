import { NestdawError } from '../../common/errors.js';
import { encodeRecords, recordsOf, sealCrc } from '../../protocol/record-batch.js';
import { attributes, CONTROL_BIT, setAttributes } from '../../protocol/record-batch-header.js';
import { WireReader } from '../../protocol/wire-reader.js';
import {
  KRaftVersion,
  KRaftVoters,
  LeaderChange,
  type RecordInput,
  type RecordOf,
  SnapshotFooter,
  SnapshotHeader,
} from './metadata-records.js';

// Control batches of the metadata log and its snapshots: who leads, who votes, where a snapshot begins and ends. The
// type stands in the key; the value is the plain message.

type ControlType =
  | typeof LeaderChange
  | typeof SnapshotHeader
  | typeof SnapshotFooter
  | typeof KRaftVersion
  | typeof KRaftVoters;

export interface ControlRecord<T extends ControlType = ControlType> {
  readonly type: T;
  readonly message: RecordOf<T>;
}

const TYPES = new Map<number, ControlType>(
  [LeaderChange, SnapshotHeader, SnapshotFooter, KRaftVersion, KRaftVoters].map((type) => [type.key, type]),
);
const MESSAGE_VERSION = 0;

export interface OutgoingControl {
  readonly key: Buffer;
  readonly value: Buffer;
}

export function outgoingControl<T extends ControlType>(type: T, message: RecordInput<T>): OutgoingControl {
  const key = Buffer.alloc(4);
  key.writeInt16BE(type.key, 2);
  return { key, value: type.codec.toBuffer(MESSAGE_VERSION, message as never) };
}

export function encodeControlRecords(records: readonly OutgoingControl[], timestamp: number): Buffer {
  const batch = encodeRecords(records, { timestamp });
  setAttributes(batch, 0, attributes(batch) | CONTROL_BIT);
  sealCrc(batch);
  return batch;
}

/** The control records of the batch at `at`; types that are not known mean a newer program. */
export function* decodeControlRecords(buffer: Buffer, at: number): Generator<ControlRecord> {
  for (const { key, value } of recordsOf(buffer, at)) {
    const number = key !== null && key.length >= 4 ? key.readInt16BE(2) : -1;
    const type = TYPES.get(number);
    if (!type || value === null) {
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `the metadata log holds a control record of type ${number}, which is not known. The directory was written by a newer program: use that one, or another directory.`,
      );
    }
    const message = type.codec.decode(new WireReader(value), MESSAGE_VERSION) as ControlRecord['message'];
    yield { type, message };
  }
}
