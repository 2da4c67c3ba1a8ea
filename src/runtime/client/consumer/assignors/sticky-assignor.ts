import { array, i32, str } from '../../../../protocol/schema.js';
import { MessageCodec } from '../../../../protocol/schema-compiler.js';
import { WireReader } from '../../../../protocol/wire-reader.js';
import { flatten, groupByTopic } from '../membership/consumer-protocol.js';
import { type Assignor, type AssignorMember, type OwnedPartitions } from './assignor.js';
import { assignSticky } from './sticky-assignment.js';

// `sticky`: members give up everything before they join, and bring what they owned in the strategy's own bytes.

const previousCodec = new MessageCodec(
  'sticky user data',
  { partitions: array({ topic: str, partitions: array(i32) }), generationId: i32.or(-1).since(1) },
  Number.POSITIVE_INFINITY,
);

export const stickyAssignor: Assignor = {
  name: 'sticky',
  userData: (owned) =>
    previousCodec.toBuffer(1, { partitions: groupByTopic(owned.partitions), generationId: owned.generationId }),
  assign: (partitionCounts, members) => assignSticky(partitionCounts, members, previouslyOwned),
};

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
