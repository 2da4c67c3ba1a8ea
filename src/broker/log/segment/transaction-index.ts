import { type FilePlace, type OpenFiles } from '../disk/open-files.js';
import { EntryFile } from './entry-file.js';

// The aborted transactions whose marker lies in one segment: what read_committed readers are told to skip.

const ENTRY_BYTES = 34;

/** An aborted transaction as its index keeps it. */
export interface AbortedTxn {
  readonly producerId: bigint;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** Last stable offset of the partition once this transaction was over. */
  readonly lastStableOffset: number;
}

const readI64 = (b: Buffer, at: number): number => b.readInt32BE(at) * 0x1_0000_0000 + b.readUInt32BE(at + 4);

function writeI64(b: Buffer, at: number, value: number): void {
  b.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  b.writeInt32BE(value | 0, at + 4);
}

export class TransactionIndex {
  readonly entries: EntryFile;

  constructor(files: OpenFiles, place: FilePlace) {
    this.entries = new EntryFile(files, place, 'txnindex', ENTRY_BYTES);
  }

  append(txn: AbortedTxn): void {
    const at = this.entries.add();
    const { bytes } = this.entries;
    bytes.writeInt16BE(0, at);
    bytes.writeBigInt64BE(txn.producerId, at + 2);
    writeI64(bytes, at + 10, txn.firstOffset);
    writeI64(bytes, at + 18, txn.lastOffset);
    writeI64(bytes, at + 26, txn.lastStableOffset);
  }

  entryAt(entry: number): AbortedTxn {
    const { bytes } = this.entries;
    const at = entry * ENTRY_BYTES;
    return {
      producerId: bytes.readBigInt64BE(at + 2),
      firstOffset: readI64(bytes, at + 10),
      lastOffset: readI64(bytes, at + 18),
      lastStableOffset: readI64(bytes, at + 26),
    };
  }

  /**
   * Adds to `out` the transactions that overlap [from, to). True when no later segment can hold another: all that
   * was open before `to` had ended.
   */
  collect(from: number, to: number, out: AbortedTxn[]): boolean {
    for (let i = 0; i < this.entries.count; i++) {
      const txn = this.entryAt(i);
      if (txn.lastOffset >= from && txn.firstOffset < to) out.push(txn);
      if (txn.lastStableOffset >= to) return true;
    }
    return false;
  }

  /** Forgets transactions whose marker lies at `offset` or behind it. */
  truncateTo(offset: number): void {
    let keep = this.entries.count;
    while (keep > 0 && this.entryAt(keep - 1).lastOffset >= offset) keep--;
    this.entries.truncate(keep);
  }
}
