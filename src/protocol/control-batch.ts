import { NestdawError } from '../common/errors.js';
import { encodeRecords } from './record-batch-builder.js';
import { sealCrc } from './record-batch-crc.js';
import { attributes, CONTROL_BIT, isControl, recordCount, setAttributes } from './record-batch-header.js';
import { recordsOf } from './record-batch-reader.js';

// The markers that end a transaction in a partition: a batch with one record, whose key says which kind it is.

export type ControlType = 'abort' | 'commit' | 'other';

export interface ControlRecord {
  /** 'other' is a marker of the metadata log, of a kind that is newer than this code, or one that was cleaned away. */
  readonly type: ControlType;
  /** Epoch of the transaction coordinator that wrote the marker; -1 for other markers. */
  readonly coordinatorEpoch: number;
}

const ABORT = 0;
const COMMIT = 1;

export interface ControlBatchOptions {
  readonly type: 'abort' | 'commit';
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}

/** The marker of a commit or an abort, with base offset 0. */
export function encodeControlBatch(options: ControlBatchOptions): Buffer {
  const { type, producerId, producerEpoch, coordinatorEpoch, timestamp } = options;
  const key = Buffer.alloc(4);
  key.writeInt16BE(type === 'commit' ? COMMIT : ABORT, 2);
  const value = Buffer.alloc(6);
  value.writeInt32BE(coordinatorEpoch, 2);
  const batch = encodeRecords([{ key, value }], { producerId, producerEpoch, transactional: true, timestamp });
  setAttributes(batch, 0, attributes(batch) | CONTROL_BIT);
  sealCrc(batch);
  return batch;
}

/** What the control batch at `start` says. */
export function decodeControlRecord(buffer: Buffer, start = 0): ControlRecord {
  if (!isControl(buffer, start)) malformed('a batch that is no control batch');
  for (const { key, value } of recordsOf(buffer, start)) {
    if (key === null || key.length < 4) malformed('a control record without a type');
    const type = key.readInt16BE(2);
    if (type !== ABORT && type !== COMMIT) return { type: 'other', coordinatorEpoch: -1 };
    if (value === null || value.length < 6) malformed('an end of transaction without its coordinator epoch');
    return { type: type === COMMIT ? 'commit' : 'abort', coordinatorEpoch: value.readInt32BE(2) };
  }
  // Compaction leaves an empty batch where a producer's last batch was a marker: it ends nothing any more.
  if (recordCount(buffer, start) === 0) return { type: 'other', coordinatorEpoch: -1 };
  return malformed('a control batch without a record');
}

function malformed(what: string): never {
  throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', what);
}
