import { isBrokerKey, mistakeIn } from '../broker-config.js';
import { type ConfigKey, ConfigType, elementsOf } from '../config/config-key.js';
import { limitMistake } from '../config/group-keys.js';
import { TopicConfig } from '../config/topic-config.js';
import { isTopicKey } from '../config/topic-keys.js';
import { type ConfigContext, type ConfigTarget, keysOf, targetRefusal } from './config-targets.js';
import { ConfigResource } from './metadata-image.js';
import { type MetadataRecord } from './metadata-record.js';
import { type Refusal, refused } from './refusal.js';
import { isInternal } from './topic-name.js';
import { configRecord } from './topic-plans.js';

// What a change of configuration means in records: pure, from what is set now and the wish to records or a refusal.

export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

/** AlterConfigs: what is not named goes back to its default. */
export function planReplacement(
  target: ConfigTarget,
  entries: ReadonlyArray<{ readonly name: string; readonly value: string | null }>,
  context: ConfigContext,
): MetadataRecord[] | Refusal {
  const current = context.image.configsOf(target.resourceType as ConfigResource, target.resourceName);
  const named = new Set(entries.map(({ name }) => name));
  const changes = [
    ...entries.map((entry) => ({ ...entry, operation: ConfigOperation.SET })),
    ...[...current.keys()]
      .filter((name) => !named.has(name))
      .map((name) => ({ name, operation: ConfigOperation.DELETE, value: null })),
  ];
  return planChanges(target, changes, context);
}

/** IncrementalAlterConfigs: the keys that are named change, the others stay. */
export function planChanges(
  target: ConfigTarget,
  changes: readonly ConfigChange[],
  context: ConfigContext,
): MetadataRecord[] | Refusal {
  const refusal = alterableRefusal(target, context) ?? formRefusal(changes);
  if (refusal) return refusal;
  const current = context.image.configsOf(target.resourceType as ConfigResource, target.resourceName);
  const after = new Map<string, string | null>();
  for (const change of changes) {
    const value = changedValue(target, change, context);
    if (typeof value === 'object' && value !== null) return value;
    after.set(change.name, value);
  }
  const mistake = valuesRefusal(target, after, context);
  if (mistake) return mistake;
  return [...after]
    .filter(([name, value]) => (value === null ? current.has(name) : current.get(name) !== value))
    .map(([name, value]) => configRecord(target.resourceType as ConfigResource, target.resourceName, name, value));
}

/** The levels of loggers are no records: they end with the process. */
function alterableRefusal(target: ConfigTarget, context: ConfigContext): Refusal | undefined {
  const { resourceType, resourceName } = target;
  if (resourceType === ConfigResource.BROKER_LOGGER) {
    return refused('INVALID_REQUEST', `Unknown resource type ${resourceType}`);
  }
  if (resourceType === ConfigResource.TOPIC && resourceName === '') {
    return refused('INVALID_REQUEST', 'Default topic resources are not allowed.');
  }
  return targetRefusal(target, context);
}

export function formRefusal(changes: readonly ConfigChange[]): Refusal | undefined {
  const seen = new Set<string>();
  for (const { name, operation, value } of changes) {
    if (name === '') return refused('INVALID_REQUEST', 'a key without a name');
    if (seen.has(name)) return refused('INVALID_REQUEST', `Error due to duplicate config keys: ${name}`);
    seen.add(name);
    if (operation < ConfigOperation.SET || operation > ConfigOperation.SUBTRACT) {
      return refused('INVALID_REQUEST', `key '${name}': unknown operation ${operation}`);
    }
    if (value === null && operation !== ConfigOperation.DELETE) {
      return refused('INVALID_REQUEST', `Null value not supported for : ${name}`);
    }
  }
  return undefined;
}

/** The value after the change, null for none; values of a list are put together, not yet looked at. */
function changedValue(target: ConfigTarget, change: ConfigChange, context: ConfigContext): string | null | Refusal {
  const { name, operation } = change;
  if (operation === ConfigOperation.DELETE) return null;
  const given = change.value!.trim();
  if (operation === ConfigOperation.SET) return given;
  if (keysOf(target)[name]?.type !== ConfigType.LIST) {
    const what = operation === ConfigOperation.APPEND ? 'APPEND to' : 'SUBTRACT from';
    return refused('INVALID_CONFIG', `Can't ${what} key ${name} because its type is not LIST.`);
  }
  const before = elementsOf(valueInForce(target, name, context));
  const elements = elementsOf(given);
  const after =
    operation === ConfigOperation.APPEND
      ? [...before, ...elements.filter((element) => !before.includes(element))]
      : before.filter((element) => !elements.includes(element));
  return after.join(',');
}

function valueInForce({ resourceType, resourceName }: ConfigTarget, name: string, context: ConfigContext): string {
  const { image, config } = context;
  const own = image.configsOf(resourceType as ConfigResource, resourceName).get(name);
  if (own !== undefined) return own;
  if (resourceType === ConfigResource.TOPIC && isTopicKey(name)) {
    return new TopicConfig(config, new Map()).text(name) ?? '';
  }
  return resourceType === ConfigResource.BROKER && isBrokerKey(name) ? (config.text(name) ?? '') : '';
}

type Values = ReadonlyMap<string, string | null>;

/** Why the new values are none. Keys that are taken back are not looked at: somebody else may have set them. */
function valuesRefusal(target: ConfigTarget, values: Values, context: ConfigContext): Refusal | undefined {
  const isBroker = target.resourceType === ConfigResource.BROKER;
  const dynamics = isBroker ? dynamicRefusal(target, values) : undefined;
  if (dynamics) return dynamics;
  for (const [name, value] of values) {
    if (value === null) continue;
    // What Kafka's plug-ins are configured with is kept for them.
    if (isBroker && !isBrokerKey(name)) continue;
    const mistake = mistakeIn(keysOf(target), name, value);
    if (mistake) return refused(mistakeCode(target, keysOf(target)[name]), mistake);
  }
  return resourceRefusal(target, values, context);
}

function dynamicRefusal(target: ConfigTarget, values: Values): Refusal | undefined {
  const keys = keysOf(target);
  const names = [...values].filter(([name, value]) => value !== null && keys[name]).map(([name]) => name);
  const fixed = names.filter((name) => !keys[name]!.dynamic);
  if (fixed.length > 0) {
    return refused('INVALID_REQUEST', `Cannot update these configs dynamically: [${fixed.join(', ')}]`);
  }
  const single = names.filter((name) => keys[name]!.ofListener);
  if (single.length === 0) return undefined;
  const how = 'can be changed only for a listener, under its prefix';
  return refused('INVALID_REQUEST', `These security configs ${how}: [${single.join(', ')}]`);
}

/** Each kind of resource has a code of its own for a bad value. */
function mistakeCode({ resourceType }: ConfigTarget, key: ConfigKey | undefined) {
  if (resourceType === ConfigResource.BROKER) return 'INVALID_REQUEST';
  const isMetrics = resourceType === ConfigResource.CLIENT_METRICS;
  return isMetrics && key?.type !== ConfigType.LIST ? 'INVALID_REQUEST' : 'INVALID_CONFIG';
}

function resourceRefusal(target: ConfigTarget, values: Values, context: ConfigContext): Refusal | undefined {
  const { resourceType, resourceName } = target;
  if (resourceType === ConfigResource.GROUP) {
    for (const [name, value] of values) {
      const mistake = value === null ? undefined : limitMistake(name, value, context.config);
      if (mistake) return refused('INVALID_CONFIG', mistake);
    }
  }
  if (resourceType !== ConfigResource.TOPIC) return undefined;
  const overrides = new Map(context.image.configsOf(ConfigResource.TOPIC, resourceName));
  for (const [name, value] of values) {
    if (value === null) overrides.delete(name);
    else overrides.set(name, value);
  }
  const policy = values.get('cleanup.policy');
  // Committed offsets and transactions live in compacted topics: deleting by age would lose them.
  if (typeof policy === 'string' && policy !== 'compact' && isInternal(resourceName)) {
    return refused('INVALID_CONFIG', `cleanup.policy of '${resourceName}' must stay 'compact'`);
  }
  const mistake = new TopicConfig(context.config, overrides).mistake();
  return mistake === undefined ? undefined : refused('INVALID_CONFIG', mistake);
}
