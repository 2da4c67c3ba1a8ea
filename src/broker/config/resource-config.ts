import { type BrokerConfig, type ConfigEntry, ConfigSource } from '../broker-config.js';
import { CLIENT_METRICS_KEYS } from './client-metrics-keys.js';
import { type ConfigTable } from './config-key.js';
import { brokerKeyOf, GROUP_KEYS } from './group-keys.js';

// The configuration of one resource as it is told: a value for every key, and the places behind it.

export interface ResourceConfig {
  /** The value in force; null when nothing gives the key a value. */
  text(name: string): string | null;
  /** Every place that gives the key a value, the one that counts first. */
  entriesOf(name: string): ConfigEntry[];
}

/** Of a group: its own overrides over what the broker's keys say. */
export class GroupResourceConfig implements ResourceConfig {
  constructor(
    readonly broker: BrokerConfig,
    readonly overrides: ReadonlyMap<string, string>,
  ) {}

  text(name: string): string | null {
    const key = brokerKeyOf(name);
    return this.overrides.get(name) ?? (key ? this.broker.text(key) : fallbackOf(GROUP_KEYS, name));
  }

  entriesOf(name: string): ConfigEntry[] {
    const own = this.overrides.get(name);
    const key = brokerKeyOf(name);
    const behind = key
      ? this.broker.entriesOf(key)
      : [{ name, value: fallbackOf(GROUP_KEYS, name), source: ConfigSource.DEFAULT }];
    return own === undefined ? behind : [{ name, value: own, source: ConfigSource.GROUP }, ...behind];
  }
}

/** Of a subscription to clients' metrics: nothing stands behind its own keys. */
export class ClientMetricsConfig implements ResourceConfig {
  constructor(readonly overrides: ReadonlyMap<string, string>) {}

  text(name: string): string | null {
    return this.overrides.get(name) ?? fallbackOf(CLIENT_METRICS_KEYS, name);
  }

  entriesOf(name: string): ConfigEntry[] {
    const own = this.overrides.get(name);
    return own === undefined ? [] : [{ name, value: own, source: ConfigSource.CLIENT_METRICS }];
  }
}

function fallbackOf(table: ConfigTable, name: string): string | null {
  return table[name]?.fallback ?? null;
}
