import { type KafkaAdmin } from './kafka-admin.js';
import { type TopicOptions } from './new-topic.js';

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

/** Creates what is missing, one request for all of it. */
export async function makeTopics(
  admin: Pick<KafkaAdmin, 'describeTopics' | 'createOrModifyTopics'>,
  needed: readonly NeededTopic[],
): Promise<void> {
  const names = needed.flatMap(({ name, as }) => (as === undefined ? [name] : [name, as]));
  const found = await admin.describeTopics(...new Set(names));
  await admin.createOrModifyTopics(
    ...declarations(needed, new Map([...found].map(([name, { partitions }]) => [name, partitions.length]))),
  );
}

/** What has to be declared, given how many partitions there are by topic. `as` counts topics declared here as well. */
export function declarations(needed: readonly NeededTopic[], existing: ReadonlyMap<string, number>): TopicOptions[] {
  const counts = new Map(existing);
  const declared = new Map<string, TopicOptions>();
  for (const { name, partitions, as, replicationFactor = -1, configs = {}, grows = false } of needed) {
    if (declared.has(name)) continue;
    const has = existing.get(name);
    const count = partitions ?? (as === undefined ? undefined : counts.get(as)) ?? -1;
    counts.set(name, Math.max(has ?? count, count));
    if (has === undefined) declared.set(name, { name, partitions: count, replicas: replicationFactor, configs });
    else if (grows && has < count) declared.set(name, { name, partitions: count });
  }
  return [...declared.values()];
}
