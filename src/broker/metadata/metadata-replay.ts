import { type MetadataImage } from './metadata-image.js';
import { type MetadataRecord } from './metadata-record.js';
import { AbortTransaction, BeginTransaction, EndTransaction } from './metadata-records.js';

// Reading the log at the start: records of a transaction count once it ends; one without an end never happened.

export class MetadataReplay {
  #pending: MetadataRecord[] | undefined;

  constructor(readonly image: MetadataImage) {}

  /** Whether the records so far end inside a transaction: left open, it would swallow what is appended behind it. */
  get isInTransaction(): boolean {
    return this.#pending !== undefined;
  }

  replay(record: MetadataRecord): void {
    const { type, message } = record;
    if (type === BeginTransaction) this.#pending = [];
    else if (type === AbortTransaction) this.#pending = undefined;
    else if (type === EndTransaction) {
      for (const held of this.#pending ?? []) this.image.replay(held.type, held.message);
      this.#pending = undefined;
    } else if (this.#pending) this.#pending.push(record);
    else this.image.replay(type, message);
  }
}
