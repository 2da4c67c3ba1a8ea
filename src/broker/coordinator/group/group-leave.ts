import { ErrorCode } from '../../../protocol/error-codes.js';
import { type GroupCore } from './group-core.js';
import { type LeavingMember } from './group-effects.js';
import { type GroupMember } from './group-member.js';
import { completeJoinIfAllIn, rebalance, removeMember } from './group-rebalance.js';

// How members go: by their own request, by an administrator's, or because their time is over.

/** The error code of each. */
export function leave(group: GroupCore, members: readonly LeavingMember[], now: number): number[] {
  if (group.state === 'Dead') return members.map(() => ErrorCode.COORDINATOR_NOT_AVAILABLE);
  let removed = false;
  const codes = members.map((leaving) => {
    if (isPending(group, leaving)) {
      dropPending(group, leaving.memberId);
      return ErrorCode.NONE;
    }
    const found = memberOf(group, leaving);
    if (typeof found === 'number') return found;
    removeMember(group, found);
    removed = true;
    return ErrorCode.NONE;
  });
  if (removed) rebalance(group, now);
  else completeJoinIfAllIn(group, now);
  return codes;
}

function isPending(group: GroupCore, { memberId, groupInstanceId }: LeavingMember): boolean {
  return groupInstanceId === null && group.roster.pending.has(memberId);
}

function memberOf(group: GroupCore, { memberId, groupInstanceId }: LeavingMember): GroupMember | number {
  if (memberId === '') return group.roster.ofInstance(groupInstanceId) ?? ErrorCode.UNKNOWN_MEMBER_ID;
  const errorCode = group.roster.refusalOf(memberId, groupInstanceId);
  return errorCode === ErrorCode.NONE ? group.roster.get(memberId)! : errorCode;
}

function dropPending(group: GroupCore, memberId: string): void {
  group.roster.pending.delete(memberId);
  group.cancel({ kind: 'pending', memberId });
}

export function onSessionTimer(group: GroupCore, memberId: string, now: number): void {
  const member = group.roster.get(memberId);
  if (!member) return;
  removeMember(group, member);
  rebalance(group, now);
}

export function onPendingTimer(group: GroupCore, memberId: string, now: number): void {
  dropPending(group, memberId);
  completeJoinIfAllIn(group, now);
}
