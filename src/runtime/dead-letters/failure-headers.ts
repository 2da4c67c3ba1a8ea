import { hasCode } from '../../common/errors.js';
import { type KafkaRecord, type RecordHeader } from '../../common/record.js';
import { type Failure } from '../listener/failures/failure.js';
import { causesOf, storyOf } from './error-story.js';
import { intBytes, longBytes, removeHeader, textBytes } from './header-bytes.js';
import { DEAD_LETTER_HEADERS, type FailureHeaderNames } from './header-names.js';

// The headers of a record that goes on after a failure: its own, and what happened to it.

/** The parts of the story, by Spring's names (`HeaderNames.HeadersToAdd`). */
export type HeaderToAdd =
  | 'TOPIC'
  | 'PARTITION'
  | 'OFFSET'
  | 'TS'
  | 'TS_TYPE'
  | 'GROUP'
  | 'EXCEPTION'
  | 'EX_CAUSE'
  | 'EX_MSG'
  | 'EX_STACKTRACE';

export interface FailureHeaderOptions {
  /** Default: those of dead letters. */
  readonly names?: FailureHeaderNames;
  /**
   * A record that fails again after it was sent on: true adds the new origin behind the old one, false keeps the
   * first one alone. Default true.
   */
  readonly appendOriginalHeaders?: boolean;
  /** Whether the story of an earlier failure gives way to the new one. Default true. */
  readonly stripPreviousExceptionHeaders?: boolean;
  /** Parts that are left out. */
  readonly exclude?: ReadonlySet<HeaderToAdd>;
}

const NOTHING: ReadonlySet<HeaderToAdd> = new Set();

/** The record's own headers, in their order, and those that tell of the failure. */
export function failureHeaders(failure: Failure, options: FailureHeaderOptions = {}): RecordHeader[] {
  const { names = DEAD_LETTER_HEADERS, appendOriginalHeaders = true, stripPreviousExceptionHeaders = true } = options;
  const exclude: ReadonlySet<HeaderToAdd> = options.exclude ?? NOTHING;
  const headers: RecordHeader[] = [...failure.record.headers];
  const add = (part: HeaderToAdd, key: string, value: Buffer) => {
    if (!exclude.has(part)) headers.push({ key, value });
  };
  const origin = (part: HeaderToAdd, key: string, value: Buffer) => {
    if (appendOriginalHeaders || !headers.some((header) => header.key === key)) add(part, key, value);
  };
  const exception = (part: HeaderToAdd, key: string, text: string) => {
    if (stripPreviousExceptionHeaders) removeHeader(headers, key);
    add(part, key, textBytes(text));
  };
  const { topic, partition, offset, timestamp } = failure.record;
  origin('TOPIC', names.topic, textBytes(topic));
  origin('PARTITION', names.partition, intBytes(partition));
  origin('OFFSET', names.offset, longBytes(offset));
  origin('TS', names.timestamp, longBytes(timestamp));
  origin('TS_TYPE', names.timestampType, textBytes(timestampTypeOf(failure.record)));
  if (failure.groupId) origin('GROUP', names.consumerGroup, textBytes(failure.groupId));
  const story = storyOf(failure.error);
  const isKey = isOfKey(failure.error);
  exception('EXCEPTION', isKey ? names.keyExceptionFqcn : names.exceptionFqcn, story.name);
  exception('EX_CAUSE', names.exceptionCauseFqcn, story.rootName);
  exception('EX_MSG', isKey ? names.keyExceptionMessage : names.exceptionMessage, story.message);
  exception('EX_STACKTRACE', isKey ? names.keyExceptionStacktrace : names.exceptionStacktrace, story.stacktrace);
  return headers;
}

/** Whether it is the key that could not be read. */
function isOfKey(error: unknown): boolean {
  return causesOf(error).some(
    (one) => hasCode(one, 'KAFKA_DESERIALIZATION_FAILED') && (one as { isKey?: unknown }).isKey === true,
  );
}

function timestampTypeOf({ timestamp, timestampType }: KafkaRecord): string {
  return timestamp < 0 ? 'NoTimestampType' : (timestampType ?? 'CreateTime');
}
