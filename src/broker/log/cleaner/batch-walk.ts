import { BATCH_HEADER_BYTES, batchSize } from '../../../protocol/record-batch-header.js';
import { type LogSegment } from '../segment/log-segment.js';

// Walks over the whole batches of a segment, with rests in between: nothing is held open meanwhile.

const CHUNK_BYTES = 256 * 1024;

export class BatchWalk {
  /** The current batch lies at `at`, `size` bytes long; valid until the next step. */
  buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  at = 0;
  size = 0;
  #segment: LogSegment | undefined;
  #position = 0;
  #end = 0;
  /** Position of the file that `buffer` begins with, and behind its last byte. */
  #from = 0;
  #to = 0;

  begin(segment: LogSegment, position: number): void {
    this.#segment = segment;
    this.#position = position;
    this.#end = segment.size;
    this.#from = this.#to = position;
    this.size = 0;
  }

  /** Goes to the next batch; false behind the last whole one. */
  next(): boolean {
    this.#position += this.size;
    this.size = 0;
    if (!this.#has(BATCH_HEADER_BYTES)) return false;
    const size = batchSize(this.buffer, this.#position - this.#from);
    if (size < BATCH_HEADER_BYTES || !this.#has(size)) return false;
    this.at = this.#position - this.#from;
    this.size = size;
    return true;
  }

  #has(bytes: number): boolean {
    if (this.#position + bytes <= this.#to) return true;
    if (this.#position + bytes > this.#end) return false;
    const length = Math.min(this.#end - this.#position, Math.max(bytes, CHUNK_BYTES));
    if (this.buffer.length < length) this.buffer = Buffer.allocUnsafe(length);
    const read = this.#segment!.log.handle().read(this.buffer, 0, length, this.#position);
    this.#from = this.#position;
    this.#to = this.#position + read;
    return read >= bytes;
  }
}
