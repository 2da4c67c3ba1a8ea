import { ErrorCode } from '../../protocol/error-codes.js';
import {
  ListConfigResources,
  type ListConfigResourcesResponse,
} from '../../protocol/messages/74-list-config-resources.js';
import { ConfigResource } from '../metadata/metadata-image.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// ListConfigResources 0–1: what has a configuration that can be described. Topics and the broker always do; groups
// and subscriptions to clients' metrics are listed once something was set for them.

type Resource = ListConfigResourcesResponse['configResources'][number];

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResource;
const TYPES = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];
/** Before it, the API listed the subscriptions to clients' metrics. */
const TYPES_FROM = 1;

export function listConfigResourcesHandler({ metadata, config }: BrokerParts) {
  const namesOf = (type: number): Iterable<string> => {
    if (type === TOPIC) return [...metadata.topics.all()].map(({ name }) => name);
    if (type === BROKER || type === BROKER_LOGGER) return [String(config.nodeId)];
    return metadata.image.configured(type as ConfigResource);
  };
  return defineHandler<typeof ListConfigResources>({
    api: ListConfigResources,
    minVersion: 0,
    maxVersion: 1,
    handle({ resourceTypes }, { apiVersion }) {
      const asked = apiVersion < TYPES_FROM ? [CLIENT_METRICS] : resourceTypes;
      const unknown = asked.some((type) => !TYPES.includes(type as ConfigResource));
      if (unknown) return respond(ErrorCode.UNSUPPORTED_VERSION, []);
      const wanted = asked.length === 0 ? TYPES : TYPES.filter((type) => asked.includes(type));
      const resources = wanted.flatMap((resourceType) =>
        [...namesOf(resourceType)].map((resourceName) => ({ resourceName, resourceType })),
      );
      return respond(ErrorCode.NONE, resources);
    },
    errorResponse: (_request, errorCode) => respond(errorCode, []),
  });
}

function respond(errorCode: number, configResources: readonly Resource[]): ListConfigResourcesResponse {
  return { throttleTimeMs: 0, errorCode, configResources: [...configResources] };
}
