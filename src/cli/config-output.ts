import { type ConfigKey } from '../runtime/config/config-key.js';
import { CONFIG_NAMES, type ConfigName, keyOf } from '../runtime/config/config-keys.js';
import { type KafkaProperties } from '../runtime/config/kafka-properties.js';
import { describeMistake, masked, shownValue } from '../runtime/config/mistakes.js';
import { typeText } from '../runtime/config/reference/sections.js';
import { shownText } from '../runtime/config/reference/value-text.js';
import {
  askedFor,
  type ConfigurationOptions,
  type EffectiveConfiguration,
  effectiveConfiguration,
  sourcesOf,
} from './effective-configuration.js';

// What `nestdaw config` prints: what is in force and where it comes from, or everything that is wrong.

/** Of `nestdaw config`, as commander hands them over. */
export interface ConfigOptions extends ConfigurationOptions {
  readonly changed: boolean;
  readonly all: boolean;
  readonly keys: boolean;
  readonly json: boolean;
}

/** One key as it is in force. */
interface Line {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
  /** Kafka's own default, where ours differs and holds. */
  readonly kafkaDefault?: string;
}

export function printConfiguration(words: readonly string[], options: ConfigOptions): void {
  const wanted = askedFor(words);
  if (options.keys) {
    explain(wanted);
    return;
  }
  const report = effectiveConfiguration(sourcesOf(words, options));
  const shown = report.connections.map(({ name, configuration }) => ({
    name,
    lines: linesOf(configuration.properties, options).filter(matcher(wanted)),
  }));
  if (options.json) printJson(report, shown);
  else print(report, shown);
  if (report.mistakes.length > 0) process.exitCode = 1;
}

type Report = Omit<EffectiveConfiguration, 'connections'>;
type Shown = ReadonlyArray<{ readonly name: string; readonly lines: readonly Line[] }>;

function linesOf(properties: KafkaProperties, { changed, all }: ConfigOptions): Line[] {
  const lines: Line[] = [];
  for (const name of CONFIG_NAMES) {
    const key = keyOf(name);
    const origin = properties.originOf(name);
    if (key.kind === 'map') {
      lines.push(...mapLines(properties, name));
      continue;
    }
    const value = shownText(name, key, properties.get(name));
    if (origin === undefined && (changed || (!all && (value === '' || key.inert !== undefined)))) continue;
    const differs = origin === undefined && key.kafkaDefault !== undefined ? { kafkaDefault: key.kafkaDefault } : {};
    const told = `${origin ?? 'default'}${origin !== undefined && key.inert !== undefined ? ', without effect' : ''}`;
    lines.push({ key: `${properties.prefix}.${name}`, value, origin: told, ...differs });
  }
  return lines;
}

function mapLines(properties: KafkaProperties, name: ConfigName): Line[] {
  const map = properties.get(name) as Readonly<Record<string, string>>;
  return Object.entries(map).map(([below, value]) => {
    const key = `${properties.prefix}.${name}.${below}`;
    return { key, value: masked(key, value), origin: properties.originBelow(name, below) ?? '' };
  });
}

function matcher(words: readonly string[]): (line: { readonly key: string }) => boolean {
  return ({ key }) => words.length === 0 || words.some((word) => key.toLowerCase().includes(word));
}

function print({ profiles, sources, warnings, mistakes }: Report, connections: Shown): void {
  console.log(`# profiles: ${profiles.length === 0 ? 'default' : profiles.join(', ')}`);
  console.log(`# sources, the last one counts most: ${sources.join(', ')}`);
  for (const { name, lines } of connections) {
    if (connections.length > 1) console.log(`\n# connection ${name}`);
    const key = widest(lines.map((line) => line.key));
    const value = Math.min(60, widest(lines.map((line) => line.value)));
    for (const line of lines) {
      const kafka = line.kafkaDefault === undefined ? '' : ` (Kafka: ${line.kafkaDefault})`;
      console.log(`${line.key.padEnd(key)}  ${line.value.padEnd(value)}  ${line.origin}${kafka}`);
    }
  }
  for (const warning of warnings) console.error(`warning: ${warning}`);
  if (mistakes.length === 0) return;
  console.error(
    `\n${mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`}, the application would not start:`,
  );
  for (const mistake of mistakes) console.error(`  - ${describeMistake(mistake)}`);
}

function printJson({ profiles, sources, warnings, mistakes }: Report, connections: Shown): void {
  const report = {
    profiles,
    sources,
    connections: Object.fromEntries(connections.map(({ name, lines }) => [name, lines])),
    warnings,
    mistakes: mistakes.map((mistake) => ({ ...mistake, value: shownValue(mistake) })),
  };
  console.log(JSON.stringify(report, null, 2));
}

function explain(words: readonly string[]): void {
  const found = CONFIG_NAMES.map((name) => ({ key: `kafka.${name}`, name })).filter(matcher(words));
  for (const { key, name } of found) {
    const entry: ConfigKey<unknown> = keyOf(name);
    const fallback = entry.kind === 'map' ? '' : shownText(name, entry, entry.default);
    console.log(`${key}  (${typeText(entry)}${fallback === '' ? '' : `, default ${fallback}`})`);
    console.log(`    ${entry.doc}`);
    console.log(`    Allowed: ${entry.allowed}.`);
    if (entry.kafkaDefault !== undefined) console.log(`    Kafka's default: ${entry.kafkaDefault}.`);
    console.log(entry.inert === undefined ? `    Acts in ${entry.acts}.` : `    No effect: ${entry.inert}.`);
  }
  if (found.length === 0) console.error(`no key contains ${words.join(' or ')}`);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
