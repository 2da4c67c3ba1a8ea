import { type ConfigKey } from '../config-key.js';
import { CONFIG_NAMES, keyOf, PROPERTIES_WITHOUT_EFFECT } from '../config-keys.js';
import { REMOVED_KEYS } from '../keys/removed-keys.js';
import { valueText } from './value-text.js';

// The table in the form that editors know from Spring: spring-configuration-metadata.json.

interface MetadataProperty {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly defaultValue?: unknown;
  readonly deprecation?: { readonly level: 'error'; readonly reason: string };
}

export interface ConfigurationMetadata {
  readonly groups: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  readonly properties: readonly MetadataProperty[];
  readonly hints: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<{ readonly value: string }> }>;
}

const TYPES: Readonly<Record<ConfigKey<unknown>['kind'], string>> = {
  string: 'java.lang.String',
  integer: 'java.lang.Integer',
  number: 'java.lang.Double',
  boolean: 'java.lang.Boolean',
  duration: 'java.time.Duration',
  size: 'org.springframework.util.unit.DataSize',
  choice: 'java.lang.String',
  list: 'java.util.List<java.lang.String>',
  map: 'java.util.Map<java.lang.String,java.lang.String>',
};
const PREFIXES = ['kafka', 'spring.kafka'];

export function configurationMetadata(): ConfigurationMetadata {
  const keys: Array<readonly [name: string, key: ConfigKey<unknown>]> = [
    ...CONFIG_NAMES.map((name) => [name, keyOf(name)] as const),
    ...Object.entries(PROPERTIES_WITHOUT_EFFECT).flatMap(([property, key]) =>
      key.clients.map((client) => [`${client}.properties.${property}`, key] as const),
    ),
  ];
  const both = <T>(make: (prefix: string) => T[]) => PREFIXES.flatMap(make);
  return {
    groups: both((prefix) => groupsOf(keys.map(([name]) => `${prefix}.${name}`))),
    properties: both((prefix) => [
      ...keys.map(([name, key]) => propertyOf(`${prefix}.${name}`, key)),
      ...Object.entries(REMOVED_KEYS).map(([name, reason]) => ({
        name: `${prefix}.${name}`,
        type: TYPES.string,
        description: `Gone: ${reason}.`,
        deprecation: { level: 'error' as const, reason },
      })),
    ]),
    hints: both((prefix) =>
      keys.flatMap(([name, { choices }]) =>
        choices ? [{ name: `${prefix}.${name}`, values: choices.map((value) => ({ value })) }] : [],
      ),
    ),
  };
}

function propertyOf(name: string, key: ConfigKey<unknown>): MetadataProperty {
  const fallback = key.kind === 'map' ? '' : valueText(key, key.default);
  const inert = key.inert === undefined ? '' : ` No effect here: ${key.inert}.`;
  const kafka = key.kafkaDefault === undefined ? '' : ` (Default of Kafka: ${key.kafkaDefault}.)`;
  const value = key.kind === 'duration' || key.kind === 'size' ? fallback : key.default;
  return {
    name,
    type: TYPES[key.kind],
    description: `${key.doc}${kafka}${inert}`,
    ...(fallback === '' ? {} : { defaultValue: value }),
  };
}

function groupsOf(names: readonly string[]) {
  const groups = new Set(names.map((name) => name.slice(0, name.lastIndexOf('.'))));
  return [...groups].filter((name) => !name.includes('.properties')).map((name) => ({ name, type: 'nestdaw' }));
}
