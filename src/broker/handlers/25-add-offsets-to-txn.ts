import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { ClientVersion } from '../coordinator/transaction/transaction-metadata.js';
import { defineHandler } from '../network/handler.js';
import { type OffsetsPlace } from './28-txn-offset-commit.js';
import { fencedAs } from './transaction-codes.js';

// AddOffsetsToTxn 0–4: the partition that holds the group's offsets takes part in the transaction.
// Versions
//   2 PRODUCER_FENCED · 3 flexible · 4 TRANSACTION_ABORTABLE (KIP-890)

export const addOffsetsToTxnHandler = (transactions: TransactionCoordinator, offsetsOf: OffsetsPlace) =>
  defineHandler<typeof AddOffsetsToTxn>({
    api: AddOffsetsToTxn,
    minVersion: 0,
    maxVersion: 4,
    async handle({ groupId, ...producer }, { apiVersion }) {
      const partitions = [offsetsOf(groupId)];
      const errorCode = await transactions.addPartitions(producer, partitions, ClientVersion.V0);
      return { throttleTimeMs: 0, errorCode: fencedAs(errorCode, apiVersion, 2) };
    },
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode: coordinatorError(errorCode) }),
  });
