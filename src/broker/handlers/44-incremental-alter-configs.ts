import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.js';
import { type ConfigChange, ConfigOperation, formRefusal } from '../metadata/config-plans.js';
import { type ConfigTarget, targetRefusal } from '../metadata/config-targets.js';
import { ConfigResource } from '../metadata/metadata-image.js';
import { type Refusal, refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { isLogLevel, LOG_LEVELS, type LogLevel, ROOT_LOGGER } from '../root-logger.js';
import { alterationOf, isNamedTwice, namedTwice } from './33-alter-configs.js';
import { type BrokerParts } from './broker-parts.js';

// IncrementalAlterConfigs 0–1: sets, deletes, appends to and subtracts from single keys; the others stay.

export function incrementalAlterConfigsHandler(parts: BrokerParts) {
  const { metadata } = parts;
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
        const alter = resource.resourceType === ConfigResource.BROKER_LOGGER ? alterLoggers : alterStored;
        const refusal = isNamedTwice(resource, resources)
          ? namedTwice(resource)
          : alter(parts, resource, changes, validateOnly);
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

function alterStored({ metadata }: BrokerParts, target: ConfigTarget, changes: ConfigChange[], validateOnly: boolean) {
  return metadata.alterConfigs(target, changes, validateOnly);
}

/** Levels of loggers act at once, and until the broker stops. */
function alterLoggers(parts: BrokerParts, target: ConfigTarget, changes: ConfigChange[], validateOnly: boolean) {
  const { metadata, config, rootLogger } = parts;
  const refusal = targetRefusal(target, { image: metadata.image, config }) ?? formRefusal(changes);
  if (refusal) return refusal;
  for (const change of changes) {
    const mistake = loggerRefusal(change);
    if (mistake) return mistake;
  }
  const [change] = changes;
  if (change && !validateOnly) rootLogger.level = change.value as LogLevel;
  return undefined;
}

function loggerRefusal({ name, operation, value }: ConfigChange): Refusal | undefined {
  if (operation > ConfigOperation.DELETE) {
    const what = operation === ConfigOperation.APPEND ? 'APPEND' : 'SUBTRACT';
    return refused('INVALID_REQUEST', `${what} operation is not allowed for the BROKER_LOGGER resource`);
  }
  if (name !== ROOT_LOGGER) return refused('INVALID_CONFIG', `Logger ${name} does not exist!`);
  if (operation === ConfigOperation.DELETE) {
    return refused('INVALID_REQUEST', 'Removing the log level of the root logger is not allowed');
  }
  if (isLogLevel(value!)) return undefined;
  return refused('INVALID_CONFIG', `'${value}' is no log level; there are ${LOG_LEVELS.join(', ')}`);
}
