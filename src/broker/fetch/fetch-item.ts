import { type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.js';

// One partition as a fetch asks for it, and the answers to several of them grouped by topic as the wire wants it.

export type FetchInput = FetchRequest['topics'][number]['partitions'][number];
export type FetchAnswer = FetchResponse['responses'][number]['partitions'][number];
type TopicAnswer = FetchResponse['responses'][number];

export interface FetchItem {
  /** Empty while the id is one that no topic has had since it was asked for. */
  topic: string;
  /** Zero where topics are asked for by name. */
  readonly topicId: string;
  input: FetchInput;
}

/** Every partition once, at the place where it is named first and as it is named last. */
export function itemsOf(topics: FetchRequest['topics']): Map<string, FetchItem> {
  const items = new Map<string, FetchItem>();
  for (const { topic, topicId, partitions } of topics) {
    for (const input of partitions) {
      items.set(itemKey(topic, topicId, input.partition), { topic, topicId, input });
    }
  }
  return items;
}

export function itemKey(topic: string, topicId: string, partition: number): string {
  return `${topicId} ${topic} ${partition}`;
}

/** Neighbours of one topic share its entry; the order of partitions says who was served first and stays. */
export function grouped(items: readonly FetchItem[], answers: readonly FetchAnswer[]): TopicAnswer[] {
  const topics: TopicAnswer[] = [];
  let partitions: FetchAnswer[] = [];
  let before: FetchItem | undefined;
  for (const [i, item] of items.entries()) {
    if (!before || before.topicId !== item.topicId || before.topic !== item.topic) {
      partitions = [];
      topics.push({ topic: item.topic, topicId: item.topicId, partitions });
    }
    partitions.push(answers[i]!);
    before = item;
  }
  return topics;
}
