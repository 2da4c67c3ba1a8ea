import { type Clock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { encodeRecords, recordsOf } from '../../protocol/record-batch.js';
import {
  baseOffset,
  batchSize,
  isControl,
  isWholeBatch,
  leaderEpoch,
  maxTimestamp,
  nextOffset,
} from '../../protocol/record-batch-header.js';
import { type PartitionLog } from '../log/partition-log.js';
import { decodeControlRecords, encodeControlRecords, outgoingControl } from './control-records.js';
import { type MetadataImage } from './metadata-image.js';
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from './metadata-record.js';
import { LeaderChange } from './metadata-records.js';
import { MetadataReplay } from './metadata-replay.js';
import { Quorum } from './quorum.js';
import { type QuorumStateFile } from './quorum-state.js';
import { snapshotRecords } from './snapshot-records.js';
import { type SnapshotStore } from './snapshot-store.js';

// The log behind the image: one operation is one batch, appended first and then replayed, at the start as later.
// What is not yet durable is waited for before anybody is told. What lies before the newest snapshot is in it.

const READ_BYTES = 1024 * 1024;

/** Told of every record after the image has taken it. */
export type ReplayListener = (record: MetadataRecord) => void;

export interface MetadataLogOptions {
  readonly log: PartitionLog;
  readonly image: MetadataImage;
  readonly snapshots: SnapshotStore;
  readonly quorumState: QuorumStateFile;
  readonly clock: Clock;
}

export class MetadataLog {
  readonly image: MetadataImage;
  readonly quorum = new Quorum();
  readonly #options: MetadataLogOptions;
  readonly #log: PartitionLog;
  readonly #replay: MetadataReplay;
  /** Highest epoch found in the log. */
  #lastEpoch = 0;
  #lastTimestamp = 0;
  #listener: ReplayListener | undefined;
  /** What no snapshot holds: its size, and the time of its first record. */
  #loose = { bytes: 0, since: 0 };

  constructor(options: MetadataLogOptions) {
    this.#options = options;
    this.#log = options.log;
    this.image = options.image;
    this.#replay = new MetadataReplay(options.image);
  }

  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  get endOffset(): number {
    return this.#log.logEndOffset;
  }

  /** Whether what was loaded ends inside a transaction, which must be aborted before anything is appended. */
  get endsInTransaction(): boolean {
    return this.#replay.isInTransaction;
  }

  /** Records that no snapshot holds yet: their bytes, and when the first of them was written. */
  get loose(): { readonly bytes: number; readonly since: number } {
    return this.#loose;
  }

  /** From now on told of every record that is appended. */
  onReplay(listener: ReplayListener): void {
    this.#listener = listener;
  }

  /** Replays all that is there. Throws KAFKA_DATA_DIR_INVALID on records that this version does not know. */
  load(): void {
    const from = this.#loadSnapshot();
    if (this.#log.logStartOffset > from) {
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `the metadata log begins at offset ${this.#log.logStartOffset}, the newest snapshot ends at ${from}: what lay between is missing. Restore the data directory from a copy.`,
      );
    }
    for (let offset = from; offset < this.#log.logEndOffset; ) {
      const options = { maxBytes: READ_BYTES, minOneBatch: true, isolation: 'read_uncommitted' } as const;
      const { records, errorCode } = this.#log.read(offset, options);
      if (errorCode !== 0 || records.length === 0) {
        throw new NestdawError('KAFKA_STORAGE_FAILED', `the metadata log cannot be read at offset ${offset}`);
      }
      for (let at = 0; isWholeBatch(records, at); at += batchSize(records, at)) {
        // A snapshot may end inside of what one read gives back.
        if (nextOffset(records, at) > offset) this.#loadBatch(records, at);
        offset = Math.max(offset, nextOffset(records, at));
      }
    }
  }

  /** The offset at which the newest snapshot ends; 0 when there is none. */
  #loadSnapshot(): number {
    const { snapshots, image } = this.#options;
    const id = snapshots.newest();
    if (!id) return 0;
    snapshots.read(id, {
      control: (record) => this.quorum.replay(record),
      record: ({ type, message }) => image.replay(type, message),
    });
    image.forgetOrphans();
    this.#lastEpoch = id.epoch;
    return id.endOffset;
  }

  #loadBatch(buffer: Buffer, at: number): void {
    this.#lastEpoch = Math.max(this.#lastEpoch, leaderEpoch(buffer, at));
    this.#note(batchSize(buffer, at), maxTimestamp(buffer, at));
    if (isControl(buffer, at)) {
      for (const control of decodeControlRecords(buffer, at)) this.quorum.replay(control);
      return;
    }
    const base = baseOffset(buffer, at);
    for (const { offsetDelta, value } of recordsOf(buffer, at)) {
      if (value) this.#replay.replay(decodeMetadataRecord(value, base + offsetDelta));
    }
  }

  #note(bytes: number, timestamp: number): void {
    const { bytes: before, since } = this.#loose;
    this.#loose = { bytes: before + bytes, since: before === 0 ? timestamp : since };
    this.#lastTimestamp = timestamp;
  }

  /** Begins an epoch: every batch from now on carries it. */
  lead(epoch: number, nodeId: number): void {
    const isFirst = this.endOffset === 0;
    this.#options.quorumState.write(epoch, this.quorum.version);
    this.#log.setLeaderEpoch(epoch);
    this.#lastEpoch = epoch;
    const voters = [{ voterId: nodeId }];
    const change = outgoingControl(LeaderChange, { version: 0, leaderId: nodeId, voters, grantingVoters: voters });
    const controls = isFirst ? [change, ...this.quorum.records()] : [change];
    this.#write(encodeControlRecords(controls, this.#options.clock.now()));
  }

  /** One operation: appended as one batch, then replayed. Durable once `flush` has resolved. */
  append(records: readonly MetadataRecord[]): void {
    if (records.length === 0) return;
    const from = this.endOffset;
    const outgoing = records.map((record) => ({ key: null, value: encodeMetadataRecord(record) }));
    this.#write(encodeRecords(outgoing, { timestamp: this.#options.clock.now() }));
    // What was written is what counts, with every field that the writer left out.
    const written = outgoing.map(({ value }, i) => decodeMetadataRecord(value, from + i));
    for (const record of written) this.#replay.replay(record);
    // The records stand, whatever becomes of their effects: each gets its chance, then the first failure is told.
    const failures: unknown[] = [];
    for (const record of written) {
      try {
        this.#listener?.(record);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Writes the image down and drops what lies before it. Blocks until it is on the device: it is done rarely. */
  takeSnapshot(): void {
    const { snapshots, image, quorumState } = this.#options;
    quorumState.checkUnchanged();
    const endOffset = this.endOffset;
    const content = { records: snapshotRecords(image), quorum: this.quorum, timestamp: this.#lastTimestamp };
    snapshots.write({ endOffset, epoch: this.#lastEpoch }, content);
    this.#loose = { bytes: 0, since: 0 };
    this.#log.deleteRecordsBefore(endOffset);
  }

  #write(batch: Buffer): void {
    const { clock, quorumState } = this.#options;
    quorumState.checkUnchanged();
    const now = clock.now();
    const { errorCode, errorMessage } = this.#log.append(batch, { origin: 'coordinator', now });
    if (errorCode !== 0) {
      const why = errorMessage ?? this.#log.failure?.message ?? `error ${errorCode}`;
      throw new NestdawError('KAFKA_STORAGE_FAILED', `the metadata log cannot be written: ${why}`);
    }
    this.#note(batch.length, now);
  }
}
