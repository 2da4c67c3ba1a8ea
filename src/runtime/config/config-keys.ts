import { type ClientKind, type ConfigKey } from './config-key.js';
import { INERT_PROPERTIES, type InertProperty } from './keys/client-properties.js';
import { COMMON_KEYS } from './keys/common-keys.js';
import { CONSUMER_KEYS } from './keys/consumer-keys.js';
import { EMBEDDED_KEYS } from './keys/embedded-keys.js';
import { LISTENER_KEYS } from './keys/listener-keys.js';
import { PRODUCER_KEYS } from './keys/producer-keys.js';
import { SECURITY_KEYS } from './keys/security-keys.js';
import { SERDE_KEYS } from './keys/serde-keys.js';
import { SERDE_PROPERTIES } from './keys/serde-properties.js';
import { STORE_KEYS } from './keys/store-keys.js';
import { ADMIN_KEYS, RETRY_KEYS, STREAMS_KEYS, TEMPLATE_KEYS } from './keys/template-keys.js';

// THE table of configuration: every key that is known, without the prefix `kafka.` (or `spring.kafka.`, the same).
// Names and defaults are Spring Boot's and the Java clients' unless the entry says otherwise. Names with `properties.`
// are Kafka's own client properties; those of one client may also stand at `kafka.properties.`, for all clients.

/** Every key with a name of its own, those that act and those that say why they do not. */
export const CONFIG_KEYS = {
  ...COMMON_KEYS,
  ...SECURITY_KEYS,
  ...CONSUMER_KEYS,
  ...PRODUCER_KEYS,
  ...SERDE_KEYS,
  ...LISTENER_KEYS,
  ...TEMPLATE_KEYS,
  ...RETRY_KEYS,
  ...ADMIN_KEYS,
  ...STREAMS_KEYS,
  ...EMBEDDED_KEYS,
  ...STORE_KEYS,
} as const;

export type ConfigName = keyof typeof CONFIG_KEYS;
export type ConfigValue<N extends ConfigName> = (typeof CONFIG_KEYS)[N] extends ConfigKey<infer T> ? T : never;

/** Client properties without effect, by Kafka's names. */
export const PROPERTIES_WITHOUT_EFFECT: Readonly<Record<string, InertProperty>> = {
  ...INERT_PROPERTIES,
  ...SERDE_PROPERTIES,
};

export const CONFIG_NAMES = Object.keys(CONFIG_KEYS) as ConfigName[];

/** An entry of the table without its own type, for those that treat all alike. */
export function keyOf(name: ConfigName): ConfigKey<unknown> {
  return CONFIG_KEYS[name] as ConfigKey<unknown>;
}

const CLIENT = /^(consumer|producer|admin)\./;

/** The kind of client that a key is for; undefined for all, or none. */
export function clientOf(name: string): ClientKind | undefined {
  return CLIENT.exec(name)?.[1] as ClientKind | undefined;
}

/** Names of one key below `kafka.`, the one that counts first. */
export function spellingsOf(name: ConfigName): readonly string[] {
  const known = spellings.get(name) ?? [...new Set(spell(name))];
  spellings.set(name, known);
  return known;
}

const spellings = new Map<ConfigName, readonly string[]>();

function spell(name: ConfigName): string[] {
  const { property, ownFirst = false, common } = keyOf(name);
  if (property === undefined) return [name];
  const client = clientOf(name);
  const forAll = `properties.${property}`;
  if (client === undefined) return ownFirst ? [name, forAll] : [forAll, name];
  const forClient = `${client}.properties.${property}`;
  // What is set for all clients is the business of the common key, where there is one.
  if (common !== undefined) return ownFirst ? [name, forClient] : [forClient, name];
  return [forClient, name, forAll];
}
