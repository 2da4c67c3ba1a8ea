import { type NodeFacts, type TopicFacts } from './facts.js';
import { type Finding, type Subject } from './finding.js';

// What findings are about, by the names of Kafka.

export function topicSubject({ name }: Pick<TopicFacts, 'name'>): Subject {
  return { kind: 'topic', name };
}

export function nodeSubject({ nodeId }: Pick<NodeFacts, 'nodeId'>): Subject {
  return { kind: 'node', name: String(nodeId) };
}

/** A topic's config that the brokers keep to themselves. */
export function untold(topic: TopicFacts, key: string): Finding {
  const says = 'problem' in topic.configs ? topic.configs.problem : 'the brokers do not tell';
  return { verdict: 'not known', subject: topicSubject(topic), key, says };
}
