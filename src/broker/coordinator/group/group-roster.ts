import { ErrorCode } from '../../../protocol/error-codes.js';
import { type GroupMember } from './group-member.js';

// Who belongs to a group: members in the order of their first join, the names of static ones, and newcomers that
// were given an id and have not come back with it (KIP-394).

export class GroupRoster {
  readonly #members = new Map<string, GroupMember>();
  readonly #instances = new Map<string, string>();
  readonly pending = new Set<string>();

  get size(): number {
    return this.#members.size;
  }

  get(memberId: string): GroupMember | undefined {
    return this.#members.get(memberId);
  }

  ofInstance(groupInstanceId: string | null): GroupMember | undefined {
    const memberId = groupInstanceId === null ? undefined : this.#instances.get(groupInstanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  /** A copy: members may be removed while it is walked. */
  all(): GroupMember[] {
    return [...this.#members.values()];
  }

  joined(): GroupMember[] {
    return this.all().filter((member) => member.hasJoined);
  }

  allJoined(): boolean {
    for (const member of this.#members.values()) if (!member.hasJoined) return false;
    return true;
  }

  add(member: GroupMember): void {
    this.#members.set(member.memberId, member);
    const { groupInstanceId } = member.facts;
    if (groupInstanceId !== null) this.#instances.set(groupInstanceId, member.memberId);
  }

  remove(member: GroupMember): void {
    this.#members.delete(member.memberId);
    const { groupInstanceId } = member.facts;
    if (groupInstanceId !== null) this.#instances.delete(groupInstanceId);
  }

  /** The same static member under another id; it keeps its place in the order. */
  replace(previous: GroupMember, member: GroupMember): void {
    const members = this.all();
    this.#members.clear();
    for (const other of members) this.add(other === previous ? member : other);
  }

  maxRebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { facts } of this.#members.values()) longest = Math.max(longest, facts.rebalanceTimeoutMs);
    return longest;
  }

  /** The identity check of every request: an instance id that now belongs to another member id fences this one. */
  refusalOf(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const current = this.#instances.get(groupInstanceId);
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.#members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }
}
