import { EndTxn } from '../../protocol/messages/26-end-txn.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { ClientVersion, NO_EPOCH, NO_PRODUCER_ID } from '../coordinator/transaction/transaction-metadata.js';
import { defineHandler } from '../network/handler.js';
import { fencedAs } from './transaction-codes.js';

// EndTxn 0–5
//
// Answered when all partitions have the end of the transaction: the producer's next request never meets one that is
// still in work.
// Versions
//   2 PRODUCER_FENCED · 3 flexible · 4 TRANSACTION_ABORTABLE · 5 every end raises the epoch (KIP-890)

const EPOCHS_FROM = 5;

export const endTxnHandler = (transactions: TransactionCoordinator) =>
  defineHandler<typeof EndTxn>({
    api: EndTxn,
    minVersion: 0,
    maxVersion: 5,
    async handle({ transactionalId, ...request }, { apiVersion }) {
      const clientVersion = apiVersion >= EPOCHS_FROM ? ClientVersion.V2 : ClientVersion.V0;
      const answer = await transactions.end(transactionalId, { ...request, clientVersion });
      return { ...answer, throttleTimeMs: 0, errorCode: fencedAs(answer.errorCode, apiVersion, 2) };
    },
    errorResponse: (_request, errorCode) => ({
      throttleTimeMs: 0,
      errorCode: coordinatorError(errorCode),
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_EPOCH,
    }),
  });
