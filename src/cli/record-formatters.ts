import { decodeGroupRecord } from '../broker/coordinator/offset-records.js';
import { type KafkaRecord } from '../common/record.js';
import { textOf, timeOf } from './record-text.js';

// Records as lines, for people and as JSON for programs. A formatter leaves out what it is not for.

export interface RecordFormatter {
  /** Undefined: not shown. */
  line(record: KafkaRecord): string | undefined;
  json(record: KafkaRecord): object | undefined;
}

const plain: RecordFormatter = {
  line: ({ topic, partition, offset, key, value }) =>
    `${topic}-${partition}@${offset}  ${textOf(key) ?? '(none)'}  ${textOf(value) ?? '(none: a tombstone)'}`,
  json: ({ topic, partition, offset, timestamp, key, value, headers }) => ({
    topic,
    partition,
    offset,
    timestamp: new Date(timestamp).toISOString(),
    key: textOf(key),
    value: textOf(value),
    headers: headers.map((header) => [header.key, textOf(header.value)]),
  }),
};

/** Records of `__consumer_offsets`: what groups have committed (Kafka: `OffsetsMessageFormatter`). */
const offsets: RecordFormatter = {
  line(record) {
    const commit = commitOf(record);
    if (commit === undefined) return undefined;
    const { groupId, topic, partition, value } = commit;
    const where = `[${groupId},${topic},${partition}]`;
    if (value === null) return `${where}  deleted`;
    const { offset, metadata, commitTimestamp, expireTimestamp } = value;
    const facts = [
      `offset ${offset}`,
      `committed ${timeOf(commitTimestamp)}`,
      ...(expireTimestamp < 0 ? [] : [`expires ${timeOf(expireTimestamp)}`]),
      ...(metadata === '' ? [] : [`metadata ${metadata}`]),
    ];
    return `${where}  ${facts.join('  ')}`;
  },
  json(record) {
    const commit = commitOf(record);
    if (commit === undefined) return undefined;
    const { groupId: group, topic, partition, value } = commit;
    return { group, topic, partition, ...(value ?? { offset: null }) };
  },
};

export const FORMATTERS = { plain, offsets } as const satisfies Record<string, RecordFormatter>;

export type FormatterName = keyof typeof FORMATTERS;

/** Undefined for records about groups themselves. */
function commitOf({ key, value }: KafkaRecord) {
  const record = key === null ? undefined : decodeGroupRecord(key, value);
  return record?.type === 'offset' ? record : undefined;
}
