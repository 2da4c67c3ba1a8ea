import { ErrorCode } from '../../protocol/error-codes.js';
import {
  DescribeTransactions,
  type DescribeTransactionsResponse,
} from '../../protocol/messages/65-describe-transactions.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { defineHandler } from '../network/handler.js';

// DescribeTransactions 0: what the coordinator knows of transactional ids (KIP-664).

type Answer = DescribeTransactionsResponse['transactionStates'][number];

export const describeTransactionsHandler = (transactions: TransactionCoordinator) =>
  defineHandler<typeof DescribeTransactions>({
    api: DescribeTransactions,
    minVersion: 0,
    maxVersion: 0,
    handle: ({ transactionalIds }) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map((id) => describe(transactions, id)),
    }),
    errorResponse: ({ transactionalIds }, errorCode) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map((id) => refused(id, coordinatorError(errorCode))),
    }),
  });

function describe(transactions: TransactionCoordinator, transactionalId: string): Answer {
  if (transactionalId === '') return refused(transactionalId, ErrorCode.INVALID_REQUEST);
  const found = transactions.describe(transactionalId);
  if (typeof found === 'number') return refused(transactionalId, found);
  if (!found) return refused(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: found.state,
    transactionTimeoutMs: found.timeoutMs,
    transactionStartTimeMs: found.startTimestamp,
    producerId: found.producerId,
    producerEpoch: found.producerEpoch,
    topics: [...found.partitions.topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
  };
}

function refused(transactionalId: string, errorCode: number): Answer {
  const nothing = { transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0, topics: [] };
  return { errorCode, transactionalId, ...nothing, producerId: 0n, producerEpoch: 0 };
}
