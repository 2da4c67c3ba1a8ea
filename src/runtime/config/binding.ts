import { type ConfigKey } from './config-key.js';
import { type Environment, PlaceholderError } from './environment.js';
import { type Mistake } from './mistakes.js';
import { canonicalName, type PropertyEntry } from './sources/property-source.js';

// From the text of an entry to the value of its key.

/** Value of an entry by its key's rules; undefined when it counts as not set, or is a mistake. */
export function bindValue(
  key: ConfigKey<unknown>,
  entry: PropertyEntry,
  environment: Environment,
  mistakes: Mistake[],
): unknown {
  const text = resolved(entry, environment, mistakes);
  if (text === undefined || (text.trim() === '' && key.emptyIsUnset)) return undefined;
  const value = key.parse(text);
  if (value === undefined) mistakes.push({ ...entry, value: text, problem: `not allowed; allowed: ${key.allowed}` });
  return Array.isArray(value) ? Object.freeze(value) : value;
}

export interface BoundEntry {
  readonly value: string;
  readonly origin: string;
}

/** Everything below a prefix, under the names as written: Kafka's keys are not relaxed. */
export function bindMap(prefix: string, environment: Environment, mistakes: Mistake[]): Map<string, BoundEntry> {
  const bound = new Map<string, BoundEntry>();
  for (const source of environment.sources) {
    for (const entry of source.entries()) {
      const below = source.name === 'environment' ? variableBelow(prefix, entry.key) : nameBelow(prefix, entry.key);
      if (below === undefined) continue;
      const text = resolved(entry, environment, mistakes);
      if (text !== undefined) bound.set(below, { value: text, origin: entry.origin });
    }
  }
  return bound;
}

/** What stands below the prefix, as written. */
export function nameBelow(prefix: string, key: string): string | undefined {
  // Far cheaper than the canonical name, and nearly every key ends here.
  if (!/kafka/i.test(key)) return undefined;
  const wanted = canonicalName(`${prefix}.`);
  if (!canonicalName(key).startsWith(wanted)) return undefined;
  const depth = wanted.split('.').length - 1 + (/^spring\./i.test(key) ? 1 : 0);
  const written = key.replace(/\[([^\]]*)\]/g, '.$1').split('.');
  return written.slice(depth).join('.');
}

/** `KAFKA_EMBEDDED_PROPERTIES_NUM_PARTITIONS` is `num.partitions` below `kafka.embedded.properties`. */
export function variableBelow(prefix: string, variable: string): string | undefined {
  const begin = `${prefix.toUpperCase().replace(/[-.]/g, '_')}_`;
  const bare = variable.toUpperCase().replace(/^SPRING_/, '');
  return bare.startsWith(begin) ? bare.slice(begin.length).toLowerCase().replace(/_/g, '.') : undefined;
}

function resolved(entry: PropertyEntry, environment: Environment, mistakes: Mistake[]): string | undefined {
  try {
    return environment.resolvePlaceholders(entry.value);
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    mistakes.push({ ...entry, problem: error.message });
    return undefined;
  }
}
