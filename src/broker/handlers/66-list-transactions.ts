import { type Clock } from '../../common/clock.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { ListTransactions, type ListTransactionsRequest } from '../../protocol/messages/66-list-transactions.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { type TransactionMetadata } from '../coordinator/transaction/transaction-metadata.js';
import { TRANSACTION_STATES } from '../coordinator/transaction/transaction-state.js';
import { defineHandler } from '../network/handler.js';
import { wholeMatches } from './bounded-pattern.js';

// ListTransactions 0–2
//
// Filters of one kind are alternatives, filters of several kinds must all hold; an empty one lets everything through.
// Versions
//   1 by duration (KIP-994) · 2 by a pattern of the id (KIP-1152)

const STATES: ReadonlySet<string> = new Set(TRANSACTION_STATES);

export const listTransactionsHandler = (transactions: TransactionCoordinator, clock: Clock) =>
  defineHandler<typeof ListTransactions>({
    api: ListTransactions,
    minVersion: 0,
    maxVersion: 2,
    handle(request) {
      const unknownStateFilters = request.stateFilters.filter((state) => !STATES.has(state));
      const { errorCode, transactions: all } = transactions.list();
      if (errorCode !== ErrorCode.NONE) return refused(errorCode);
      const named = namedBy(request.transactionalIdPattern, all);
      if (!named) return refused(ErrorCode.INVALID_REGULAR_EXPRESSION);
      const now = clock.now();
      const found = named.filter(([, metadata]) => passes(metadata, request, now));
      return {
        throttleTimeMs: 0,
        errorCode,
        unknownStateFilters,
        transactionStates: found.map(([transactionalId, { producerId, state }]) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
      };
    },
    errorResponse: (_request, errorCode) => refused(coordinatorError(errorCode)),
  });

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] };
}

type Named = readonly [string, TransactionMetadata];

function namedBy(pattern: string | null, all: readonly Named[]): readonly Named[] | undefined {
  if (pattern === null || pattern === '') return all;
  const ids = wholeMatches(
    pattern,
    all.map(([id]) => id),
  );
  return ids && all.filter(([id]) => ids.has(id));
}

function passes(
  { state, producerId, startTimestamp }: TransactionMetadata,
  { stateFilters, producerIdFilters, durationFilter }: ListTransactionsRequest,
  now: number,
): boolean {
  if (stateFilters.length > 0 && !stateFilters.includes(state)) return false;
  if (producerIdFilters.length > 0 && !producerIdFilters.includes(producerId)) return false;
  // An id whose transaction has not begun counts as old, as with Kafka.
  return durationFilter < 0 || now - startTimestamp > durationFilter;
}
