import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { array, i32, str } from '../../../protocol/schema.js';
import { MessageCodec } from '../../../protocol/schema-compiler.js';
import { WireReader } from '../../../protocol/wire-reader.js';
import { type Assignor, type AssignorMember, compareText, type OwnedPartitions, subscribedTopics } from './assignor.js';
import { flatten, groupByTopic } from './consumer-protocol.js';
import { MemberLoads } from './member-loads.js';

// `sticky`: as balanced as the subscriptions allow, moving as little as that needs. The memory is not the leader's:
// each member brings what it owned in its subscription, so a new leader decides the same.

const previousCodec = new MessageCodec(
  'sticky user data',
  { partitions: array({ topic: str, partitions: array(i32) }), generationId: i32.or(-1).since(1) },
  Number.POSITIVE_INFINITY,
);

export const stickyAssignor: Assignor = {
  name: 'sticky',
  userData: (owned) =>
    previousCodec.toBuffer(1, { partitions: groupByTopic(owned.partitions), generationId: owned.generationId }),
  assign(partitionCounts, members) {
    const topics = subscribedTopics(partitionCounts, members);
    const loads = new MemberLoads([...members].sort((a, b) => compareText(a.memberId, b.memberId)));
    const owners = new TopicPartitionMap<string>();
    keepOwned(partitionCounts, members, loads, owners);
    // Topics that few can take come first: the others still have a choice later.
    topics.sort((a, b) => loads.subscribersOf(a).length - loads.subscribersOf(b).length || compareText(a, b));
    for (const topic of topics) {
      for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
        if (!owners.has(topic, partition)) loads.giveToLeastLoaded(topic, partition);
      }
    }
    loads.balance();
    return loads.toAssignment();
  },
};

/** Gives each partition back to who owned it; of several who say so, to the one with the newest generation. */
function keepOwned(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly AssignorMember[],
  loads: MemberLoads,
  owners: TopicPartitionMap<string>,
): void {
  const claims = members.map((member) => ({ member, ...previouslyOwned(member) }));
  claims.sort((a, b) => b.generationId - a.generationId || compareText(a.member.memberId, b.member.memberId));
  for (const { member, partitions } of claims) {
    for (const { topic, partition } of partitions) {
      const exists = partition >= 0 && partition < (partitionCounts.get(topic) ?? 0);
      if (!exists || !member.topics.includes(topic) || owners.has(topic, partition)) continue;
      owners.set(topic, partition, member.memberId);
      loads.give(member.memberId, topic, partition);
    }
  }
}

function previouslyOwned({ userData }: AssignorMember): OwnedPartitions {
  if (userData === null || userData.length === 0) return { partitions: [], generationId: -1 };
  for (const version of [1, 0]) {
    try {
      const { partitions, generationId } = previousCodec.decode(new WireReader(userData), version);
      return { partitions: flatten(partitions), generationId };
    } catch {
      // Version 0 lacks the generation; what is neither comes from another strategy and counts as no memory.
    }
  }
  return { partitions: [], generationId: -1 };
}
