import { type HeaderValue } from '../../template/serializers.js';

/** A result with headers of its own, those of a place (`KafkaHeaders.TOPIC`, `KEY`, …) among them. */
export interface ReplyMessage {
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, HeaderValue | undefined>>;
}

/** Exactly these two properties: anything else is a payload that happens to have them. */
export function isReplyMessage(result: unknown): result is ReplyMessage {
  if (typeof result !== 'object' || result === null || !('payload' in result && 'headers' in result)) return false;
  return typeof result.headers === 'object' && result.headers !== null && Object.keys(result).length === 2;
}
