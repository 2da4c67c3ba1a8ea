import { type KafkaListenerOptions } from '../../decorators/listener-options.js';
import { type ConfigKey } from '../config/config-key.js';
import { CONFIG_KEYS, type ConfigName } from '../config/config-keys.js';
import { type Environment } from '../config/environment.js';
import { nearestName } from '../config/formats.js';
import { bindValue, type KafkaProperties } from '../config/kafka-properties.js';
import { type Mistake } from '../config/mistakes.js';

// `properties` of a listener: Kafka's own consumer keys, over those of its connection.

/** Consumer keys by Kafka's own names. */
const CONSUMER_PROPERTIES = new Map(
  (Object.keys(CONFIG_KEYS) as ConfigName[])
    .filter((name) => name.startsWith('consumer.'))
    .flatMap((name) => {
      const { property } = CONFIG_KEYS[name] as ConfigKey<unknown>;
      return property === undefined || property === 'group.id' ? [] : [[property, name] as const];
    }),
);

/** The connection's properties with `properties:` of the decorator over them. */
export function listenerProperties(
  where: string,
  options: KafkaListenerOptions,
  common: KafkaProperties,
  environment: Environment,
  mistakes: Mistake[],
): KafkaProperties {
  const origin = `@KafkaListener of ${where}`;
  const values = new Map<ConfigName, unknown>();
  for (const [property, given] of Object.entries(options.properties ?? {})) {
    const name = CONSUMER_PROPERTIES.get(property);
    const entry = { origin, key: `properties ${property}`, value: String(given) };
    if (name === undefined) {
      const near = nearestName(property, CONSUMER_PROPERTIES.keys());
      mistakes.push({ ...entry, problem: `unknown consumer property${near ? `; did you mean ${near}?` : ''}` });
      continue;
    }
    const value = bindValue(CONFIG_KEYS[name] as ConfigKey<unknown>, entry, environment, mistakes);
    if (value !== undefined) values.set(name, value);
  }
  return common.with(values, origin);
}
