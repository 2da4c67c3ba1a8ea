import { ErrorCode } from '../../protocol/error-codes.js';

// Error codes of transactions as each version of an API knows them.

/** A fenced producer of an old version knows only the code that fencing had before (KIP-360). */
export function fencedAs(errorCode: number, apiVersion: number, knownSince: number): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < knownSince
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode;
}

/** Whether the versions of an API can take part in a transaction without asking first, and what they understand. */
export interface TransactionSupport {
  /** The partition joins the transaction with its first batch (KIP-890). */
  readonly joins: boolean;
  /** "Abort and try again" is known (KIP-890). */
  readonly knowsAbortable: boolean;
}

/** What a write outside of the transaction's partitions is refused with. */
export function verificationCode(errorCode: number, { joins, knowsAbortable }: TransactionSupport): number {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case ErrorCode.TRANSACTION_ABORTABLE:
      return knowsAbortable ? errorCode : ErrorCode.INVALID_TXN_STATE;
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return joins ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS;
    // Codes of the coordinator, which a leader does not answer with: this one makes every client try again.
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_ENOUGH_REPLICAS;
    default:
      return errorCode;
  }
}
