import { type BatchRecord, decodeControlRecord, recordsOf } from '../../protocol/record-batch.js';
import { batchSize, isControl, isTransactional, isWholeBatch, producerId } from '../../protocol/record-batch-header.js';

// Reads the records of one partition of an internal topic back, for a replay. Records of a transaction count from its
// commit marker on, and never when it was aborted or left open.

export class RecordLoader {
  readonly #open = new Map<bigint, BatchRecord[]>();

  constructor(private readonly replay: (record: BatchRecord) => void) {}

  /** Takes a run of whole batches. */
  read(batches: Buffer): void {
    for (let at = 0; isWholeBatch(batches, at); at += batchSize(batches, at)) this.#batch(batches, at);
  }

  #batch(buffer: Buffer, at: number): void {
    if (isControl(buffer, at)) this.#endTransaction(buffer, at);
    else if (isTransactional(buffer, at)) this.#hold(buffer, at);
    else for (const record of recordsOf(buffer, at)) this.replay(record);
  }

  #hold(buffer: Buffer, at: number): void {
    const id = producerId(buffer, at);
    const held = this.#open.get(id) ?? [];
    this.#open.set(id, held);
    // Copies: the buffer is the reader's and may be used for the next run.
    for (const record of recordsOf(buffer, at)) {
      held.push({
        ...record,
        key: record.key && Buffer.from(record.key),
        value: record.value && Buffer.from(record.value),
      });
    }
  }

  #endTransaction(buffer: Buffer, at: number): void {
    const id = producerId(buffer, at);
    if (decodeControlRecord(buffer, at).type === 'commit')
      for (const record of this.#open.get(id) ?? []) this.replay(record);
    this.#open.delete(id);
  }
}
