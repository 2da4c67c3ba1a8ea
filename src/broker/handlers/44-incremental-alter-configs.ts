import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.js';
import { defineHandler } from '../network/handler.js';
import { alterationOf, isNamedTwice, namedTwice } from './33-alter-configs.js';
import { type BrokerParts } from './broker-parts.js';

// IncrementalAlterConfigs 0–1: sets, deletes, appends to and subtracts from single keys; the others stay.

export function incrementalAlterConfigsHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof IncrementalAlterConfigs>({
    api: IncrementalAlterConfigs,
    minVersion: 0,
    maxVersion: 1,
    async handle({ resources, validateOnly }) {
      const responses = resources.map((resource) => {
        const { configs } = resource;
        const changes = configs.map(({ name, configOperation, value }) => ({
          name,
          operation: configOperation,
          value,
        }));
        const refusal = isNamedTwice(resource, resources)
          ? namedTwice(resource)
          : metadata.alterConfigs(resource, changes, validateOnly);
        return alterationOf(resource, refusal);
      });
      await metadata.flush();
      return { throttleTimeMs: 0, responses };
    },
    errorResponse: ({ resources }, errorCode) => ({
      throttleTimeMs: 0,
      responses: resources.map((resource) => alterationOf(resource, { errorCode, errorMessage: '' })),
    }),
  });
}
