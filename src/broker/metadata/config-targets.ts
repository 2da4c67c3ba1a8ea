import { type BrokerConfig } from '../broker-config.js';
import { BROKER_KEYS } from '../config/broker-keys.js';
import { CLIENT_METRICS_KEYS } from '../config/client-metrics-keys.js';
import { type ConfigTable } from '../config/config-key.js';
import { GROUP_KEYS } from '../config/group-keys.js';
import { TOPIC_KEYS } from '../config/topic-keys.js';
import { ConfigResource, type MetadataImage } from './metadata-image.js';
import { type Refusal, refused } from './refusal.js';
import { nameRefusal } from './topic-name.js';

// What has a configuration: topics, this broker and all brokers, groups, and subscriptions to clients' metrics. The
// last two need not exist: what is set for them waits for them.

/** A resource; an empty name with brokers is all of them. */
export interface ConfigTarget {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ConfigContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
}

const TABLES: ReadonlyMap<number, ConfigTable> = new Map([
  [ConfigResource.TOPIC, TOPIC_KEYS as ConfigTable],
  [ConfigResource.BROKER, BROKER_KEYS as ConfigTable],
  [ConfigResource.CLIENT_METRICS, CLIENT_METRICS_KEYS],
  [ConfigResource.GROUP, GROUP_KEYS],
]);

export function keysOf({ resourceType }: ConfigTarget): ConfigTable {
  return TABLES.get(resourceType) ?? {};
}

/** Why there is no such resource; undefined when there is. */
export function targetRefusal(target: ConfigTarget, { image, config }: ConfigContext): Refusal | undefined {
  const { resourceType, resourceName } = target;
  switch (resourceType) {
    case ConfigResource.TOPIC:
      return topicRefusal(resourceName, image);
    case ConfigResource.BROKER:
      return resourceName === '' ? undefined : nodeRefusal(resourceName, config.nodeId);
    case ConfigResource.BROKER_LOGGER:
      return nodeRefusal(resourceName, config.nodeId);
    case ConfigResource.CLIENT_METRICS:
      return resourceName === '' ? refused('INVALID_REQUEST', "Subscription name can't be empty") : undefined;
    case ConfigResource.GROUP:
      return resourceName === '' ? refused('INVALID_REQUEST', 'Default group resources are not allowed.') : undefined;
    default:
      return refused('INVALID_REQUEST', `Unknown resource type ${resourceType}`);
  }
}

function topicRefusal(name: string, image: MetadataImage): Refusal | undefined {
  if (image.topic(name)) return undefined;
  return nameRefusal(name) ?? refused('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`);
}

function nodeRefusal(name: string, nodeId: number): Refusal | undefined {
  if (name === String(nodeId)) return undefined;
  if (!/^-?\d+$/.test(name)) return refused('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`);
  return refused('INVALID_REQUEST', `Unexpected broker id, expected ${nodeId}, but received ${name}`);
}
