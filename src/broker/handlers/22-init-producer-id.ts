import { ErrorCode } from '../../protocol/error-codes.js';
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { NO_EPOCH, NO_PRODUCER_ID } from '../coordinator/transaction/transaction-metadata.js';
import { defineHandler } from '../network/handler.js';
import { fencedAs } from './transaction-codes.js';

// InitProducerId 0–5: a fresh producer id for an idempotent producer, the next epoch of its id for a transactional
// one.
// Versions
//   2 flexible · 3 who the producer was so far (KIP-360) · 4 PRODUCER_FENCED · 5 TRANSACTION_ABORTABLE (KIP-890)
//   6 two-phase commit (KIP-939): not served

export interface InitProducerIdParts {
  readonly producerIds: { next(): Promise<bigint> };
  readonly transactions: TransactionCoordinator;
}

export const initProducerIdHandler = ({ producerIds, transactions }: InitProducerIdParts) =>
  defineHandler<typeof InitProducerId>({
    api: InitProducerId,
    minVersion: 0,
    maxVersion: 5,
    async handle({ transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch }, { apiVersion }) {
      const isGiven = producerId !== NO_PRODUCER_ID;
      if (isGiven !== (producerEpoch !== NO_EPOCH)) return refused(ErrorCode.INVALID_REQUEST);
      if (transactionalId === null) {
        return { errorCode: ErrorCode.NONE, throttleTimeMs: 0, producerId: await producerIds.next(), producerEpoch: 0 };
      }
      const expected = isGiven ? { producerId, producerEpoch } : undefined;
      const answer = await transactions.initialize(transactionalId, { timeoutMs, expected });
      return { ...answer, throttleTimeMs: 0, errorCode: fencedAs(answer.errorCode, apiVersion, 4) };
    },
    errorResponse: (_request, errorCode) => refused(coordinatorError(errorCode)),
  });

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_EPOCH };
}
