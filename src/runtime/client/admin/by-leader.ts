import { type TopicPartition } from '../../../common/topic-partition.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { type Cluster } from '../cluster/cluster.js';

/** The partitions of one topic that one request names. */
export interface OfTopic<P> {
  readonly topic: string;
  readonly items: P[];
}

/** Partitions by the node that leads them, then by topic. Throws LEADER_NOT_AVAILABLE, which may pass. */
export async function byLeader<P extends TopicPartition>(
  cluster: Cluster,
  partitions: readonly P[],
): Promise<Map<number, Array<OfTopic<P>>>> {
  for (const topic of new Set(partitions.map((one) => one.topic))) {
    const known = await cluster.partitionsOf(topic, { refresh: true });
    if (known === undefined) throw brokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${topic}`);
  }
  const nodes = new Map<number, Array<OfTopic<P>>>();
  for (const item of partitions) {
    const leader = cluster.leaderOf(item.topic, item.partition);
    if (leader < 0) throw brokerError(ErrorCode.LEADER_NOT_AVAILABLE, `${item.topic}-${item.partition}`);
    const topics = nodes.get(leader) ?? [];
    nodes.set(leader, topics);
    const known = topics.find(({ topic }) => topic === item.topic);
    if (known) known.items.push(item);
    else topics.push({ topic: item.topic, items: [item] });
  }
  return nodes;
}
