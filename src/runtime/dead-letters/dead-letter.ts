import { type KafkaRecord, type RecordHeader } from '../../common/record.js';
import { numberHeader, textHeader } from './header-bytes.js';
import { DEAD_LETTER_HEADERS, FAILURE_HEADER_SETS, type FailureHeaderNames } from './header-names.js';

// A record of a dead-letter topic, read as what it is: what failed, where it came from, and why.

/** What somebody has done about a dead letter. `replaying`: a replay has begun and not said that it ended. */
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export const DEAD_LETTER_STATES = ['waiting', 'replaying', 'replayed', 'dropped'] as const;

export interface DeadLetter {
  /** `orders-dlt-0@15`: its topic, partition and offset. */
  readonly id: string;
  readonly state: DeadLetterState;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it became a dead letter, ms since the epoch. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Where it was before it first failed; what its headers do not tell is undefined. */
  readonly original: {
    readonly topic: string | undefined;
    readonly partition: number | undefined;
    readonly offset: number | undefined;
    readonly timestamp: number | undefined;
    readonly consumerGroup: string | undefined;
  };
  readonly exception: {
    /** Class of what was thrown. */
    readonly name: string | undefined;
    /** Class of its first cause. */
    readonly cause: string | undefined;
    readonly message: string | undefined;
    readonly stacktrace: string | undefined;
  };
  /** Deliveries that it had, where its retries counted them. */
  readonly attempts: number | undefined;
}

const ID = /^(.+)-(\d+)@(\d+)$/;

export interface DeadLetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function idOf({ topic, partition, offset }: DeadLetterPlace): string {
  return `${topic}-${partition}@${offset}`;
}

/** Undefined when the text is no id. */
export function placeOf(id: string): DeadLetterPlace | undefined {
  const [, topic, partition, offset] = ID.exec(id.trim()) ?? [];
  if (topic === undefined) return undefined;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

export function deadLetterOf(record: KafkaRecord, state: DeadLetterState): DeadLetter {
  const names = FAILURE_HEADER_SETS.find((set) => textHeader(record, set.topic) !== undefined) ?? DEAD_LETTER_HEADERS;
  // The header counts the delivery that would come next.
  const attempts = numberHeader(record, 'retry_topic-attempts');
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  return {
    id: idOf(record),
    state,
    topic,
    partition,
    offset,
    timestamp,
    key,
    value,
    headers,
    original: {
      topic: textHeader(record, names.topic),
      partition: numberHeader(record, names.partition),
      offset: numberHeader(record, names.offset),
      timestamp: numberHeader(record, names.timestamp),
      consumerGroup: textHeader(record, names.consumerGroup),
    },
    exception: {
      name: textHeader(record, names.exceptionFqcn) ?? textHeader(record, names.keyExceptionFqcn),
      cause: textHeader(record, names.exceptionCauseFqcn),
      message: textHeader(record, names.exceptionMessage) ?? textHeader(record, names.keyExceptionMessage),
      stacktrace: textHeader(record, names.exceptionStacktrace) ?? textHeader(record, names.keyExceptionStacktrace),
    },
    attempts: attempts === undefined ? undefined : attempts - 1,
  };
}

const STORY = new Set(FAILURE_HEADER_SETS.flatMap((set: FailureHeaderNames) => Object.values(set) as string[]));

/** The headers that the record had before it failed. */
export function ownHeaders(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter(({ key }) => !STORY.has(key) && !key.startsWith('retry_topic-') && !key.startsWith('nestdaw_'));
}
