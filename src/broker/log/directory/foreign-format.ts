import { NestdawError } from '../../../common/errors.js';
import { batchSize, MAGIC_V2, magic } from '../../../protocol/record-batch-header.js';
import { type LogSegment } from '../segment/log-segment.js';

// Batches that another version of the format has written look like damage to recovery, which would cut them off. They
// are somebody's data: the log is refused instead.

/** Bytes that tell a batch's size and format, the same in all of them. */
const PREFIX_BYTES = 17;
/** An empty message of format 0. */
const LEAST_BYTES = 26;
const MAX_FORMAT = 9;

/** Throws KAFKA_DATA_DIR_INVALID when a whole batch of another format lies at `position`. */
function refuseForeignBatch(segment: LogSegment, position: number): void {
  if (segment.size - position < PREFIX_BYTES) return;
  const prefix = segment.readBytes(position, PREFIX_BYTES);
  const format = magic(prefix);
  const size = batchSize(prefix);
  if (format === MAGIC_V2 || format < 0 || format > MAX_FORMAT) return;
  if (size < LEAST_BYTES || position + size > segment.size) return;
  const advice =
    format > MAGIC_V2
      ? 'a newer version has written them, start that one'
      : 'let Apache Kafka 3.x rewrite the topic with message format 2 first';
  throw new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `${segment.log.path} has batches of format ${format} at byte ${position}, only format 2 is read: ${advice}, or choose ` +
      'another data directory',
  );
}

/** For a segment that is about to be checked: its beginning is of our format, or there is none. */
export function refuseForeignStart(segment: LogSegment): void {
  refuseForeignBatch(segment, 0);
}

/** For a segment whose end is not sound although it was closed well. */
export function refuseForeignEnd(segment: LogSegment): void {
  refuseForeignBatch(
    segment,
    segment.scan(0, false, (header, at) => magic(header, at) === MAGIC_V2),
  );
}
