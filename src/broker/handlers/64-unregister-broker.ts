import { ErrorCode } from '../../protocol/error-codes.js';
import { UnregisterBroker } from '../../protocol/messages/64-unregister-broker.js';
import { refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// UnregisterBroker 0: takes back the registration of a broker that is gone for good, such as one that a data directory
// of Apache Kafka remembers. The one that answers is still there.

export function unregisterBrokerHandler({ metadata, config }: BrokerParts) {
  return defineHandler<typeof UnregisterBroker>({
    api: UnregisterBroker,
    minVersion: 0,
    maxVersion: 0,
    async handle({ brokerId }) {
      if (brokerId === config.nodeId) {
        const refusal = refused('INVALID_REQUEST', `Broker ID ${brokerId} is this broker, which is running`);
        return { throttleTimeMs: 0, ...refusal };
      }
      const refusal = metadata.unregisterBroker(brokerId);
      if (refusal) return { throttleTimeMs: 0, ...refusal };
      await metadata.flush();
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null };
    },
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null }),
  });
}
