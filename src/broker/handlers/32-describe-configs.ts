import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeConfigs, type DescribeConfigsResponse } from '../../protocol/messages/32-describe-configs.js';
import { targetRefusal } from '../metadata/config-targets.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';
import { type ConfigDescription, descriptionsOf } from './config-descriptions.js';

// DescribeConfigs 1–4: every key of a resource with its value, where that comes from, and what stands behind it.

type ConfigAnswer = DescribeConfigsResponse['results'][number]['configs'][number];

/** Of what has no type: keys of somebody else's, and loggers. */
const UNKNOWN_TYPE = 0;

export function describeConfigsHandler(parts: BrokerParts) {
  return defineHandler<typeof DescribeConfigs>({
    api: DescribeConfigs,
    minVersion: 1,
    maxVersion: 4,
    handle: ({ resources, includeSynonyms, includeDocumentation }) => ({
      throttleTimeMs: 0,
      results: resources.map((resource) => {
        const { resourceType, resourceName, configurationKeys } = resource;
        const refusal = targetRefusal(resource, { image: parts.metadata.image, config: parts.config });
        if (refusal) return { ...refusal, resourceType, resourceName, configs: [] };
        const wanted = configurationKeys && new Set(configurationKeys);
        const configs = descriptionsOf(parts, resource)
          .filter(({ name }) => !wanted || wanted.has(name))
          .map((config) => answerOf(config, includeSynonyms, includeDocumentation));
        return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs };
      }),
    }),
    errorResponse: ({ resources }, errorCode) => ({
      throttleTimeMs: 0,
      results: resources.map(({ resourceType, resourceName }) => ({
        errorCode,
        errorMessage: null,
        resourceType,
        resourceName,
        configs: [],
      })),
    }),
  });
}

function answerOf(config: ConfigDescription, synonyms: boolean, docs: boolean): ConfigAnswer {
  const { name, value, readOnly, source, isSensitive, key, entries } = config;
  return {
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive,
    synonyms: synonyms ? [...entries] : [],
    configType: key?.type ?? UNKNOWN_TYPE,
    documentation: docs ? (key?.doc ?? null) : null,
  };
}
