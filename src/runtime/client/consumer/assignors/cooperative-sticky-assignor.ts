import { i32 } from '../../../../protocol/schema.js';
import { MessageCodec } from '../../../../protocol/schema-compiler.js';
import { WireReader } from '../../../../protocol/wire-reader.js';
import { type Assignor, type AssignorMember, type OwnedPartitions } from './assignor.js';
import { assignSticky } from './sticky-assignment.js';

// `cooperative-sticky` (KIP-429): the sticky distribution, but members keep what they own while the group rebalances
// and tell it in their subscription. The strategy's own bytes carry the generation only, for subscriptions of older
// Java members that have no field for it.

const generationCodec = new MessageCodec(
  'cooperative-sticky user data',
  { generationId: i32 },
  Number.POSITIVE_INFINITY,
);

const NOTHING: OwnedPartitions = { partitions: [], generationId: -1 };

export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  userData: ({ generationId }) => generationCodec.toBuffer(0, { generationId }),
  assign: (partitionCounts, members) => assignSticky(partitionCounts, members, owned),
};

function owned({ owned: told = NOTHING, userData }: AssignorMember): OwnedPartitions {
  if (told.generationId >= 0 || userData === null || userData.length < 4) return told;
  const { generationId } = generationCodec.decode(new WireReader(userData), 0);
  return { partitions: told.partitions, generationId };
}
