import { NestdawError } from '../common/errors.js';
import { nearestName } from '../common/nearest-name.js';
import { BROKER_KEYS, type BrokerKey } from './config/broker-keys.js';
import { type ConfigKey, type ConfigTable, elementsOf, isSensitive, numberOf, refusalOf } from './config/config-key.js';

// The broker's configuration as it stands: what was given at the start, over it what was set for all brokers, over
// it what was set for this one (both live in the metadata log and may change at any time).

/** Kafka's numbers for where a value comes from. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  BROKER_LOGGER: 6,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

/** One place that gives a key its value. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

/** Keys that say the same in several units, the finest first. */
const UNITS: ReadonlyArray<readonly BrokerKey[]> = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
];
const FLUSH: readonly BrokerKey[] = ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'];

function unitsOf(name: BrokerKey): readonly BrokerKey[] {
  // The time between two looks stands in for the interval, not the other way round.
  if (name === FLUSH[0]) return FLUSH;
  return UNITS.find((names) => names.includes(name)) ?? [name];
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

/** Settings of `config` that do nothing here although they say so, as sentences for the log. */
export function settingsWithoutEffect(config: Readonly<Record<string, string>>): string[] {
  return Object.entries(config).flatMap(([name, value]) => {
    if (!isBrokerKey(name)) return [];
    const { doc, fallback } = BROKER_KEYS[name] as ConfigKey;
    if (!doc.startsWith('Accepted for compatibility') || value.trim() === fallback) return [];
    return [`${name}=${value} is accepted, but it has no effect on one node; a cluster of several nodes heeds it`];
  });
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
    // Old and new name of the node's number say the same, whichever was given.
    const id = nodeId ?? brokerId;
    this.#given = new Map(Object.entries(id === undefined ? config : { ...config, 'node.id': id, 'broker.id': id }));
  }

  /**
   * Every place that gives `name` a value, the one that counts first; the default, when there is one, last. Keys that
   * say the same in another unit are listed beside it, but only behind the key itself: so Kafka does.
   */
  entriesOf(name: BrokerKey): ConfigEntry[] {
    const names = unitsOf(name);
    const entries: ConfigEntry[] = [];
    for (const [source, valueIn] of this.#layers()) {
      for (const key of names) {
        const value = valueIn(key);
        if (value === null || value === undefined) continue;
        entries.push({ name: key, value: isSensitive(BROKER_KEYS[key]) ? null : value, source });
      }
    }
    const first = entries.findIndex((entry) => entry.name === name);
    return first < 0 ? [] : entries.slice(first);
  }

  #layers(): ReadonlyArray<readonly [ConfigSource, (name: BrokerKey) => string | null | undefined]> {
    return [
      [ConfigSource.DYNAMIC_BROKER, (name) => this.#dynamic.get(name)],
      [ConfigSource.DYNAMIC_DEFAULT_BROKER, (name) => this.#dynamicDefault.get(name)],
      [ConfigSource.STATIC_BROKER, (name) => this.#given.get(name)],
      [ConfigSource.DEFAULT, (name) => (BROKER_KEYS[name] as ConfigKey).fallback],
    ];
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
    return this.number('node.id');
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
