import { NestdawError } from '../../common/errors.js';
import { encodeRecords, recordsOf, verifyCrc } from '../../protocol/record-batch.js';
import {
  batchSize,
  isControl,
  isWholeBatch,
  nextOffset,
  setBaseOffset,
  setLeaderEpoch,
} from '../../protocol/record-batch-header.js';
import { type CheckpointId } from '../log/directory/metadata-checkpoints.js';
import { type ControlRecord, decodeControlRecords, encodeControlRecords, outgoingControl } from './control-records.js';
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from './metadata-record.js';
import { SnapshotFooter, SnapshotHeader } from './metadata-records.js';
import { type Quorum } from './quorum.js';

// The file of a snapshot: a control batch with the header, batches of records, a control batch with the footer. Its
// offsets are its own and begin at 0; every batch carries the epoch in the file's name.

const MAX_BATCH_RECORDS = 1_000;

export interface SnapshotContent {
  readonly records: Iterable<MetadataRecord>;
  readonly quorum: Quorum;
  /** Time of the last record that the snapshot contains. */
  readonly timestamp: number;
}

export function encodeSnapshot({ epoch }: Pick<CheckpointId, 'epoch'>, content: SnapshotContent): Buffer {
  const { records, quorum, timestamp } = content;
  const header = outgoingControl(SnapshotHeader, { version: 0, lastContainedLogTimestamp: timestamp });
  const batches = [encodeControlRecords([header, ...quorum.records()], timestamp)];
  let values: Buffer[] = [];
  const flush = (): void => {
    if (values.length === 0) return;
    batches.push(
      encodeRecords(
        values.map((value) => ({ key: null, value })),
        { timestamp },
      ),
    );
    values = [];
  };
  for (const record of records) {
    values.push(encodeMetadataRecord(record));
    if (values.length === MAX_BATCH_RECORDS) flush();
  }
  flush();
  batches.push(encodeControlRecords([outgoingControl(SnapshotFooter, { version: 0 })], timestamp));
  let offset = 0;
  for (const batch of batches) {
    setBaseOffset(batch, 0, offset);
    setLeaderEpoch(batch, 0, epoch);
    offset = nextOffset(batch);
  }
  return Buffer.concat(batches);
}

export interface SnapshotVisitor {
  control(record: ControlRecord): void;
  record(record: MetadataRecord): void;
}

/** Reads a snapshot from header to footer. Throws KAFKA_DATA_DIR_INVALID when it is not whole. */
export function readSnapshot(bytes: Buffer, path: string, visitor: SnapshotVisitor): void {
  let ends = false;
  let at = 0;
  for (; isWholeBatch(bytes, at); at += batchSize(bytes, at)) {
    if (ends || !verifyCrc(bytes, at)) throw damaged(path, at);
    if (isControl(bytes, at)) {
      for (const control of decodeControlRecords(bytes, at)) {
        ends = control.type === SnapshotFooter;
        visitor.control(control);
      }
    } else {
      for (const { value, offsetDelta } of recordsOf(bytes, at)) {
        if (value) visitor.record(decodeMetadataRecord(value, offsetDelta));
      }
    }
  }
  if (!ends || at < bytes.length) throw damaged(path, at);
}

function damaged(path: string, at: number): NestdawError {
  return new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `the snapshot ${path} is damaged at byte ${at} of the metadata that the log begins with. Restore the file from a copy, or start with an empty data directory.`,
  );
}
