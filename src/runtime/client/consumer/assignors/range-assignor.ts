import {
  type Assignor,
  type AssignorMember,
  compareMembers,
  emptyAssignment,
  type GroupAssignment,
  subscribedTopics,
} from './assignor.js';

// `range`: each topic by itself, cut into runs of neighbours; the first members get one more when it does not divide.

export const rangeAssignor: Assignor = {
  name: 'range',
  assign(partitionCounts, members) {
    const assignment = emptyAssignment(members);
    const inOrder = [...members].sort(compareMembers);
    for (const topic of subscribedTopics(partitionCounts, members)) {
      const subscribers = inOrder.filter((member) => member.topics.includes(topic));
      cut(topic, partitionCounts.get(topic)!, subscribers, assignment);
    }
    return assignment;
  },
};

function cut(topic: string, count: number, subscribers: readonly AssignorMember[], into: GroupAssignment): void {
  const share = Math.floor(count / subscribers.length);
  const larger = count % subscribers.length;
  let partition = 0;
  for (const [index, { memberId }] of subscribers.entries()) {
    const owned = into.get(memberId)!;
    for (let left = share + (index < larger ? 1 : 0); left > 0; left--) owned.push({ topic, partition: partition++ });
  }
}
