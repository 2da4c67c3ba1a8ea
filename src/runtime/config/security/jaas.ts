import { type ClientKind } from '../config-key.js';
import { type KafkaProperties } from '../kafka-properties.js';

// A login as Java's login modules are told it: `…ScramLoginModule required username="alice" password="…";`.

export interface JaasLogin {
  readonly module: string;
  /** An option's value, whatever the case of its name. */
  option(name: string): string | undefined;
}

/** From `sasl.jaas.config`, else from `jaas.*` where that is enabled. */
export function jaasLogin(properties: KafkaProperties, client: ClientKind): JaasLogin | undefined {
  const config = properties.getFor(client, 'properties.sasl.jaas.config');
  if (config !== undefined) return { module: config.trim().split(/\s/)[0]!, option: (name) => optionIn(config, name) };
  if (!properties.get('jaas.enabled')) return undefined;
  const options = Object.entries(properties.get('jaas.options'));
  return {
    module: properties.get('jaas.login-module'),
    option: (name) => options.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1],
  };
}

function optionIn(config: string, name: string): string | undefined {
  const quoted = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|'([^']*)'|([^\\s;"']+))`, 'i').exec(config);
  if (!quoted) return undefined;
  return quoted[1]?.replace(/\\(.)/g, '$1') ?? quoted[2] ?? quoted[3];
}
