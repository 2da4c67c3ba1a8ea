import { type Assignor, compareMembers, emptyAssignment, subscribedTopics } from './assignor.js';

// `roundrobin`: all partitions of all topics dealt out in turn; a member that does not subscribe is passed over.

export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  assign(partitionCounts, members) {
    const assignment = emptyAssignment(members);
    const inOrder = [...members].sort(compareMembers).map(({ memberId, topics }) => ({
      owned: assignment.get(memberId)!,
      topics: new Set(topics),
    }));
    let turn = 0;
    for (const topic of subscribedTopics(partitionCounts, members)) {
      for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
        while (!inOrder[turn % inOrder.length]!.topics.has(topic)) turn++;
        inOrder[turn++ % inOrder.length]!.owned.push({ topic, partition });
      }
    }
    return assignment;
  },
};
