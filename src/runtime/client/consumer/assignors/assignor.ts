import { type TopicPartition } from '../../../../common/topic-partition.js';

// The contract of a partition assignment strategy. The leader of a classic group runs it for all members, so a
// strategy is a pure function: the same members and counts give the same result on whichever member leads.

/** A member as the leader sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  /** What this strategy's `userData` gave on that member; null when there is none. */
  readonly userData: Buffer | null;
  readonly rackId: string | null;
  /** What it still owns while it joins: cooperative members say so, eager ones have given up everything. */
  readonly owned?: OwnedPartitions;
}

/** What a member owned after its latest assignment. */
export interface OwnedPartitions {
  readonly partitions: readonly TopicPartition[];
  readonly generationId: number;
}

/** Partitions by member id; every member has an entry, be it empty. */
export type GroupAssignment = Map<string, TopicPartition[]>;

export interface Assignor {
  /** The name on the wire. All members of a group must share one. */
  readonly name: string;
  /**
   * Whether members may keep what they own while the group rebalances (KIP-429). They do when all strategies of a
   * member say so. What such a strategy moves from one member to another is given up first and handed on by a second
   * rebalance; the group's leader sees to that. Default false.
   */
  readonly isCooperative?: boolean;
  /** Bytes that travel in the member's subscription; only strategies with a memory have some. */
  userData?(owned: OwnedPartitions): Buffer | null;
  /** `partitionCounts` holds the topics that exist; topics without an entry are left out. */
  assign(partitionCounts: ReadonlyMap<string, number>, members: readonly AssignorMember[]): GroupAssignment;
}

/** Order by UTF-16 code unit, as Java compares strings: both languages must see the same first member. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Static members first, by instance id; then the others by member id. */
export function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null)
    return compareText(a.groupInstanceId, b.groupInstanceId);
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareText(a.memberId, b.memberId);
}

export function emptyAssignment(members: readonly AssignorMember[]): GroupAssignment {
  return new Map(members.map((member) => [member.memberId, []]));
}

/** Topics that exist and that somebody subscribes to, in order. */
export function subscribedTopics(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly AssignorMember[],
): string[] {
  const topics = new Set(members.flatMap((member) => member.topics));
  return [...topics].filter((topic) => (partitionCounts.get(topic) ?? 0) > 0).sort(compareText);
}
