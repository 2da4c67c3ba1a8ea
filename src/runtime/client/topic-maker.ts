import { type KafkaAdmin } from './admin/kafka-admin.js';
import { type TopicOptions } from './admin/new-topic.js';

// Topics that a feature needs beside those of the application: made where they are missing.

/** A topic that has to be there. */
export interface NeededTopic {
  readonly name: string;
  /** Partitions, or the topic that it shall have as many partitions as. Without either, what the broker gives. */
  readonly partitions?: number | undefined;
  readonly as?: string | undefined;
  /** Default -1: what the broker gives. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
  /** Whether partitions are added when it has fewer. Default false. */
  readonly grows?: boolean;
}

/** Creates what is missing, one request for all of it. `as` counts topics made here as well. */
export async function makeTopics(
  admin: Pick<KafkaAdmin, 'describeTopics' | 'createOrModifyTopics'>,
  needed: readonly NeededTopic[],
): Promise<void> {
  const names = needed.flatMap(({ name, as }) => (as === undefined ? [name] : [name, as]));
  const found = await admin.describeTopics(...new Set(names));
  const counts = new Map([...found].map(([name, { partitions }]) => [name, partitions.length]));
  const wishes = new Map<string, TopicOptions>();
  for (const { name, partitions, as, replicationFactor = -1, configs = {}, grows = false } of needed) {
    if (wishes.has(name)) continue;
    const has = found.get(name)?.partitions.length;
    const count = partitions ?? (as === undefined ? undefined : counts.get(as)) ?? -1;
    counts.set(name, has === undefined ? count : Math.max(has, count));
    if (has === undefined) wishes.set(name, { name, partitions: count, replicas: replicationFactor, configs });
    else if (grows && has < count) wishes.set(name, { name, partitions: count });
  }
  await admin.createOrModifyTopics(...wishes.values());
}
