import { messageOf, NestdawError } from '../../../common/errors.js';
import { compressionName, decompress } from '../../../protocol/compression.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { sealCrc, verifyCrc } from '../../../protocol/record-batch.js';
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchSize,
  compressionOf,
  hasProducerId,
  isControl,
  isLogAppendTime,
  lastOffsetDelta,
  MAGIC_V2,
  magic,
  maxTimestamp,
  recordCount,
  setAttributes,
  setMaxTimestamp,
  TIMESTAMP_TYPE_BIT,
} from '../../../protocol/record-batch-header.js';
import { type StorageCounters } from '../directory/storage-counters.js';
import { type LogConfig } from '../log-config.js';
import { type AppendOrigin, NO_RECORD_ERRORS, type RecordError } from '../log-results.js';
import { checkRecords, type RecordFacts } from './record-check.js';
import { beginsAsItsCodec, codecOf } from './stored-codec.js';

// Whether a batch may be appended, in Kafka's order of checks. What passes is brought into the form in which it is
// stored: its largest timestamp is right, and the broker's own time where the topic asks for that.

/** Why a batch is refused. */
export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
  readonly recordErrors: readonly RecordError[];
}

export interface AppendRules {
  readonly origin: AppendOrigin;
  readonly config: LogConfig;
  readonly now: number;
  readonly counters: StorageCounters;
}

const MAGIC_AT = 16;

const refuse = (errorCode: number, errorMessage: string, recordErrors = NO_RECORD_ERRORS): Refusal => ({
  errorCode,
  errorMessage,
  recordErrors,
});

/** Refuses `batch`, or returns undefined after it was patched in place to what is stored. */
export function validateAppend(batch: Buffer | null, rules: AppendRules): Refusal | undefined {
  if (batch === null || batch.length === 0) {
    return refuse(ErrorCode.INVALID_RECORD, 'no record batch: a partition of a produce request must hold one');
  }
  const refusal = checkShape(batch, rules) ?? (rules.origin === 'client' ? checkClientBatch(batch, rules) : undefined);
  if (refusal) return refusal;
  if (batch.length > rules.config.segmentBytes) {
    return refuse(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `batch of ${batch.length} bytes is larger than a segment: segment.bytes=${rules.config.segmentBytes}`,
    );
  }
  if (rules.config.timestampType === 'LogAppendTime') stampAppendTime(batch, rules.now);
  return undefined;
}

function checkShape(batch: Buffer, { origin, config }: AppendRules): Refusal | undefined {
  if (batch.length <= MAGIC_AT) return refuse(ErrorCode.INVALID_RECORD, `${batch.length} bytes are no record batch`);
  if (magic(batch) !== MAGIC_V2) {
    const isOld = magic(batch) === 0 || magic(batch) === 1;
    return refuse(
      isOld ? ErrorCode.INVALID_RECORD : ErrorCode.CORRUPT_MESSAGE,
      'only record batches of format 2 (Kafka 0.11 and later) are accepted',
    );
  }
  const size = batchSize(batch);
  if (size < BATCH_HEADER_BYTES) {
    return refuse(ErrorCode.CORRUPT_MESSAGE, `a batch says ${size} bytes: its header alone has ${BATCH_HEADER_BYTES}`);
  }
  if (size > batch.length) {
    return refuse(ErrorCode.INVALID_RECORD, `a batch says ${size} bytes where ${batch.length} were sent`);
  }
  if (size < batch.length) {
    return refuse(ErrorCode.INVALID_RECORD, 'more than one record batch for a partition: send one per request');
  }
  if (origin === 'client' && baseOffset(batch) !== 0) {
    return refuse(ErrorCode.INVALID_RECORD, `base offset ${baseOffset(batch)} in a produced batch: it must be 0`);
  }
  // An end of a transaction must be written, however small the topic wants its batches.
  if (size > config.maxMessageBytes && !isControl(batch)) {
    return refuse(
      ErrorCode.MESSAGE_TOO_LARGE,
      `batch of ${size} bytes is larger than the topic allows: max.message.bytes=${config.maxMessageBytes}`,
    );
  }
  return undefined;
}

function checkClientBatch(batch: Buffer, rules: AppendRules): Refusal | undefined {
  if (!verifyCrc(batch))
    return refuse(ErrorCode.CORRUPT_MESSAGE, 'the batch does not match its checksum: send it again');
  const count = recordCount(batch);
  if (count <= 0 || lastOffsetDelta(batch) + 1 !== count) {
    const delta = lastOffsetDelta(batch);
    return refuse(ErrorCode.INVALID_RECORD, `batch of ${count} records whose last offset delta is ${delta}`);
  }
  if (isControl(batch)) return refuse(ErrorCode.INVALID_RECORD, 'clients may not write control batches');
  if (hasProducerId(batch) && baseSequence(batch) < 0) {
    return refuse(ErrorCode.INVALID_RECORD, `sequence ${baseSequence(batch)} in a batch with a producer id`);
  }
  // The broker's stamp on a batch that it has not seen yet.
  if (rules.config.timestampType === 'LogAppendTime' && isLogAppendTime(batch)) {
    return refuse(ErrorCode.INVALID_TIMESTAMP, 'a produced batch says that a broker has stamped its time');
  }
  if (!codecOf(batch) || !beginsAsItsCodec(batch)) {
    return refuse(ErrorCode.INVALID_RECORD, `the batch is not what its codec ${compressionOf(batch)} writes`);
  }
  return checkContent(batch, rules);
}

function checkContent(batch: Buffer, { config, now, counters }: AppendRules): Refusal | undefined {
  const createTime = config.timestampType === 'CreateTime';
  const earliest = createTime ? now - config.timestampBeforeMaxMs : Number.NEGATIVE_INFINITY;
  const latest = createTime ? now + config.timestampAfterMaxMs : Number.POSITIVE_INFINITY;
  // Unpacking costs more than all other checks: a compressed batch is looked into only when a rule needs it.
  const isStamped = isLogAppendTime(batch);
  const mustLook =
    config.compacts || isStamped || earliest !== Number.NEGATIVE_INFINITY || maxTimestamp(batch) > latest;
  if (compressionOf(batch) !== 0 && !mustLook) return undefined;
  const facts = factsOf(batch, earliest, latest, counters);
  if ('errorCode' in facts) return facts;
  if (facts.problem !== undefined) return refuse(ErrorCode.INVALID_RECORD, facts.problem);
  if (config.compacts && facts.keyless.length > 0) {
    const message = 'a compacted topic takes only records with a key';
    return refuse(ErrorCode.INVALID_RECORD, message, errorsOf(facts.keyless, message));
  }
  if (facts.untimely.length > 0) {
    const message = `timestamp outside ${earliest} to ${latest}: see message.timestamp.before.max.ms and .after.max.ms`;
    return refuse(ErrorCode.INVALID_TIMESTAMP, message, errorsOf(facts.untimely, message));
  }
  if (createTime && (isStamped || facts.maxTimestamp !== maxTimestamp(batch))) {
    setMaxTimestamp(batch, 0, facts.maxTimestamp);
    setAttributes(batch, 0, attributes(batch) & ~TIMESTAMP_TYPE_BIT);
    sealCrc(batch);
  }
  return undefined;
}

function factsOf(batch: Buffer, earliest: number, latest: number, counters: StorageCounters): RecordFacts | Refusal {
  counters.examinedRecords += recordCount(batch);
  const window = { count: recordCount(batch), baseTimestamp: baseTimestamp(batch), earliest, latest };
  const codec = compressionOf(batch);
  if (codec === 0) return checkRecords(batch, BATCH_HEADER_BYTES, batch.length, window);
  try {
    const records = decompress(compressionName(codec), batch.subarray(BATCH_HEADER_BYTES));
    counters.decompressedBytes += records.length;
    return checkRecords(records, 0, records.length, window);
  } catch (error) {
    const isMissing = error instanceof NestdawError && error.code === 'KAFKA_CODEC_MISSING';
    return refuse(isMissing ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.INVALID_RECORD, messageOf(error));
  }
}

function errorsOf(indexes: readonly number[], message: string): RecordError[] {
  return indexes.map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: message }));
}

/** Records keep their deltas: readers take the batch's largest timestamp for every record. */
function stampAppendTime(batch: Buffer, now: number): void {
  setAttributes(batch, 0, attributes(batch) | TIMESTAMP_TYPE_BIT);
  setMaxTimestamp(batch, 0, now);
  sealCrc(batch);
}
