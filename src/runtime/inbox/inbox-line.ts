import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { base64, bytesOf, checkedLine, parseCheckedLine } from '../journal/checked-line.js';
import { headersFromText, headersToText } from '../journal/headers-text.js';

// One line of an inbox: a record, what the listener has finished, or how far the group's offset was committed.

export type InboxLine =
  | { readonly type: 'record'; readonly record: KafkaRecord }
  | ({ readonly type: 'finished'; readonly offset: number; readonly metadata: string } & TopicPartition)
  | ({ readonly type: 'taken'; readonly offset: number } & TopicPartition)
  | ({ readonly type: 'dropped'; readonly offset: number } & TopicPartition);

export function recordLine(record: KafkaRecord): string {
  const { topic, partition, offset, timestamp, timestampType, key, value, headers } = record;
  const fields: unknown[] = [topic, partition, offset, timestamp, base64(key), base64(value)];
  if (headers.length > 0 || timestampType !== undefined) fields.push(headersToText(headers), timestampType ?? null);
  return checkedLine(fields);
}

/** Finished up to an offset; the metadata tells what is finished above it. */
export function finishedLine({ topic, partition }: TopicPartition, offset: number, metadata: string): string {
  return checkedLine({ finished: [topic, partition, offset, metadata] });
}

/** Kafka knows that records before this offset are here. */
export function takenLine({ topic, partition }: TopicPartition, offset: number): string {
  return checkedLine({ taken: [topic, partition, offset] });
}

/** The group was moved back: what is here from this offset on will be read again. */
export function droppedLine({ topic, partition }: TopicPartition, offset: number): string {
  return checkedLine({ dropped: [topic, partition, offset] });
}

/** What a line (without its end) says; undefined when it is not one, or not whole. */
export function parseInboxLine(text: string): InboxLine | undefined {
  const content = parseCheckedLine(text) as any;
  if (content === undefined) return undefined;
  if (Array.isArray(content)) return { type: 'record', record: recordOf(content) };
  for (const type of ['finished', 'taken', 'dropped'] as const) {
    if (content[type] === undefined) continue;
    const [topic, partition, offset, metadata] = content[type];
    return { type, topic, partition, offset, metadata };
  }
  return undefined;
}

function recordOf(fields: readonly any[]): KafkaRecord {
  const [topic, partition, offset, timestamp, key, value, headers, timestampType] = fields;
  return {
    topic,
    partition,
    offset,
    timestamp,
    ...(timestampType ? { timestampType } : {}),
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers === undefined ? [] : headersFromText(headers),
  };
}
