import { ErrorCode } from '../../../protocol/error-codes.js';
import { type GroupCore } from './group-core.js';
import { refusedSync, type SyncRequest, type Ticket } from './group-effects.js';
import { type GroupMember, NO_ASSIGNMENT } from './group-member.js';
import { endSyncWait, prepareRebalance, removeMember } from './group-rebalance.js';

// SyncGroup: members wait here for the leader's assignment; it is handed out once it is stored.

export function sync(group: GroupCore, request: SyncRequest, ticket: Ticket, now: number): void {
  const errorCode = refusalOf(group, request);
  const member = group.roster.get(request.memberId);
  if (errorCode !== ErrorCode.NONE || !member) {
    group.effects.push({ type: 'answer-sync', ticket, answer: refusedSync(errorCode) });
    return;
  }
  if (group.pendingSync.delete(member.memberId) && group.pendingSync.size === 0) group.cancel({ kind: 'sync' });
  if (group.state === 'Stable') {
    group.answerSync(ticket, member);
    group.touch(member);
    return;
  }
  group.answerParkedSync(member, ErrorCode.REBALANCE_IN_PROGRESS); // one of a connection the client has given up
  member.syncTicket = ticket;
  group.cancel({ kind: 'session', memberId: member.memberId });
  if (member.memberId === group.leaderId) storeAssignment(group, request, now);
}

function refusalOf(group: GroupCore, request: SyncRequest): number {
  const { memberId, groupInstanceId, generationId, protocolType, protocolName } = request;
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const errorCode = group.roster.refusalOf(memberId, groupInstanceId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
  if (protocolType !== null && protocolType !== group.protocolType) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (protocolName !== null && protocolName !== group.protocolName) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

function storeAssignment(group: GroupCore, { assignments }: SyncRequest, now: number): void {
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
  const metadata = group.metadata(group.roster.all(), now);
  const members = metadata.members.map((member) => ({
    ...member,
    assignment: byMember.get(member.memberId) ?? NO_ASSIGNMENT,
  }));
  group.store({ kind: 'assignment' }, { ...metadata, members });
}

/** The leader's assignment is in the log (or was refused): answer everybody who waits for it. */
export function finishAssignment(group: GroupCore, errorCode: number, now: number): void {
  for (const member of group.roster.all()) group.answerParkedSync(member, errorCode);
  if (errorCode !== ErrorCode.NONE) prepareRebalance(group, now);
}

/** Members that never fetched their assignment hold partitions that nobody reads. */
export function onSyncTimer(group: GroupCore, now: number): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  const late = [...group.pendingSync].map((memberId) => group.roster.get(memberId));
  endSyncWait(group);
  const present = late.filter((member): member is GroupMember => member !== undefined);
  for (const member of present) removeMember(group, member);
  if (present.length > 0) prepareRebalance(group, now);
}
