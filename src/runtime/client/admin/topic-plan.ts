import { NestdawError } from '../../../common/errors.js';
import { isTopicName, TOPIC_NAME_RULE } from '../../../common/topic-name.js';
import { type TopicOptions } from './new-topic.js';

// What has to be done so that topics are as declared: pure, from what is declared and what exists.

export interface TopicPlan {
  readonly create: readonly TopicOptions[];
  readonly grow: ReadonlyArray<{ readonly topic: TopicOptions; readonly to: number; readonly from: number }>;
  readonly alter: ReadonlyArray<{ readonly name: string; readonly changes: Readonly<Record<string, string>> }>;
  /** What is as it is, although it is declared otherwise. */
  readonly notices: readonly string[];
}

export interface ExistingTopic {
  readonly partitions: number;
  /** Values in force, by name; undefined when nothing is to be changed. */
  readonly configs?: ReadonlyMap<string, string | null> | undefined;
}

/** Partitions that a declaration asks for; undefined where it leaves that to the broker. */
export function declaredPartitions({ partitions, replicasAssignments }: TopicOptions): number | undefined {
  return replicasAssignments === undefined ? partitions : Object.keys(replicasAssignments).length;
}

export function planTopics(declared: readonly TopicOptions[], existing: ReadonlyMap<string, ExistingTopic>): TopicPlan {
  const plan = { create: [] as TopicOptions[], grow: [] as never[], alter: [] as never[], notices: [] as string[] };
  const grow: Array<TopicPlan['grow'][number]> = plan.grow;
  const alter: Array<TopicPlan['alter'][number]> = plan.alter;
  for (const topic of declared) {
    const found = existing.get(topic.name);
    if (found === undefined) {
      plan.create.push(topic);
      continue;
    }
    const wanted = declaredPartitions(topic);
    if (wanted !== undefined && wanted > found.partitions) grow.push({ topic, from: found.partitions, to: wanted });
    if (wanted !== undefined && wanted < found.partitions) {
      plan.notices.push(
        `topic ${topic.name} has ${found.partitions} partitions and ${wanted} are declared: Kafka takes none away`,
      );
    }
    const changes = changesOf(topic, found);
    if (Object.keys(changes).length > 0) alter.push({ name: topic.name, changes });
  }
  return plan;
}

function changesOf({ configs = {} }: TopicOptions, { configs: now }: ExistingTopic): Record<string, string> {
  if (now === undefined) return {};
  const changed = Object.entries(configs).filter(([name, value]) => now.get(name) !== String(value));
  return Object.fromEntries(changed.map(([name, value]) => [name, String(value)]));
}

/** Declarations by name, once each. Throws KAFKA_CONFIG_INVALID with every mistake in them. */
export function checkedTopics(declared: readonly TopicOptions[]): TopicOptions[] {
  const known = new Map<string, TopicOptions>();
  const mistakes: string[] = [];
  for (const topic of declared) {
    const { name, partitions, replicas, replicasAssignments } = topic;
    if (!isTopicName(name)) mistakes.push(`"${name}" is no topic name; allowed: ${TOPIC_NAME_RULE}`);
    for (const [what, count] of [
      ['partitions', partitions],
      ['replicas', replicas],
    ] as const) {
      const isFine = count === undefined || count === -1 || (Number.isInteger(count) && count > 0);
      if (!isFine)
        mistakes.push(`topic ${name}: ${what} is ${count}; give a whole number of at least 1, or leave it out`);
    }
    if (replicasAssignments !== undefined && (partitions !== undefined || replicas !== undefined)) {
      mistakes.push(
        `topic ${name}: replicasAssignments says how many partitions and replicas there are; leave those out`,
      );
    }
    const other = known.get(name);
    if (other !== undefined && JSON.stringify({ ...other }) !== JSON.stringify({ ...topic })) {
      mistakes.push(`topic ${name} is declared twice, and differently; declare it once`);
    }
    known.set(name, topic);
  }
  if (mistakes.length > 0) throw new NestdawError('KAFKA_CONFIG_INVALID', `topics: ${mistakes.join('; ')}`);
  return [...known.values()];
}
