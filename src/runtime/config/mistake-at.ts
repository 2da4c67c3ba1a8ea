import { type ConfigName, keyOf } from './config-keys.js';
import { type KafkaProperties } from './kafka-properties.js';
import { type Mistake } from './mistakes.js';
import { shownText } from './reference/value-text.js';

// A mistake in the value of a key, at the line that sets it.

/** Where a key is set, and its name: the half of a mistake that every message needs. */
export type Place = Required<Pick<Mistake, 'origin' | 'key'>>;

export function placeOf(properties: KafkaProperties, name: ConfigName): Place {
  return { origin: properties.originOf(name) ?? 'default', key: properties.keyOf(name) };
}

/** `value` is the part of it that is wrong. Default: all of it. */
export function mistakeAt(properties: KafkaProperties, name: ConfigName, problem: string, value?: string): Mistake {
  const shown = shownText(name, keyOf(name), value ?? properties.get(name));
  return { ...placeOf(properties, name), ...(shown === '' ? {} : { value: shown }), problem };
}
