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

  /** What is wrong with the values taken together; undefined when nothing is. */
  mistake(): string | undefined {
    const [min, max] = [this.number('min.compaction.lag.ms'), this.number('max.compaction.lag.ms')];
    return min > max ? `min.compaction.lag.ms (${min}) is greater than max.compaction.lag.ms (${max})` : undefined;
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

  /** Value and where it comes from: the first of `entriesOf`, and of nowhere else. */
  entryOf(name: TopicKey): ConfigEntry {
    const [first] = this.entriesOf(name);
    return { name, value: this.text(name), source: first?.source ?? ConfigSource.DEFAULT };
  }

  /** Every place that gives the key a value, each under the name it has there, the one that counts first. */
  entriesOf(name: TopicKey): ConfigEntry[] {
    const own = this.overrides.get(name);
    const [synonym] = synonymsOf(name);
    const behind = synonym ? this.broker.entriesOf(synonym.key) : [];
    return own === undefined ? behind : [{ name, value: own, source: ConfigSource.TOPIC }, ...behind];
  }
}

function inTopicUnit(value: string, synonym: Synonym): string {
  // Below zero means "never" in every unit.
  return synonym.factor === 1 || Number(value) < 0 ? value : String(Number(value) * synonym.factor);
}
