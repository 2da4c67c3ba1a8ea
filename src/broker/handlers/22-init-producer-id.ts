import { ErrorCode } from '../../protocol/error-codes.js';
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// InitProducerId 0–5 for idempotent producers. A transactional id is refused for good: transactions are not served,
// and an error that invites to try again would leave the producer waiting.

export function initProducerIdHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof InitProducerId>({
    api: InitProducerId,
    minVersion: 0,
    maxVersion: 5,
    async handle({ transactionalId, producerId: given, producerEpoch }) {
      if ((given === -1n) !== (producerEpoch === -1)) return refused(ErrorCode.INVALID_REQUEST);
      if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST);
      if (transactionalId !== null) return refused(ErrorCode.UNSUPPORTED_VERSION);
      const producerId = await metadata.producerIds.next();
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
    },
    errorResponse: (_request, errorCode) => refused(errorCode),
  });
}

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 };
}
