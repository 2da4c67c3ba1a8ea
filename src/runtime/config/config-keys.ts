import { type ConfigKey } from './config-key.js';
import { COMMON_KEYS } from './keys/common-keys.js';
import { CONSUMER_KEYS } from './keys/consumer-keys.js';
import { EMBEDDED_KEYS, LISTENER_KEYS, TEMPLATE_KEYS } from './keys/module-keys.js';
import { PRODUCER_KEYS } from './keys/producer-keys.js';

// THE table of configuration: every key that acts, without the prefix `kafka.` (or `spring.kafka.`, the same). Names
// and defaults are Spring Boot's and the Java clients' unless the sentence says otherwise. Names with `.properties.`
// are Kafka's own client properties; they may also stand at `kafka.properties.`, for all clients.

/** Every key that acts. */
export const CONFIG_KEYS = {
  ...COMMON_KEYS,
  ...CONSUMER_KEYS,
  ...PRODUCER_KEYS,
  ...LISTENER_KEYS,
  ...TEMPLATE_KEYS,
  ...EMBEDDED_KEYS,
} as const;

export type ConfigName = keyof typeof CONFIG_KEYS;
export type ConfigValue<N extends ConfigName> = (typeof CONFIG_KEYS)[N] extends ConfigKey<infer T> ? T : never;
/** Names of the keys of consumers, which a listener may set for itself. */
export type ConsumerConfigName = keyof typeof CONSUMER_KEYS;

/** Keys of Spring that are accepted and do nothing in Node, with what to know instead. */
export const INERT_KEYS: Readonly<Record<string, string>> = {
  'listener.change-consumer-thread-name': 'consumers have no threads to rename',
  'jaas.enabled': 'there is no JVM-wide login configuration; give sasl.jaas.config under kafka.properties.',
};

/** `kafka.` names of one key, the one that counts first. */
export function spellingsOf(name: ConfigName): string[] {
  const { property } = CONFIG_KEYS[name] as ConfigKey<unknown>;
  const own = `kafka.${name}`;
  if (property === undefined) return [own];
  const client = /^(consumer|producer)\./.exec(name)?.[1];
  const common = `kafka.properties.${property}`;
  if (client === undefined) return own === common ? [own] : [common, own];
  const clients = `kafka.${client}.properties.${property}`;
  return own === clients ? [clients, common] : [clients, own, common];
}
