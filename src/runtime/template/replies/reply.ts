import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type SendResult } from '../kafka-template.js';
import { lastHeader } from '../serdes/outgoing-headers.js';

// What comes back for a request.

/** A reply: the record, with its value read. */
export interface Reply<R = unknown> extends Omit<KafkaRecord, 'value'> {
  /** Null for a reply without a value. */
  readonly value: R;
  /** The record as it was received. */
  readonly record: KafkaRecord;
}

/** A reply that is awaited (Spring: `RequestReplyFuture`), and the acknowledgment of its request. */
export interface ReplyFuture<A> extends Promise<A> {
  /** Settles when the request is stored, or could not be. */
  readonly sent: Promise<SendResult>;
}

/** The other side says that it failed. Code KAFKA_REPLY_FAILED. */
export class ReplyFailedError extends NestdawError {
  /** Name of the error there: `OutOfStock`, `com.acme.OutOfStockException`. */
  readonly remoteName: string | undefined;
  /** The reply. */
  readonly record: KafkaRecord;

  constructor(message: string, remoteName: string | undefined, record: KafkaRecord) {
    super('KAFKA_REPLY_FAILED', message);
    this.remoteName = remoteName;
    this.record = record;
  }
}

/** Says whether a reply is an error; what it gives rejects the request (Spring: `replyErrorChecker`). */
export type ReplyErrorChecker = (record: KafkaRecord) => Error | undefined;

const EXCEPTION = 'kafka_exception-fqcn';
const MESSAGE = 'kafka_exception-message';
const NEST_ERROR = 'kafka_nest-err';

/** Errors as `replyWithError` writes them, and as Nest's own transport does. */
export const defaultReplyErrorChecker: ReplyErrorChecker = (record) => {
  const name = lastHeader(record.headers, EXCEPTION)?.toString();
  if (name !== undefined) {
    const message = lastHeader(record.headers, MESSAGE)?.toString() ?? '';
    return new ReplyFailedError(`the other side failed: ${name}: ${message}`, name, record);
  }
  const nest = lastHeader(record.headers, NEST_ERROR)?.toString();
  return nest === undefined ? undefined : new ReplyFailedError(`the other side failed: ${nest}`, undefined, record);
};
