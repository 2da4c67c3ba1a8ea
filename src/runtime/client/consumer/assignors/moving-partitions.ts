import { TopicPartitionMap } from '../../../../common/topic-partition.js';
import { type AssignorMember, type GroupAssignment } from './assignor.js';

// No partition has two owners: what a member still owns is given to nobody else. It is assigned to nobody in this
// round, its owner sees that, gives it up and joins again, and that second rebalance hands it on (KIP-429).

/** The assignment without partitions that another member still owns. */
export function withholdMoving(assignment: GroupAssignment, members: readonly AssignorMember[]): GroupAssignment {
  const owners = ownersOf(members);
  if (owners.size === 0) return assignment;
  return new Map(
    [...assignment].map(([memberId, partitions]) => [
      memberId,
      partitions.filter(({ topic, partition }) => (owners.get(topic, partition)?.memberId ?? memberId) === memberId),
    ]),
  );
}

/** Of several that say that they own one, the newest generation counts; should that be a tie, none may have it. */
function ownersOf(members: readonly AssignorMember[]): TopicPartitionMap<Claim> {
  const claims = new TopicPartitionMap<Claim>();
  for (const { memberId, owned } of members) {
    for (const { topic, partition } of owned?.partitions ?? []) {
      const { generationId } = owned!;
      const other = claims.get(topic, partition);
      if (other && other.generationId > generationId) continue;
      const isTie = other?.generationId === generationId;
      claims.set(topic, partition, { memberId: isTie ? NOBODY : memberId, generationId });
    }
  }
  return claims;
}

interface Claim {
  readonly memberId: string;
  readonly generationId: number;
}

/** No member's id: a coordinator never gives an empty one. */
const NOBODY = '';
