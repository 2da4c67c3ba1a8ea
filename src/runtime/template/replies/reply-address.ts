import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type RecordHeader } from '../../../common/record.js';
import { lastHeader } from '../serdes/outgoing-headers.js';

/** Where a request wants its reply. */
export interface ReplyAddress {
  readonly topic: string | undefined;
  readonly partition: number | undefined;
}

/** What the headers of a request say; nothing of both for a record that asks for no reply. */
export function replyAddress(headers: readonly RecordHeader[]): ReplyAddress {
  const topic = lastHeader(headers, KafkaHeaders.REPLY_TOPIC)?.toString();
  const partition = lastHeader(headers, KafkaHeaders.REPLY_PARTITION);
  return { topic: topic || undefined, partition: partition ? partitionIn(partition) : undefined };
}

/** Nest writes the number as text, Spring as four bytes. */
function partitionIn(bytes: Buffer): number | undefined {
  const text = bytes.toString();
  if (/^\d+$/.test(text)) return Number(text);
  return bytes.length === 4 ? bytes.readInt32BE(0) : undefined;
}
