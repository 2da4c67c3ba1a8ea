import { type BrokerConfig, type ConfigEntry, ConfigSource } from '../broker-config.js';
import { elementsOf, numberOf } from './config-key.js';
import { type Synonym, synonymsOf, TOPIC_KEYS, type TopicKey } from './topic-keys.js';

// The configuration of one topic: its own overrides, over what the broker's keys say.

export class TopicConfig {
  constructor(
    readonly broker: BrokerConfig,
    /** What was set for this topic itself. */
    readonly overrides: ReadonlyMap<string, string>,
  ) {}

  /** The value in force; null when nothing gives the key a value. */
  text(name: TopicKey): string | null {
    const own = this.overrides.get(name);
    if (own !== undefined) return own;
    for (const synonym of synonymsOf(name)) {
      const value = this.broker.text(synonym.key);
      if (value !== null) return inTopicUnit(value, synonym);
    }
    return TOPIC_KEYS[name].fallback;
  }

  /** Every key that has a value, as the logs take them. */
  all(): Record<string, string> {
    const all: Record<string, string> = {};
    for (const name of Object.keys(TOPIC_KEYS) as TopicKey[]) {
      const value = this.text(name);
      if (value !== null) all[name] = value;
    }
    return all;
  }

  number(name: TopicKey): number {
    return numberOf(this.text(name) ?? 'NaN');
  }

  boolean(name: TopicKey): boolean {
    return this.text(name)?.trim().toLowerCase() === 'true';
  }

  list(name: TopicKey): string[] {
    return elementsOf(this.text(name) ?? '');
  }

  /** Value and where it comes from. */
  entryOf(name: TopicKey): ConfigEntry {
    const own = this.overrides.get(name);
    if (own !== undefined) return { name, value: own, source: ConfigSource.TOPIC };
    for (const synonym of synonymsOf(name)) {
      const [first] = this.broker.entriesOf(synonym.key);
      if (first) return { name, value: inTopicUnit(first.value!, synonym), source: first.source };
    }
    return { name, value: TOPIC_KEYS[name].fallback, source: ConfigSource.DEFAULT };
  }

  /** Every place that gives the key a value, each under the name it has there, the one that counts first. */
  entriesOf(name: TopicKey): ConfigEntry[] {
    const entries: ConfigEntry[] = [];
    const own = this.overrides.get(name);
    if (own !== undefined) entries.push({ name, value: own, source: ConfigSource.TOPIC });
    const [first, ...coarser] = synonymsOf(name);
    const behind = first ? this.broker.entriesOf(first.key) : [];
    // Of the coarser units, such as hours, only what was set: their defaults are that of the key itself.
    for (const { key } of coarser) {
      behind.push(...this.broker.entriesOf(key).filter(({ source }) => source !== ConfigSource.DEFAULT));
    }
    entries.push(...behind.filter((entry) => entry.source !== ConfigSource.DEFAULT));
    entries.push(...behind.filter((entry) => entry.source === ConfigSource.DEFAULT));
    return entries;
  }
}

function inTopicUnit(value: string, synonym: Synonym): string {
  // Below zero means "never" in every unit.
  return synonym.factor === 1 || Number(value) < 0 ? value : String(Number(value) * synonym.factor);
}
