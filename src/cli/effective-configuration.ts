import { mistakeIn } from '../broker/broker-config.js';
import { BROKER_KEYS } from '../broker/config/broker-keys.js';
import { DEFAULT_CONNECTION } from '../common/connection-name.js';
import { producerSettings } from '../runtime/client/producer/producer-options.js';
import { type KafkaProperties } from '../runtime/config/kafka-properties.js';
import {
  type Configuration,
  type ConfigurationSources,
  readConfiguration,
} from '../runtime/config/load-configuration.js';
import { inOrder, type Mistake } from '../runtime/config/mistakes.js';
import { connectionsIn, judgeNames } from '../runtime/config/name-judge.js';
import { checkConnection, checkProducer, type Findings } from '../runtime/config/rules.js';
import { securitySettings } from '../runtime/config/security/security.js';
import { producerOptions } from '../runtime/nest/connection/client-options.js';
import { namedProducers } from '../runtime/nest/connection/named-producers.js';
import { checkServers, collect } from '../runtime/nest/connection/settings-check.js';

// The configuration as the application in a folder would have it, of all its connections, and all that is wrong with
// it.

/** Where commands read the configuration, as commander hands it over. */
export interface ConfigurationOptions {
  readonly cwd: string;
  readonly file?: string;
  readonly profile?: string;
}

/** One connection's part. */
export interface EffectiveConnection {
  /** `default` for the one whose keys have no name of a connection. */
  readonly name: string;
  readonly configuration: Configuration;
  /** Properties of further producers, by name. */
  readonly producers: ReadonlyMap<string, KafkaProperties>;
}

export interface EffectiveConfiguration {
  readonly profiles: readonly string[];
  /** Lowest precedence first. */
  readonly sources: readonly string[];
  readonly connections: readonly EffectiveConnection[];
  /** Nothing wrong, but worth knowing. */
  readonly warnings: readonly string[];
  readonly mistakes: readonly Mistake[];
}

/** Sources of an application that is started in a folder. */
export type ApplicationSources = ConfigurationSources & { readonly cwd: string };

/** Files, variables, and those words that are arguments of the application. */
export function sourcesOf(words: readonly string[], { cwd, file, profile }: ConfigurationOptions): ApplicationSources {
  const argv = words.filter((word) => word.startsWith('--'));
  if (profile !== undefined) argv.push(`--spring.profiles.active=${profile}`);
  return { cwd, argv, ...(file === undefined ? {} : { propertiesFile: file }) };
}

/** Words of a command that are no arguments of the application: what is asked for. */
export function askedFor(words: readonly string[]): string[] {
  return words.filter((word) => !word.startsWith('--')).map((word) => word.toLowerCase());
}

export function effectiveConfiguration(sources: ConfigurationSources): EffectiveConfiguration {
  const base = readConfiguration(sources);
  const names = connectionsIn(base.environment);
  const findings: Findings = { mistakes: [], notices: [] };
  const judged = judgeNames(base.environment, names);
  findings.mistakes.push(...judged.mistakes);
  findings.notices.push(...judged.notices);
  const named = names.map((name) => [name, readConfiguration({ ...sources, connection: name })] as const);
  return {
    profiles: base.profiles,
    connections: [[DEFAULT_CONNECTION, base] as const, ...named].map(([name, configuration]) => ({
      name,
      configuration,
      producers: check(configuration, findings),
    })),
    // Documents of one file stand beside each other.
    sources: [...new Set(base.environment.sources.map(({ name }) => name))].filter((name) => name !== 'random'),
    warnings: [...new Set(findings.notices)],
    // Consumers and producer share keys, and connections share files.
    mistakes: inOrder(findings.mistakes),
  };
}

/** Adds what is wrong; gives the connection's further producers. */
function check(configuration: Configuration, findings: Findings): ReadonlyMap<string, KafkaProperties> {
  const { properties, environment, mistakes } = configuration;
  findings.mistakes.push(...mistakes);
  checkConnection(properties, findings);
  securitySettings(configuration, findings.mistakes, findings.notices);
  checkBrokerKeys(properties, findings);
  checkServers(properties, findings.mistakes);
  const producers = namedProducers(properties, environment, findings.mistakes);
  for (const own of producers.values()) checkProducer(own, findings);
  // The rules above name the keys at fault; what the producer itself finds beside them has no place.
  if (findings.mistakes.length > 0) return producers;
  for (const [name, own] of [['producer', properties] as const, ...producers]) {
    const origin = own === properties ? name : `producer ${name}`;
    collect(findings.mistakes, origin, () => producerSettings(producerOptions(own)));
  }
  return producers;
}

/** The embedded broker would refuse these, later. */
function checkBrokerKeys(properties: KafkaProperties, { mistakes }: Findings): void {
  const given = Object.entries(properties.get('embedded.properties'));
  for (const [name, value] of given) {
    const problem = mistakeIn(BROKER_KEYS, name, value);
    if (problem === undefined) continue;
    const origin = properties.originBelow('embedded.properties', name) ?? 'configuration';
    mistakes.push({ origin, key: `${properties.prefix}.embedded.properties.${name}`, value, problem });
  }
}
