import { type BrokerConfig, type ConfigEntry, ConfigSource, isBrokerKey } from '../broker-config.js';
import { BROKER_KEYS, type BrokerKey } from '../config/broker-keys.js';
import { CLIENT_METRICS_KEYS } from '../config/client-metrics-keys.js';
import { type ConfigKey, type ConfigTable, isSensitive } from '../config/config-key.js';
import { GROUP_KEYS } from '../config/group-keys.js';
import { ClientMetricsConfig, GroupResourceConfig, type ResourceConfig } from '../config/resource-config.js';
import { TOPIC_KEYS } from '../config/topic-keys.js';
import { type ConfigTarget } from '../metadata/config-targets.js';
import { ConfigResource } from '../metadata/metadata-image.js';
import { ROOT_LOGGER } from '../root-logger.js';
import { type BrokerParts } from './broker-parts.js';

// What DescribeConfigs tells of each kind of resource: one description a key.

export interface ConfigDescription {
  readonly name: string;
  /** Null when there is none, and where it is nobody's business. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isSensitive: boolean;
  readonly readOnly: boolean;
  /** Undefined with keys that this broker does not know, and with loggers. */
  readonly key: ConfigKey | undefined;
  readonly entries: readonly ConfigEntry[];
}

/** Of a resource that exists. */
export function descriptionsOf(parts: BrokerParts, { resourceType, resourceName }: ConfigTarget): ConfigDescription[] {
  const { config, metadata } = parts;
  const overrides = metadata.image.configsOf(resourceType as ConfigResource, resourceName);
  switch (resourceType) {
    case ConfigResource.TOPIC:
      return ofTable(TOPIC_KEYS, metadata.topics.get(resourceName)!.config as ResourceConfig);
    case ConfigResource.GROUP:
      return ofTable(GROUP_KEYS, new GroupResourceConfig(config, overrides));
    case ConfigResource.CLIENT_METRICS:
      return ofTable(CLIENT_METRICS_KEYS, new ClientMetricsConfig(overrides));
    case ConfigResource.BROKER_LOGGER:
      return [ofLogger(ROOT_LOGGER, parts.rootLogger.level)];
    default:
      return resourceName === '' ? ofAllBrokers(config) : ofNode(config);
  }
}

function ofTable(table: ConfigTable, config: ResourceConfig): ConfigDescription[] {
  return Object.entries(table).map(([name, key]) => {
    const entries = config.entriesOf(name);
    const source = entries[0]?.source ?? ConfigSource.DEFAULT;
    return { name, key, value: config.text(name), source, isSensitive: false, readOnly: false, entries };
  });
}

function ofNode(config: BrokerConfig): ConfigDescription[] {
  const known = (Object.keys(BROKER_KEYS) as BrokerKey[]).filter((name) => !(BROKER_KEYS[name] as ConfigKey).internal);
  const own = known.map((name) => {
    const key: ConfigKey = BROKER_KEYS[name];
    const entries = config.entriesOf(name);
    const hidden = isSensitive(key);
    const source = entries[0]?.source ?? ConfigSource.DEFAULT;
    const value = hidden ? null : config.text(name);
    return { name, key, value, source, isSensitive: hidden, readOnly: !key.dynamic, entries };
  });
  return [...own, ...ofOthers(config)].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Keys that this broker does not know: kept for whoever set them, and hidden, since they may hold anything. */
function ofOthers(config: BrokerConfig): ConfigDescription[] {
  const sources = new Map<string, ConfigSource>();
  for (const name of config.dynamicOf('all').keys()) sources.set(name, ConfigSource.DYNAMIC_DEFAULT_BROKER);
  for (const name of config.dynamicOf('node').keys()) sources.set(name, ConfigSource.DYNAMIC_BROKER);
  return [...sources]
    .filter(([name]) => !isBrokerKey(name))
    .map(([name, source]) => {
      const entries = [{ name, value: null, source }];
      return { name, key: undefined, value: null, source, isSensitive: true, readOnly: true, entries };
    });
}

/** The defaults for all brokers: only what was set so. */
function ofAllBrokers(config: BrokerConfig): ConfigDescription[] {
  const source = ConfigSource.DYNAMIC_DEFAULT_BROKER;
  return [...config.dynamicOf('all')]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, set]) => {
      const key: ConfigKey | undefined = isBrokerKey(name) ? BROKER_KEYS[name] : undefined;
      const hidden = key === undefined || isSensitive(key);
      const value = hidden ? null : set;
      const entries = [{ name, value, source }];
      return { name, key, value, source, isSensitive: hidden, readOnly: key?.dynamic !== true, entries };
    });
}

function ofLogger(name: string, level: string): ConfigDescription {
  const source = ConfigSource.BROKER_LOGGER;
  return { name, key: undefined, value: level, source, isSensitive: false, readOnly: false, entries: [] };
}
