import { type ConfigKey } from './config-key.js';
import { CONFIG_KEYS, type ConfigName, type ConfigValue, INERT_KEYS, spellingsOf } from './config-keys.js';
import { type Environment, PlaceholderError } from './environment.js';
import { editDistance, nearestName } from './formats.js';
import { type Mistake } from './mistakes.js';
import { canonicalName, type PropertyEntry, squeezed } from './sources/property-source.js';

// The environment bound to the table: typed values, each with its origin, and every mistake that was found.

/** The validated configuration of one connection; frozen. */
export class KafkaProperties {
  readonly #values: ReadonlyMap<ConfigName, unknown>;
  readonly #origins: ReadonlyMap<ConfigName, string>;

  constructor(values: ReadonlyMap<ConfigName, unknown>, origins: ReadonlyMap<ConfigName, string>) {
    this.#values = values;
    this.#origins = origins;
    Object.freeze(this);
  }

  /** Value of a key by its name without `kafka.`: `get('consumer.max-poll-records')` is a number. */
  get<N extends ConfigName>(name: N): ConfigValue<N> {
    return this.#values.get(name) as ConfigValue<N>;
  }

  /** Where the value comes from, such as `application.properties:3`; undefined for a default. */
  originOf(name: ConfigName): string | undefined {
    return this.#origins.get(name);
  }

  /** The same with other values for some keys; their origin is `origin`. */
  with(values: ReadonlyMap<ConfigName, unknown>, origin: string): KafkaProperties {
    if (values.size === 0) return this;
    const origins = new Map(this.#origins);
    for (const name of values.keys()) origins.set(name, origin);
    return new KafkaProperties(new Map([...this.#values, ...values]), origins);
  }
}

const NAMES = Object.keys(CONFIG_KEYS) as ConfigName[];
const MAP_NAMES = NAMES.filter((name) => CONFIG_KEYS[name].kind === 'map');

export interface Binding {
  readonly properties: KafkaProperties;
  /** What is no mistake but should be known, one sentence each. */
  readonly notices: readonly string[];
}

/** Binds the environment to the table. Adds to `mistakes` and goes on with the default where a value is none. */
export function bindProperties(environment: Environment, mistakes: Mistake[]): Binding {
  const values = new Map<ConfigName, unknown>();
  const origins = new Map<ConfigName, string>();
  for (const name of NAMES) {
    const key = CONFIG_KEYS[name] as ConfigKey<unknown>;
    if (key.kind === 'map') {
      values.set(name, Object.freeze(bindMap(name, environment, mistakes)));
      continue;
    }
    const entry = spellingsOf(name)
      .map((spelling) => environment.entry(spelling))
      .find((found) => found !== undefined);
    const bound = entry && bindValue(key, entry, environment, mistakes);
    values.set(name, bound ?? key.default);
    if (bound !== undefined) origins.set(name, entry!.origin);
  }
  const notices = reportUnknown(environment, mistakes);
  return { properties: new KafkaProperties(values, origins), notices };
}

/** Value of an entry by its key's rules; undefined when it counts as not set, or is a mistake. */
export function bindValue(
  key: ConfigKey<unknown>,
  entry: PropertyEntry,
  environment: Environment,
  mistakes: Mistake[],
): unknown {
  try {
    const text = environment.resolvePlaceholders(entry.value);
    if (text.trim() === '' && key.emptyIsUnset) return undefined;
    const value = key.parse(text);
    if (value === undefined) mistakes.push({ ...entry, value: text, problem: `not allowed; allowed: ${key.allowed}` });
    return Array.isArray(value) ? Object.freeze(value) : value;
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    mistakes.push({ ...entry, problem: error.message });
    return undefined;
  }
}

function bindMap(name: ConfigName, environment: Environment, mistakes: Mistake[]): Record<string, string> {
  const bound: Record<string, string> = {};
  for (const source of environment.sources) {
    for (const entry of source.entries()) {
      const below = source.name === 'environment' ? variableBelow(name, entry.key) : nameBelow(name, entry.key);
      if (below === undefined) continue;
      try {
        bound[below] = environment.resolvePlaceholders(entry.value);
      } catch (error) {
        if (!(error instanceof PlaceholderError)) throw error;
        mistakes.push({ ...entry, problem: error.message });
      }
    }
  }
  return bound;
}

/** What stands below the map's prefix, as written: Kafka's keys are not relaxed. */
function nameBelow(map: ConfigName, key: string): string | undefined {
  const prefix = canonicalName(`kafka.${map}.`);
  if (!canonicalName(key).startsWith(prefix)) return undefined;
  const depth = prefix.split('.').length - 1 + (/^spring\./i.test(key) ? 1 : 0);
  const written = key.replace(/\[([^\]]*)\]/g, '.$1').split('.');
  return written.slice(depth).join('.');
}

/** `KAFKA_EMBEDDED_PROPERTIES_NUM_PARTITIONS` is `num.partitions` below `embedded.properties`. */
function variableBelow(map: ConfigName, variable: string): string | undefined {
  const prefix = `KAFKA_${map.toUpperCase().replace(/[-.]/g, '_')}_`;
  const bare = variable.toUpperCase().replace(/^SPRING_/, '');
  return bare.startsWith(prefix) ? bare.slice(prefix.length).toLowerCase().replace(/_/g, '.') : undefined;
}

/** Unknown keys are mistakes; what merely looks like ours in the environment, and what cannot act, is a notice. */
function reportUnknown(environment: Environment, mistakes: Mistake[]): string[] {
  const spellings = NAMES.flatMap(spellingsOf);
  const known = new Set(spellings.map(canonicalName));
  const inert = new Map(Object.entries(INERT_KEYS).map(([name, why]) => [canonicalName(`kafka.${name}`), why]));
  const notices: string[] = [];
  for (const source of environment.sources) {
    for (const entry of source.entries()) {
      if (source.name === 'environment') {
        reportVariable(entry, spellings, notices, mistakes);
        continue;
      }
      const name = canonicalName(entry.key).replace(/\[\d+\]$/, '');
      if (!name.startsWith('kafka.') || known.has(name)) continue;
      if (MAP_NAMES.some((map) => nameBelow(map, entry.key) !== undefined)) continue;
      const why = inert.get(name);
      if (why !== undefined) notices.push(`${entry.origin}: ${entry.key} has no effect: ${why}`);
      else mistakes.push({ ...entry, problem: unknownKey(entry.key, spellings) });
    }
  }
  return notices;
}

function unknownKey(key: string, spellings: readonly string[]): string {
  const prefix = /^spring\./i.test(key) ? 'spring.' : '';
  const near = nearestName(
    key.toLowerCase(),
    spellings.map((spelling) => prefix + spelling),
  );
  return `unknown key${near === undefined ? '' : `; did you mean ${near}?`}`;
}

/**
 * `KAFKA_…` variables are common (images of brokers, service links), so an unknown one is none of ours unless it is
 * close to a key; `SPRING_KAFKA_…` can only be meant for us.
 */
function reportVariable(
  entry: PropertyEntry,
  spellings: readonly string[],
  notices: string[],
  mistakes: Mistake[],
): void {
  const name = squeezed(entry.key);
  const bare = name.startsWith('spring') ? name.slice('spring'.length) : name;
  if (!bare.startsWith('kafka') || spellings.some((spelling) => squeezed(spelling) === bare)) return;
  if (MAP_NAMES.some((map) => variableBelow(map, entry.key) !== undefined)) return;
  const near = spellings.find((spelling) => editDistance(squeezed(spelling), bare) <= 2);
  const meant = near?.toUpperCase().replace(/[-.]/g, '_');
  if (/^SPRING_KAFKA_/i.test(entry.key)) {
    mistakes.push({ ...entry, problem: `unknown key${meant ? `; did you mean SPRING_${meant}?` : ''}` });
  } else if (meant && /^KAFKA_/i.test(entry.key)) {
    notices.push(`environment variable ${entry.key} is not used; did you mean ${meant}?`);
  }
}
