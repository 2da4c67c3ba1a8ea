import { ErrorCode } from '../../../protocol/error-codes.js';
import { type GroupCore } from './group-core.js';
import { type GroupMember, NO_ASSIGNMENT } from './group-member.js';
import { selectProtocol } from './protocol-selection.js';

// The wait for members and its end. A group that was empty waits a while for others that are about to start
// (KIP-134); every later rebalance ends as soon as the last member is in, and at the latest after the longest
// rebalance time-out.

/** Somebody came, left or changed: gather all members anew. */
export function prepareRebalance(group: GroupCore, now: number): void {
  const wasEmpty = group.state === 'Empty';
  group.moveTo('PreparingRebalance', now);
  endSyncWait(group);
  for (const member of group.roster.all()) group.answerParkedSync(member, ErrorCode.REBALANCE_IN_PROGRESS);
  if (wasEmpty) {
    group.initialWait = { waitedMs: 0, joinedMeanwhile: false };
    waitForFirstMembers(group, group.initialWait);
  } else if (!completeJoinIfAllIn(group, now)) {
    group.schedule({ kind: 'join' }, group.roster.maxRebalanceTimeoutMs());
  }
}

/** Rebalances, or lets the rebalance that is under way end. */
export function rebalance(group: GroupCore, now: number): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllIn(group, now);
  else prepareRebalance(group, now);
}

export function completeJoinIfAllIn(group: GroupCore, now: number): boolean {
  if (group.state !== 'PreparingRebalance' || group.initialWait) return false;
  if (group.roster.pending.size > 0 || !group.roster.allJoined()) return false;
  completeJoin(group, now);
  return true;
}

export function onJoinTimer(group: GroupCore, now: number): void {
  if (group.state !== 'PreparingRebalance') return;
  const wait = group.initialWait;
  if (wait?.joinedMeanwhile && wait.waitedMs < group.roster.maxRebalanceTimeoutMs()) {
    wait.joinedMeanwhile = false;
    waitForFirstMembers(group, wait);
  } else {
    completeJoin(group, now);
  }
}

function waitForFirstMembers(group: GroupCore, wait: NonNullable<GroupCore['initialWait']>): void {
  const longest = group.roster.maxRebalanceTimeoutMs() - wait.waitedMs;
  const delayMs = Math.max(0, Math.min(group.settings.initialRebalanceDelayMs, longest));
  wait.waitedMs += delayMs;
  group.schedule({ kind: 'join' }, delayMs);
}

function completeJoin(group: GroupCore, now: number): void {
  const { roster } = group;
  for (const member of roster.all()) if (!member.hasJoined && !member.isStatic) removeMember(group, member);
  const joined = roster.joined();
  if (joined.length === 0 && roster.size > 0) {
    // Only static members are left and none came back yet: their sessions decide, not this rebalance.
    group.schedule({ kind: 'join' }, roster.maxRebalanceTimeoutMs());
    return;
  }
  group.cancel({ kind: 'join' });
  group.initialWait = undefined;
  group.nextGeneration();
  if (roster.size === 0) becomeEmpty(group, now);
  else startGeneration(group, joined, now);
}

function becomeEmpty(group: GroupCore, now: number): void {
  group.protocolName = null;
  group.leaderId = null;
  group.moveTo('Empty', now);
  group.store({ kind: 'emptied' }, group.metadata([], now));
}

function startGeneration(group: GroupCore, joined: readonly GroupMember[], now: number): void {
  const members = group.roster.all();
  group.moveTo('CompletingRebalance', now);
  if (!joined.some(({ memberId }) => memberId === group.leaderId)) group.leaderId = joined[0]!.memberId;
  // Every join was checked against the other members, so they share a protocol.
  group.protocolName = selectProtocol(members)!;
  for (const member of members) member.assignment = NO_ASSIGNMENT;
  for (const member of joined) {
    const ticket = member.joinTicket!;
    member.joinTicket = undefined;
    member.isNew = false;
    group.pendingSync.add(member.memberId);
    group.answerJoin(ticket, group.joinAnswerFor(member.memberId, member.memberId === group.leaderId));
    group.touch(member);
  }
  group.schedule({ kind: 'sync' }, group.roster.maxRebalanceTimeoutMs());
}

/** Takes a member out; whoever calls decides what that means for the others. */
export function removeMember(group: GroupCore, member: GroupMember): void {
  group.roster.remove(member);
  if (group.leaderId === member.memberId) group.leaderId = null;
  group.pendingSync.delete(member.memberId);
  dismiss(group, member, ErrorCode.UNKNOWN_MEMBER_ID);
}

/** A static member under its new id; the process that still uses the old one is fenced. */
export function replaceMember(group: GroupCore, previous: GroupMember, member: GroupMember): void {
  group.roster.replace(previous, member);
  if (group.leaderId === previous.memberId) group.leaderId = member.memberId;
  if (group.pendingSync.delete(previous.memberId)) group.pendingSync.add(member.memberId);
  dismiss(group, previous, ErrorCode.FENCED_INSTANCE_ID);
}

/** Answers what somebody who is no member any more has parked, and stops watching it. */
function dismiss(group: GroupCore, member: GroupMember, errorCode: number): void {
  group.refuseParkedJoin(member, errorCode);
  group.answerParkedSync(member, errorCode);
  group.cancel({ kind: 'session', memberId: member.memberId });
}

/** Members that have joined but not fetched their assignment are no longer waited for. */
export function endSyncWait(group: GroupCore): void {
  group.pendingSync.clear();
  group.cancel({ kind: 'sync' });
}
