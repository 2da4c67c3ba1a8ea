import { ErrorCode } from '../../protocol/error-codes.js';
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from '../../protocol/messages/32-describe-configs.js';
import { type BrokerConfig, type ConfigEntry, ConfigSource } from '../broker-config.js';
import { BROKER_KEYS, type BrokerKey } from '../config/broker-keys.js';
import { type ConfigKey } from '../config/config-key.js';
import { TOPIC_KEYS, type TopicKey } from '../config/topic-keys.js';
import { targetRefusal } from '../metadata/config-plans.js';
import { ConfigResource } from '../metadata/metadata-image.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DescribeConfigs 1–4: every key of a topic or of the broker with its value, where that comes from, and what stands
// behind it.

type ResourceInput = DescribeConfigsRequest['resources'][number];
type ConfigAnswer = DescribeConfigsResponse['results'][number]['configs'][number];

/** What a key says about itself, and the places that give it a value. */
interface Described {
  readonly name: string;
  readonly key: ConfigKey;
  readonly readOnly: boolean;
  readonly entries: readonly ConfigEntry[];
  /** Value and source in force, in the unit of the key. */
  readonly inForce: ConfigEntry;
}

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
        const configs = described(parts, resource)
          .filter(({ name }) => !wanted || wanted.has(name))
          .map((config) => answerOf(config, includeSynonyms, includeDocumentation));
        return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs };
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

function answerOf(
  { name, key, readOnly, entries, inForce }: Described,
  synonyms: boolean,
  docs: boolean,
): ConfigAnswer {
  return {
    name,
    value: inForce.value,
    readOnly,
    configSource: inForce.source,
    isSensitive: false,
    synonyms: synonyms ? entries.map((entry) => ({ name: entry.name, value: entry.value, source: entry.source })) : [],
    configType: key.type,
    documentation: docs ? key.doc : null,
  };
}

function described({ config, metadata }: BrokerParts, { resourceType, resourceName }: ResourceInput): Described[] {
  if (resourceType === ConfigResource.TOPIC) {
    const topic = metadata.topics.get(resourceName)!.config;
    return (Object.keys(TOPIC_KEYS) as TopicKey[]).map((name) => ({
      name,
      key: TOPIC_KEYS[name],
      readOnly: false,
      entries: topic.entriesOf(name),
      inForce: topic.entryOf(name),
    }));
  }
  return resourceName === '' ? clusterWide(config) : ofNode(config);
}

function ofNode(config: BrokerConfig): Described[] {
  return (Object.keys(BROKER_KEYS) as BrokerKey[]).sort().map((name) => {
    const key: ConfigKey = BROKER_KEYS[name];
    const entries = config.entriesOf(name);
    const inForce = entries[0] ?? { name, value: null, source: ConfigSource.DEFAULT };
    return { name, key, readOnly: !key.dynamic, entries, inForce };
  });
}

/** The defaults for all brokers: only what was set so. */
function clusterWide(config: BrokerConfig): Described[] {
  return [...config.dynamicOf('all')]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const inForce = { name, value, source: ConfigSource.DYNAMIC_DEFAULT_BROKER };
      return { name, key: BROKER_KEYS[name as BrokerKey], readOnly: false, entries: [inForce], inForce };
    });
}
