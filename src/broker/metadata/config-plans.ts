import { type BrokerConfig, isBrokerKey, mistakeIn } from '../broker-config.js';
import { BROKER_KEYS } from '../config/broker-keys.js';
import { type ConfigTable, ConfigType, elementsOf } from '../config/config-key.js';
import { TopicConfig } from '../config/topic-config.js';
import { isTopicKey, TOPIC_KEYS } from '../config/topic-keys.js';
import { ConfigResource, type MetadataImage } from './metadata-image.js';
import { type MetadataRecord } from './metadata-record.js';
import { type Refusal, refused } from './refusal.js';
import { isInternal, nameRefusal } from './topic-name.js';
import { configRecord } from './topic-plans.js';

// What a change of configuration means in records: pure, from what is set now and the wish to records or a refusal.

export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

/** A topic, one broker (its number), or all brokers (empty name). */
export interface ConfigTarget {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ConfigContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
}

/** Why there is no such resource; undefined when there is. */
export function targetRefusal(target: ConfigTarget, { image, config }: ConfigContext): Refusal | undefined {
  const { resourceType, resourceName } = target;
  switch (resourceType) {
    case ConfigResource.TOPIC: {
      if (image.topic(resourceName)) return undefined;
      return (
        nameRefusal(resourceName) ?? refused('UNKNOWN_TOPIC_OR_PARTITION', `topic '${resourceName}' does not exist`)
      );
    }
    case ConfigResource.BROKER:
      return resourceName === '' || resourceName === String(config.nodeId)
        ? undefined
        : refused('INVALID_REQUEST', `there is no broker '${resourceName}'; the only node is ${config.nodeId}`);
    default:
      return refused('INVALID_REQUEST', `resources of type ${resourceType} have no configuration here`);
  }
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
  const refusal = targetRefusal(target, context) ?? formRefusal(changes);
  if (refusal) return refusal;
  const { resourceType, resourceName } = target;
  const current = context.image.configsOf(resourceType as ConfigResource, resourceName);
  const records: MetadataRecord[] = [];
  for (const change of changes) {
    const value = changedValue(target, change, context);
    if (typeof value === 'object' && value !== null) return value;
    if (value === null ? current.has(change.name) : current.get(change.name) !== value) {
      records.push(configRecord(resourceType as ConfigResource, resourceName, change.name, value));
    }
  }
  return records;
}

function formRefusal(changes: readonly ConfigChange[]): Refusal | undefined {
  const seen = new Set<string>();
  for (const { name, operation, value } of changes) {
    if (name === '') return refused('INVALID_REQUEST', 'a key without a name');
    if (seen.has(name)) return refused('INVALID_REQUEST', `key '${name}' is named twice`);
    seen.add(name);
    if (operation < ConfigOperation.SET || operation > ConfigOperation.SUBTRACT) {
      return refused('INVALID_REQUEST', `key '${name}': unknown operation ${operation}`);
    }
    if (value === null && operation !== ConfigOperation.DELETE) {
      return refused('INVALID_REQUEST', `key '${name}' is null; delete it instead`);
    }
  }
  return undefined;
}

/** The value after the change, null for none. */
function changedValue(target: ConfigTarget, change: ConfigChange, context: ConfigContext): string | null | Refusal {
  const { name, operation } = change;
  const ofTopic = target.resourceType === ConfigResource.TOPIC;
  const table: ConfigTable = ofTopic ? TOPIC_KEYS : BROKER_KEYS;
  const key = Object.hasOwn(table, name) ? table[name] : undefined;
  // A key that this broker does not know can still be deleted: another program may have set it.
  if (operation === ConfigOperation.DELETE) return key && !key.dynamic ? notDynamic(name) : null;
  const given = change.value!.trim();
  const isList = key?.type === ConfigType.LIST;
  if (operation !== ConfigOperation.SET && key && !isList) {
    return refused('INVALID_CONFIG', `key '${name}' is no list: it can only be set or deleted`);
  }
  const value = operation === ConfigOperation.SET ? given : changedList(target, change, context);
  const mistake = mistakeIn(table, name, value);
  if (mistake) return refused('INVALID_CONFIG', mistake);
  if (!key!.dynamic) return notDynamic(name);
  return resourceMistake(target, name, value) ?? value;
}

function changedList(target: ConfigTarget, { name, operation, value }: ConfigChange, context: ConfigContext): string {
  const before = elementsOf(valueInForce(target, name, context));
  const given = elementsOf(value!);
  const after =
    operation === ConfigOperation.APPEND
      ? [...before, ...given.filter((element) => !before.includes(element))]
      : before.filter((element) => !given.includes(element));
  return after.join(',');
}

function valueInForce({ resourceType, resourceName }: ConfigTarget, name: string, context: ConfigContext): string {
  const { image, config } = context;
  if (resourceType === ConfigResource.TOPIC && isTopicKey(name)) {
    return new TopicConfig(config, image.configsOf(ConfigResource.TOPIC, resourceName)).text(name) ?? '';
  }
  return isBrokerKey(name) ? (config.text(name) ?? '') : '';
}

/** Committed offsets and transactions live in compacted topics: deleting by age would lose them. */
function resourceMistake(target: ConfigTarget, name: string, value: string): Refusal | undefined {
  if (target.resourceType !== ConfigResource.TOPIC || name !== 'cleanup.policy') return undefined;
  if (!isInternal(target.resourceName) || value === 'compact') return undefined;
  return refused('INVALID_CONFIG', `cleanup.policy of '${target.resourceName}' must stay 'compact'`);
}

function notDynamic(name: string): Refusal {
  return refused('INVALID_REQUEST', `Cannot update these configs dynamically: ${name}`);
}
