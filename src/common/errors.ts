// The one base class of errors that leave the package. Recognise an error by `code`, never by class identity:
// an application may hold the ES and the CommonJS build side by side.

/** Every code the package throws, one line each. */
export type NestdawErrorCode =
  | 'KAFKA_CONFIG_INVALID' // configuration or a decorator says something impossible; the message lists every mistake
  | 'KAFKA_PROTOCOL_MALFORMED' // bytes that are not the message they claim to be
  | 'KAFKA_PROTOCOL_ERROR' // the broker answered with an error code; see `BrokerError`
  | 'KAFKA_CONNECTION_FAILED' // no connection, or the connection broke
  | 'KAFKA_REQUEST_TIMEOUT' // no answer within the request's time-out
  | 'KAFKA_UNSUPPORTED_VERSION' // client and broker share no version of a request
  | 'KAFKA_TRANSPORT_INCOMPATIBLE' // the pinned transport's insides are not what they should be
  | 'KAFKA_CODEC_MISSING' // a compression codec whose package is not installed
  | 'KAFKA_RECORD_CORRUPT' // a batch failed its checksum
  | 'KAFKA_RECORD_TOO_LARGE' // a record is larger than max.request.size or the topic's limit
  | 'KAFKA_SERIALIZATION_FAILED' // a serializer refused a key or a value
  | 'KAFKA_DESERIALIZATION_FAILED' // a deserializer refused a key or a value
  | 'KAFKA_SCHEMA_REGISTRY_FAILED' // the registry of schemas does not answer, or refuses a schema
  | 'KAFKA_VALIDATION_FAILED' // a payload did not pass validation
  | 'KAFKA_NO_HANDLER' // no method of a listening class takes the payload, or more than one does
  | 'KAFKA_BATCH_FAILED' // a batch listener says which of its records failed
  | 'KAFKA_DELIVERY_FAILED' // a record was not acknowledged within delivery.timeout.ms, or finally refused
  | 'KAFKA_BUFFER_FULL' // buffer.memory stayed full for max.block.ms
  | 'KAFKA_TRANSACTION_ABORTED' // the transaction cannot be committed: abort it, and do its work again
  | 'KAFKA_TRANSACTION_UNDECIDED' // a transaction was to end, and nobody answered whether it did
  | 'KAFKA_TRANSACTION_STATE' // a call that the state of the transaction does not allow
  | 'KAFKA_PRODUCER_FENCED' // another producer has taken the transactional id over
  | 'KAFKA_REPLY_NOT_SENT' // the reply of a listener was not acknowledged
  | 'KAFKA_REPLY_TIMEOUT' // no reply came in time
  | 'KAFKA_REPLY_FAILED' // the reply says that the other side failed
  | 'KAFKA_COMMIT_FAILED' // an offset commit was refused; the message says which cause
  | 'KAFKA_OFFSET_OUT_OF_RANGE' // the position is gone and the policy says not to reset
  | 'KAFKA_NO_OFFSET' // no committed offset and auto.offset.reset=none
  | 'KAFKA_MESSAGE_ID_MISSING' // a record has no id by which a repeated one could be told
  | 'KAFKA_STORE_FAILED' // a store of ids or offsets does not answer, or refuses
  | 'KAFKA_SQL_FAILED' // a SQL transaction did not do what was asked of it
  | 'KAFKA_HANDLER_TIMEOUT' // a handler ran longer than max.poll.interval.ms
  | 'KAFKA_POOL_FULL' // a record came while the pool's budget was used up, and overflow is reject
  | 'KAFKA_THREAD_DIED' // a worker thread ended while it had the record
  | 'KAFKA_REBALANCED' // the partition was taken away while the record was in work
  | 'KAFKA_STOPPED' // the component was stopped
  | 'KAFKA_BROKER_START_FAILED' // the embedded broker could not start
  | 'KAFKA_DATA_DIR_LOCKED' // another broker holds the data directory
  | 'KAFKA_DATA_DIR_INVALID' // the data directory belongs to another node or a newer format
  | 'KAFKA_STORAGE_FAILED' // a file could not be read or written
  | 'KAFKA_TEST_TIMEOUT'; // a waiter of nestdaw/testing gave up

export interface NestdawErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later without any change. Default false. */
  readonly retriable?: boolean;
}

/** Base of every error the package throws. */
export class NestdawError extends Error {
  readonly code: NestdawErrorCode;
  readonly retriable: boolean;

  constructor(code: NestdawErrorCode, message: string, options: NestdawErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** Whether `error` is one of ours with this code (works across the package's two builds). */
export function hasCode(error: unknown, code: NestdawErrorCode): boolean {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === code;
}

/** Text of any thrown value, for log lines. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Closes an exhaustive switch: a new case then fails to compile where it is not handled. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

/** The error, what caused it, and so on. */
export function* causesOf(error: unknown): IterableIterator<unknown> {
  const seen = new Set<unknown>();
  for (let at = error; at !== undefined && !seen.has(at); at = (at as { cause?: unknown } | null)?.cause) {
    seen.add(at);
    yield at;
    if (typeof at !== 'object' || at === null) return;
  }
}

/** The brokers' code where a refusal of theirs is the error, or caused it. */
export function refusalBehind(error: unknown): number | undefined {
  for (const cause of causesOf(error)) {
    if (hasCode(cause, 'KAFKA_PROTOCOL_ERROR')) return (cause as { errorCode?: number }).errorCode;
  }
  return undefined;
}
