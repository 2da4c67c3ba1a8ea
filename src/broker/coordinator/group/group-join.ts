import { assertNever } from '../../../common/errors.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { CONSUMER_PROTOCOL, subscribedTopics } from './consumer-subscription.js';
import { type Decided, type GroupCore } from './group-core.js';
import { type JoinRequest, refusedJoin, type Ticket } from './group-effects.js';
import { factsOf, GroupMember, sameProtocols } from './group-member.js';
import { completeJoinIfAllIn, rebalance, removeMember, replaceMember } from './group-rebalance.js';
import { fitsIn, selectProtocol } from './protocol-selection.js';

// JoinGroup: newcomers, static members that come back (KIP-345), and members that join again.

/** A newcomer's join may wait for others longer than its session; it is given up after this. */
export const NEW_MEMBER_TIMEOUT_MS = 300_000;

export function join(group: GroupCore, request: JoinRequest, ticket: Ticket, now: number): void {
  const errorCode = refusalOf(group, request, now);
  if (errorCode !== ErrorCode.NONE) {
    group.answerJoin(ticket, refusedJoin(errorCode, request.memberId));
    return;
  }
  if (request.memberId === '') joinAsNewcomer(group, request, ticket, now);
  else if (group.roster.pending.has(request.memberId) && request.groupInstanceId === null) {
    group.roster.pending.delete(request.memberId);
    group.cancel({ kind: 'pending', memberId: request.memberId });
    addMember(group, request.memberId, request, ticket, now);
  } else joinAgain(group, request, ticket, now);
}

function refusalOf(group: GroupCore, request: JoinRequest, now: number): number {
  if (group.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const known = group.roster.get(request.memberId) ?? group.roster.ofInstance(request.groupInstanceId);
  if (isFull(group, known)) {
    dropRefused(group, request, now);
    return ErrorCode.GROUP_MAX_SIZE_REACHED;
  }
  const others = group.roster.all().filter((member) => member !== known);
  const typeFits = group.roster.size === 0 ? request.protocolType !== '' : request.protocolType === group.protocolType;
  return typeFits && fitsIn(request, others) ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

/** A member that found no place will not be back: the others need not wait for it. */
function dropRefused(group: GroupCore, { memberId, groupInstanceId }: JoinRequest, now: number): void {
  if (group.roster.refusalOf(memberId, groupInstanceId) !== ErrorCode.NONE) return;
  removeMember(group, group.roster.get(memberId)!);
  completeJoinIfAllIn(group, now);
}

function isFull({ state, roster, settings }: GroupCore, known: GroupMember | undefined): boolean {
  if (state === 'PreparingRebalance') return !known?.hasJoined && roster.joined().length >= settings.maxSize;
  return !known && roster.size >= settings.maxSize;
}

function joinAsNewcomer(group: GroupCore, request: JoinRequest, ticket: Ticket, now: number): void {
  const memberId = request.newMemberId;
  const previous = group.roster.ofInstance(request.groupInstanceId);
  if (previous) {
    comeBack(group, previous, request, ticket, now);
  } else if (request.requireKnownMemberId && request.groupInstanceId === null) {
    group.roster.pending.add(memberId);
    group.schedule({ kind: 'pending', memberId }, request.sessionTimeoutMs);
    group.answerJoin(ticket, refusedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId));
  } else {
    addMember(group, memberId, request, ticket, now);
  }
}

function addMember(group: GroupCore, memberId: string, request: JoinRequest, ticket: Ticket, now: number): void {
  if (group.roster.size === 0) group.protocolType = request.protocolType;
  const member = new GroupMember(memberId, factsOf(request));
  group.roster.add(member);
  member.joinTicket = ticket;
  group.schedule({ kind: 'session', memberId }, NEW_MEMBER_TIMEOUT_MS);
  if (group.initialWait) group.initialWait.joinedMeanwhile = true;
  rebalance(group, now);
}

function joinAgain(group: GroupCore, request: JoinRequest, ticket: Ticket, now: number): void {
  const { memberId, groupInstanceId } = request;
  const errorCode = group.roster.refusalOf(memberId, groupInstanceId);
  const member = group.roster.get(memberId);
  if (errorCode !== ErrorCode.NONE || !member) {
    group.answerJoin(ticket, refusedJoin(errorCode, memberId));
    return;
  }
  const isLeader = memberId === group.leaderId;
  const unchanged = sameProtocols(member.facts.protocols, request.protocols);
  switch (group.state) {
    case 'CompletingRebalance':
      // The answer to its join got lost.
      if (unchanged) answerAgain(group, member, ticket, isLeader);
      else parkAndRebalance(group, member, request, ticket, now);
      return;
    case 'Stable':
      // A leader joins again when it wants a new assignment: topics or partitions changed.
      if (unchanged && !isLeader) answerAgain(group, member, ticket, false);
      else parkAndRebalance(group, member, request, ticket, now);
      return;
    case 'PreparingRebalance':
      parkAndRebalance(group, member, request, ticket, now);
      return;
    case 'Empty':
    case 'Dead':
      throw new Error(`group ${group.groupId} is ${group.state} and has the member ${memberId}`);
    default:
      assertNever(group.state);
  }
}

function answerAgain(group: GroupCore, member: GroupMember, ticket: Ticket, withMembers: boolean): void {
  group.answerJoin(ticket, group.joinAnswerFor(member.memberId, withMembers));
  group.touch(member);
}

function parkAndRebalance(group: GroupCore, member: GroupMember, request: JoinRequest, ticket: Ticket, now: number) {
  member.facts = { ...factsOf(request), groupInstanceId: member.facts.groupInstanceId };
  // A join that is still parked belongs to a connection the client has given up.
  group.refuseParkedJoin(member, ErrorCode.REBALANCE_IN_PROGRESS);
  member.joinTicket = ticket;
  if (!member.isNew) group.cancel({ kind: 'session', memberId: member.memberId });
  rebalance(group, now);
}

/** A static member returns after a restart: it gets a new id, and the process that had the old one is fenced. */
function comeBack(group: GroupCore, previous: GroupMember, request: JoinRequest, ticket: Ticket, now: number): void {
  const member = new GroupMember(request.newMemberId, factsOf(request));
  member.isNew = false;
  member.assignment = previous.assignment;
  const members = group.roster.all().map((other) => (other === previous ? member : other));
  if (group.state === 'Stable' && keepsAssignment(group, previous, member, members)) {
    const { supportsSkippingAssignment } = request;
    const metadata = group.metadata(members, group.stateTimestamp);
    const leaderId = group.leaderId === previous.memberId ? member.memberId : group.leaderId;
    group.store(
      { kind: 'static-return', ticket, member, previousId: previous.memberId, supportsSkippingAssignment },
      { ...metadata, leaderId },
    );
    return;
  }
  replaceMember(group, previous, member);
  member.joinTicket = ticket;
  rebalance(group, now);
}

/** The group need not rebalance when the strategy stays the same and the consumer still reads the same topics. */
function keepsAssignment(
  group: GroupCore,
  previous: GroupMember,
  member: GroupMember,
  members: readonly GroupMember[],
): boolean {
  if (selectProtocol(members) !== group.protocolName) return false;
  return group.protocolType !== CONSUMER_PROTOCOL || topicsOf(group, previous) === topicsOf(group, member);
}

function topicsOf(group: GroupCore, member: GroupMember): string {
  return JSON.stringify([...(subscribedTopics(member.metadataFor(group.protocolName)) ?? [])].sort());
}

/** The record with the returned member is in the log (or was refused): answer its join. */
export function finishStaticReturn(
  group: GroupCore,
  decided: Extract<Decided, { kind: 'static-return' }>,
  errorCode: number,
): void {
  const { ticket, member, previousId, supportsSkippingAssignment } = decided;
  const { memberId, facts } = member;
  if (errorCode !== ErrorCode.NONE) {
    group.answerJoin(ticket, refusedJoin(errorCode, memberId));
    return;
  }
  const returned = group.roster.get(memberId)!;
  returned.facts = facts; // the record carries the chosen protocol only
  group.touch(returned);
  const isLeader = group.leaderId === memberId;
  const answer = group.joinAnswerFor(memberId, isLeader && supportsSkippingAssignment);
  if (!isLeader) group.answerJoin(ticket, answer);
  else if (supportsSkippingAssignment) group.answerJoin(ticket, { ...answer, skipAssignment: true });
  // A client below v9 that saw itself as leader would assign anew and nobody would hear of it: name the old id.
  else group.answerJoin(ticket, { ...answer, leader: previousId });
}
