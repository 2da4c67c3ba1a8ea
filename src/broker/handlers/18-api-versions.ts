import { ErrorCode } from '../../protocol/error-codes.js';
import { ApiVersions } from '../../protocol/messages/18-api-versions.js';
import { SUPPORTED_FEATURES } from '../metadata/features.js';
import { defineHandler, type Handler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// ApiVersions 0–4: what is served, read from the very map that requests are routed by. A version that is not served
// is answered by the router, before any body is read.

const PRODUCE = 0;
/**
 * Produce is advertised from 0 although 3 is the first that is served: librdkafka up to 2.11.0 turns compression off,
 * without a word, unless the range contains 0. Kafka 4 does the same.
 */
const ADVERTISED_FROM: ReadonlyMap<number, number> = new Map([[PRODUCE, 0]]);
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const SOFTWARE_FROM_VERSION = 3;

export function apiVersionsHandler(parts: BrokerParts, served: () => Iterable<Handler>) {
  return defineHandler<typeof ApiVersions>({
    api: ApiVersions,
    minVersion: 0,
    maxVersion: 4,
    handle({ clientSoftwareName, clientSoftwareVersion }, { apiVersion }) {
      const named = SOFTWARE_NAME.test(clientSoftwareName) && SOFTWARE_NAME.test(clientSoftwareVersion);
      if (apiVersion >= SOFTWARE_FROM_VERSION && !named) {
        return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
      }
      const apiKeys = [...served()].map(({ api, minVersion, maxVersion }) => ({
        apiKey: api.key,
        minVersion: ADVERTISED_FROM.get(api.key) ?? minVersion,
        maxVersion,
      }));
      apiKeys.sort((a, b) => a.apiKey - b.apiKey);
      return { errorCode: ErrorCode.NONE, apiKeys, ...featuresOf(parts, apiVersion) };
    },
    errorResponse: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
  });
}

/** Old clients cannot read a feature whose lowest level is 0: they are not told of it (KIP-1022). */
const LEVEL_0_FROM_VERSION = 4;

function featuresOf({ metadata }: BrokerParts, apiVersion: number) {
  const { features } = metadata.image;
  const supported = SUPPORTED_FEATURES.filter(({ min }) => min > 0 || apiVersion >= LEVEL_0_FROM_VERSION);
  const finalized = SUPPORTED_FEATURES.filter(({ name }) => features.has(name));
  return {
    supportedFeatures: supported.map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
    // Rises with every change of the metadata; clients take what they know for outdated when it does.
    finalizedFeaturesEpoch: metadata.quorum.endOffset - 1,
    finalizedFeatures: finalized.map(({ name }) => {
      const level = features.get(name)!;
      return { name, minVersionLevel: level, maxVersionLevel: level };
    }),
  };
}
