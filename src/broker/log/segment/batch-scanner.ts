import { BATCH_HEADER_BYTES, batchSize } from '../../../protocol/record-batch-header.js';
import { type FileHandle } from '../disk/file-system.js';

// Walks over the batches of a log file, by their headers alone or with all their bytes.

/** Behind small batches the next headers are read together; behind larger ones each by itself. */
const SMALL_BATCH = 2048;
const HEADERS_CHUNK = 16 * 1024;
const WHOLE_CHUNK = 1024 * 1024;

/** Sees the batch that starts at `at` in `buffer` and at `position` in the file; `false` ends the walk before it. */
export type BatchVisitor = (buffer: Buffer, at: number, position: number, size: number) => unknown;

/**
 * Visits the batches from position `from` up to `to`. Returns the position of the first byte that was not taken: a
 * torn or impossible batch, the one the visitor refused, or the end. With `whole` the visitor gets every byte of
 * a batch, else at least its header. The buffer is only valid during the visit.
 */
export function scanBatches(file: FileHandle, from: number, to: number, whole: boolean, visit: BatchVisitor): number {
  let position = from;
  let chunk = Buffer.alloc(0);
  let chunkStart = from;
  let chunkEnd = from;
  let wanted = whole ? WHOLE_CHUNK : BATCH_HEADER_BYTES;
  const refill = (least: number): boolean => {
    const length = Math.min(to - position, Math.max(least, wanted));
    if (chunk.length < length) chunk = Buffer.allocUnsafe(length);
    chunkStart = position;
    chunkEnd = position + file.read(chunk, 0, length, position);
    return chunkEnd - position >= least;
  };
  while (to - position >= BATCH_HEADER_BYTES) {
    if (position + BATCH_HEADER_BYTES > chunkEnd && !refill(BATCH_HEADER_BYTES)) break;
    const size = batchSize(chunk, position - chunkStart);
    if (size < BATCH_HEADER_BYTES || size > to - position) break;
    if (whole && position + size > chunkEnd && !refill(size)) break;
    if (visit(chunk, position - chunkStart, position, size) === false) break;
    position += size;
    if (!whole) wanted = size < SMALL_BATCH ? HEADERS_CHUNK : BATCH_HEADER_BYTES;
  }
  return position;
}
