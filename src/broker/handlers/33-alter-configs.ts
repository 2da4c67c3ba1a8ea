import { ErrorCode } from '../../protocol/error-codes.js';
import { AlterConfigs } from '../../protocol/messages/33-alter-configs.js';
import { type ConfigTarget } from '../metadata/config-targets.js';
import { type Refusal, refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// AlterConfigs 0–2: replaces all overrides of a resource; what is not named goes back to its default.

export function alterConfigsHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof AlterConfigs>({
    api: AlterConfigs,
    minVersion: 0,
    maxVersion: 2,
    async handle({ resources, validateOnly }) {
      const responses = resources.map((resource) =>
        alterationOf(
          resource,
          isNamedTwice(resource, resources)
            ? namedTwice(resource)
            : metadata.replaceConfigs(resource, resource.configs, validateOnly),
        ),
      );
      await metadata.flush();
      return { throttleTimeMs: 0, responses };
    },
    errorResponse: ({ resources }, errorCode) => ({
      throttleTimeMs: 0,
      responses: resources.map((resource) => alterationOf(resource, { errorCode, errorMessage: '' })),
    }),
  });
}

/** The answer for one resource. */
export function alterationOf({ resourceType, resourceName }: ConfigTarget, refusal: Refusal | undefined) {
  return {
    errorCode: refusal?.errorCode ?? ErrorCode.NONE,
    errorMessage: refusal?.errorMessage || null,
    resourceType,
    resourceName,
  };
}

export function isNamedTwice(target: ConfigTarget, all: readonly ConfigTarget[]): boolean {
  const same = all.filter(
    ({ resourceType, resourceName }) => resourceType === target.resourceType && resourceName === target.resourceName,
  );
  return same.length > 1;
}

export function namedTwice({ resourceName }: ConfigTarget): Refusal {
  return refused('INVALID_REQUEST', `Each resource must appear at most once: '${resourceName}'`);
}
