import { messageOf, NestdawError } from '../../../common/errors.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { refusalOf } from '../cluster/coordinator.js';

// What an error of a transactional request means (as Kafka's TransactionManager decides it).

/** `retry`: the same again. `abortable`: the transaction is lost. `fenced`, `fatal`: so is the producer. */
export type TransactionVerdict = 'retry' | 'abortable' | 'fenced' | 'fatal';

const FENCED: ReadonlySet<number> = new Set([ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED]);

const ABORTABLE: ReadonlySet<number> = new Set([
  ErrorCode.TRANSACTION_ABORTABLE,
  ErrorCode.OPERATION_NOT_ATTEMPTED,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.OFFSET_METADATA_TOO_LARGE,
  ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
  // The group has moved on: what was read may be in work elsewhere (KIP-447).
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.REBALANCE_IN_PROGRESS,
  // The coordinator has forgotten the id: nothing of it is open.
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.UNKNOWN_PRODUCER_ID,
]);

export function transactionVerdict(error: unknown): TransactionVerdict {
  const code = refusalOf(error);
  if (code !== undefined && FENCED.has(code)) return 'fenced';
  if (code !== undefined && ABORTABLE.has(code)) return 'abortable';
  return (error as { retriable?: unknown } | null)?.retriable === true ? 'retry' : 'fatal';
}

/** Codes that say nothing about the coordinator: it is busy with the same id, or with itself. */
export function isBusy(error: unknown): boolean {
  const code = refusalOf(error);
  return code === ErrorCode.CONCURRENT_TRANSACTIONS || code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
}

export function fencedError(transactionalId: string, cause: unknown): NestdawError {
  return new NestdawError(
    'KAFKA_PRODUCER_FENCED',
    `transactional id ${transactionalId} was taken over by another producer, or its transaction ran longer than transaction.timeout.ms and was aborted by the broker: ${messageOf(cause)}. Nothing of the transaction is visible. Two processes must not share a transaction-id-prefix: make it unique, as with \${HOSTNAME} or \${random.uuid}`,
    { cause },
  );
}

export function fatalError(transactionalId: string, what: string, cause: unknown): NestdawError {
  return new NestdawError(
    'KAFKA_TRANSACTION_ABORTED',
    `transactional id ${transactionalId}: ${what} was refused for good: ${messageOf(cause)}`,
    { cause },
  );
}

export function undecidedError(transactionalId: string, what: string, ms: number, cause: unknown): NestdawError {
  return new NestdawError(
    'KAFKA_TRANSACTION_UNDECIDED',
    `transactional id ${transactionalId}: ${what} was not answered within ${ms} ms (max.block.ms), so it may have happened or not; last problem: ${messageOf(cause)}`,
    { cause, retriable: true },
  );
}
