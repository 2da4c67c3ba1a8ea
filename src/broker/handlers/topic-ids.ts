import { type TopicRegistry } from '../metadata/topic-registry.js';

// Topics under ids instead of names, for the versions that speak so. What groups read is stored by name.

export type TopicIds = Pick<TopicRegistry, 'get' | 'byId'>;

interface ById {
  readonly topicId: string;
}

/** Each topic with its name; those whose id no topic has are told apart. */
export function namedTopics<T extends ById>(topics: readonly T[], ids: TopicIds) {
  const known: Array<T & { readonly name: string }> = [];
  const unknown: T[] = [];
  for (const topic of topics) {
    const name = ids.byId(topic.topicId)?.name;
    if (name === undefined) unknown.push(topic);
    else known.push({ ...topic, name });
  }
  return { known, unknown };
}

/** Each topic with its id; one that does not exist any more has none, and is left out. */
export function withIds<T extends { readonly name: string }>(topics: readonly T[], ids: TopicIds) {
  return topics.flatMap((topic) => {
    const topicId = ids.get(topic.name)?.topicId;
    return topicId === undefined ? [] : [{ ...topic, topicId }];
  });
}
