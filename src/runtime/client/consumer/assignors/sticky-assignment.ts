import { TopicPartitionMap } from '../../../../common/topic-partition.js';
import {
  type AssignorMember,
  compareText,
  type GroupAssignment,
  type OwnedPartitions,
  subscribedTopics,
} from './assignor.js';
import { MemberLoads } from './member-loads.js';

// As balanced as the subscriptions allow, moving as little as that needs. The memory is not the leader's: each member
// brings what it owned, so a new leader decides the same.

/** `ownedBy`: what a member says that it owned. */
export function assignSticky(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly AssignorMember[],
  ownedBy: (member: AssignorMember) => OwnedPartitions,
): GroupAssignment {
  const topics = subscribedTopics(partitionCounts, members);
  const loads = new MemberLoads([...members].sort((a, b) => compareText(a.memberId, b.memberId)));
  const owners = new TopicPartitionMap<string>();
  keepOwned(partitionCounts, members, ownedBy, loads, owners);
  // Topics that few can take come first: the others still have a choice later.
  topics.sort((a, b) => loads.subscribersOf(a).length - loads.subscribersOf(b).length || compareText(a, b));
  for (const topic of topics) {
    for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
      if (!owners.has(topic, partition)) loads.giveToLeastLoaded(topic, partition);
    }
  }
  loads.balance();
  return loads.toAssignment();
}

/** Gives each partition back to who owned it; of several who say so, to the one with the newest generation. */
function keepOwned(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly AssignorMember[],
  ownedBy: (member: AssignorMember) => OwnedPartitions,
  loads: MemberLoads,
  owners: TopicPartitionMap<string>,
): void {
  const claims = members.map((member) => ({ member, ...ownedBy(member) }));
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
