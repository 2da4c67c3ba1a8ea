import { type Clock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { encodeRecords, recordsOf, sealCrc } from '../../protocol/record-batch.js';
import {
  attributes,
  baseOffset,
  batchSize,
  CONTROL_BIT,
  isControl,
  leaderEpoch,
  setAttributes,
} from '../../protocol/record-batch-header.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type MetadataImage } from './metadata-image.js';
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from './metadata-record.js';
import {
  AbortTransaction,
  BeginTransaction,
  EndTransaction,
  LeaderChange,
  type RecordInput,
} from './metadata-records.js';

// The log behind the image: one operation is one batch, appended first and then replayed, at the start as later.
// What is not yet durable is waited for before anybody is told.

/** Control record that opens an epoch. */
const LEADER_CHANGE = 2;
const READ_BYTES = 1024 * 1024;

/** Told of every record after the image has taken it. */
export type ReplayListener = (record: MetadataRecord) => void;

export class MetadataLog {
  /** Highest epoch found in the log. */
  #lastEpoch = 0;
  #listener: ReplayListener | undefined;
  #endsInTransaction = false;

  constructor(
    readonly log: PartitionLog,
    readonly image: MetadataImage,
    readonly clock: Clock,
  ) {}

  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  get endOffset(): number {
    return this.log.logEndOffset;
  }

  /** From now on told of every record that is appended. */
  onReplay(listener: ReplayListener): void {
    this.#listener = listener;
  }

  /** Replays all that is there. Throws KAFKA_DATA_DIR_INVALID on records that this version does not know. */
  load(): void {
    if (this.log.logStartOffset > 0) {
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `the metadata log begins at offset ${this.log.logStartOffset}: its earlier part is in a snapshot, which is not read here. Use a directory whose metadata log is whole.`,
      );
    }
    // Records of a transaction count once it ends; one without an end never happened.
    let pending: MetadataRecord[] | undefined;
    for (const record of this.#records()) {
      if (record.type === BeginTransaction) pending = [];
      else if (record.type === AbortTransaction) pending = undefined;
      else if (record.type === EndTransaction) {
        for (const { type, message } of pending ?? []) this.image.replay(type, message);
        pending = undefined;
      } else if (pending) pending.push(record);
      else this.image.replay(record.type, record.message);
    }
    // Left open, it would swallow what is appended from here on.
    this.#endsInTransaction = pending !== undefined;
  }

  /** Whether what was loaded ends inside a transaction, which must be aborted before anything is appended. */
  get endsInTransaction(): boolean {
    return this.#endsInTransaction;
  }

  *#records(): Generator<MetadataRecord> {
    let offset = this.log.logStartOffset;
    while (offset < this.log.logEndOffset) {
      const options = { maxBytes: READ_BYTES, minOneBatch: true, isolation: 'read_uncommitted' } as const;
      const { records, errorCode } = this.log.read(offset, options);
      if (errorCode !== 0 || records.length === 0) {
        throw new NestdawError('KAFKA_STORAGE_FAILED', `the metadata log cannot be read at offset ${offset}`);
      }
      for (let at = 0; at < records.length; at += batchSize(records, at)) {
        this.#lastEpoch = Math.max(this.#lastEpoch, leaderEpoch(records, at));
        const base = baseOffset(records, at);
        for (const { offsetDelta, value } of recordsOf(records, at)) {
          offset = base + offsetDelta + 1;
          if (!isControl(records, at) && value) yield decodeMetadataRecord(value, offset - 1);
        }
      }
    }
  }

  /** Begins an epoch: every batch from now on carries it. */
  lead(epoch: number, nodeId: number): void {
    this.log.setLeaderEpoch(epoch);
    this.#lastEpoch = epoch;
    const voters = [{ voterId: nodeId }];
    const message: RecordInput<typeof LeaderChange> = { version: 0, leaderId: nodeId, voters, grantingVoters: voters };
    const key = Buffer.alloc(4);
    key.writeInt16BE(LEADER_CHANGE, 2);
    const value = LeaderChange.codec.toBuffer(0, message);
    const batch = encodeRecords([{ key, value }], { timestamp: this.clock.now() });
    setAttributes(batch, 0, attributes(batch) | CONTROL_BIT);
    sealCrc(batch);
    this.#write(batch);
  }

  /** One operation: appended as one batch, then replayed. Durable once `flush` has resolved. */
  append(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    const outgoing = records.map((record) => ({ key: null, value: encodeMetadataRecord(record) }));
    this.#write(encodeRecords(outgoing, { timestamp: this.clock.now() }));
    for (const { type, message } of records) this.image.replay(type, message);
    // The records stand, whatever becomes of their effects: each gets its chance, then the first failure is told.
    const failures: unknown[] = [];
    for (const record of records) {
      try {
        this.#listener?.(record);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  flush(): Promise<void> {
    return this.log.flush();
  }

  #write(batch: Buffer): void {
    const { errorCode, errorMessage } = this.log.append(batch, { origin: 'coordinator', now: this.clock.now() });
    if (errorCode === 0) return;
    const why = errorMessage ?? this.log.failure?.message ?? `error ${errorCode}`;
    throw new NestdawError('KAFKA_STORAGE_FAILED', `the metadata log cannot be written: ${why}`);
  }
}
