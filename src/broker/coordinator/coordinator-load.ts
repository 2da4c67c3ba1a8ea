import { type BatchRecord, decodeControlRecord, recordsOf } from '../../protocol/record-batch.js';
import { batchSize, isControl, isTransactional, isWholeBatch, producerId } from '../../protocol/record-batch-header.js';

// Reads the records of one partition of an internal topic back, for a replay.

export interface LoadTarget {
  /** A record that counts at once. */
  replay(record: BatchRecord): void;
  /** A record of an open transaction: it counts from the commit marker of its producer on, if that comes. */
  replayInTransaction(record: BatchRecord, producerId: bigint): void;
  endTransaction(producerId: bigint, committed: boolean): void;
}

export class RecordLoader {
  constructor(private readonly target: LoadTarget) {}

  /** Takes a run of whole batches. */
  read(batches: Buffer): void {
    for (let at = 0; isWholeBatch(batches, at); at += batchSize(batches, at)) this.#batch(batches, at);
  }

  #batch(buffer: Buffer, at: number): void {
    const { target } = this;
    if (isControl(buffer, at)) {
      const { type } = decodeControlRecord(buffer, at);
      if (type !== 'other') target.endTransaction(producerId(buffer, at), type === 'commit');
    } else if (isTransactional(buffer, at)) {
      const id = producerId(buffer, at);
      for (const record of recordsOf(buffer, at)) target.replayInTransaction(record, id);
    } else for (const record of recordsOf(buffer, at)) target.replay(record);
  }
}
