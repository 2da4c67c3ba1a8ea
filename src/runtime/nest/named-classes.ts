import { CONFIG_NAMES, type ConfigName, keyOf } from '../config/config-keys.js';
import { type KafkaProperties } from '../config/kafka-properties.js';
import { mistakeAt } from '../config/mistake-at.js';
import { type Mistake } from '../config/mistakes.js';

// Classes that the configuration names, as Kafka's clients do: here they are providers.

/** A Java class is found under its name without the package. */
export function simpleName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** What `configure` is given: the properties of a kind of client by Kafka's names. */
export function configsOf(
  properties: KafkaProperties,
  client: 'consumer' | 'producer',
): Readonly<Record<string, unknown>> {
  const entries = CONFIG_NAMES.filter((name) => name.startsWith(`${client}.`)).flatMap((name) => {
    const { property } = keyOf(name);
    return property === undefined || /password|jaas|key-store|secret/.test(name)
      ? []
      : [[property, properties.get(name)] as const];
  });
  return Object.freeze(Object.fromEntries(entries));
}

/** No provider has the name that a key gives; `wanted` says what it should be. */
export function unknownClass(properties: KafkaProperties, name: ConfigName, value: string, wanted: string): Mistake {
  const problem = `no provider is called ${simpleName(value)}: Java classes do not run here; write ${wanted}`;
  return mistakeAt(properties, name, problem, value);
}
