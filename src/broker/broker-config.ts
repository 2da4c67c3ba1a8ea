import { NestdawError } from '../common/errors.js';
import { BROKER_KEYS, type BrokerKey } from './config/broker-keys.js';
import { type ConfigKey, type ConfigTable, elementsOf, numberOf, refusalOf } from './config/config-key.js';
import { nearestName } from './config/nearest-name.js';

// The broker's configuration as it stands: what was given at the start, over it what was set for all brokers, over
// it what was set for this one (both live in the metadata log and may change at any time).

/** Kafka's numbers for where a value comes from. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** One place that gives a key its value. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export function isBrokerKey(name: string): name is BrokerKey {
  return Object.hasOwn(BROKER_KEYS, name);
}

/** What is wrong with one pair of key and value; undefined when nothing is. */
export function mistakeIn(table: ConfigTable, name: string, value: string): string | undefined {
  const key = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!key) {
    const near = nearestName(name, Object.keys(table));
    return `unknown key '${name}'${near ? `; did you mean '${near}'?` : ''}`;
  }
  const refusal = refusalOf(key, value);
  return refusal && `'${name}' is '${value}': it ${refusal}`;
}

export class BrokerConfig {
  readonly #given: ReadonlyMap<string, string>;
  readonly #dynamicDefault = new Map<string, string>();
  readonly #dynamic = new Map<string, string>();

  /** Throws KAFKA_CONFIG_INVALID with every mistake that `config` holds. */
  constructor(config: Readonly<Record<string, string>> = {}) {
    const mistakes = Object.entries(config).flatMap(([name, value]) => mistakeIn(BROKER_KEYS, name, value) ?? []);
    const { 'node.id': nodeId, 'broker.id': brokerId } = config;
    if (nodeId !== undefined && brokerId !== undefined && Number(nodeId) !== Number(brokerId)) {
      mistakes.push(`'node.id' is '${nodeId}' and 'broker.id' is '${brokerId}': set one of them`);
    }
    if (mistakes.length > 0) {
      const lines = mistakes.map((mistake) => `\n  - ${mistake}`).join('');
      throw new NestdawError('KAFKA_CONFIG_INVALID', `the broker's configuration has mistakes:${lines}`);
    }
    this.#given = new Map(Object.entries(config));
  }

  /** Every place that gives `name` a value, the one that counts first; the default, when there is one, last. */
  entriesOf(name: BrokerKey): ConfigEntry[] {
    const entries: ConfigEntry[] = [];
    const add = (value: string | null | undefined, source: ConfigSource) => {
      if (value !== null && value !== undefined) entries.push({ name, value, source });
    };
    add(this.#dynamic.get(name), ConfigSource.DYNAMIC_BROKER);
    add(this.#dynamicDefault.get(name), ConfigSource.DYNAMIC_DEFAULT_BROKER);
    add(this.#given.get(name), ConfigSource.STATIC_BROKER);
    add((BROKER_KEYS[name] as ConfigKey).fallback, ConfigSource.DEFAULT);
    return entries;
  }

  /** The value in force; null when the key is not set and has no default. */
  text(name: BrokerKey): string | null {
    return (
      this.#dynamic.get(name) ??
      this.#dynamicDefault.get(name) ??
      this.#given.get(name) ??
      (BROKER_KEYS[name] as ConfigKey).fallback
    );
  }

  number(name: BrokerKey): number {
    const value = this.text(name);
    if (value === null) throw new NestdawError('KAFKA_CONFIG_INVALID', `'${name}' has no value: set it`);
    return numberOf(value);
  }

  boolean(name: BrokerKey): boolean {
    return this.text(name)?.trim().toLowerCase() === 'true';
  }

  list(name: BrokerKey): string[] {
    return elementsOf(this.text(name) ?? '');
  }

  /** Number of this node. */
  get nodeId(): number {
    const old = this.text('broker.id');
    return this.#given.has('node.id') || old === null ? this.number('node.id') : numberOf(old);
  }

  /** Takes over a dynamic value from the metadata log: of this node, or of all; null removes it. */
  setDynamic(scope: 'node' | 'all', name: string, value: string | null): void {
    const layer = scope === 'node' ? this.#dynamic : this.#dynamicDefault;
    if (value === null) layer.delete(name);
    else layer.set(name, value);
  }

  /** The dynamic values of one scope. */
  dynamicOf(scope: 'node' | 'all'): ReadonlyMap<string, string> {
    return scope === 'node' ? this.#dynamic : this.#dynamicDefault;
  }
}
