import { ErrorCode } from '../../../protocol/error-codes.js';
import { type GroupMetadata } from '../offset-records.js';
import {
  type GroupEffect,
  type GroupTimer,
  type JoinAnswer,
  refusedJoin,
  refusedSync,
  type Ticket,
} from './group-effects.js';
import { type GroupMember } from './group-member.js';
import { GroupRoster } from './group-roster.js';
import { canMove, type GroupState } from './group-state.js';

// The state of one classic group and the small steps that the rules (group-join, group-rebalance, group-sync,
// group-leave) are made of. Nothing here reads a clock or does I/O: what must happen outside is put into `effects`.

export interface ClassicGroupSettings {
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number;
  /** `group.max.size` */
  readonly maxSize: number;
}

/** What is done once the record that was asked for is in the log. */
export type Decided =
  | { readonly kind: 'assignment' } // the leader's assignment becomes the members'
  | { readonly kind: 'emptied' } // nothing: the group is empty already
  | {
      readonly kind: 'static-return'; // a static member comes back without a rebalance
      readonly ticket: Ticket;
      readonly member: GroupMember;
      readonly previousId: string;
      readonly supportsSkippingAssignment: boolean;
    };

const LAST_GENERATION = 0x7fff_ffff;

export class GroupCore {
  state: GroupState;
  /** When the state was entered; offsets of an empty group live from here. */
  stateTimestamp: number;
  generationId = 0;
  /** Empty for a group that only stores offsets. */
  protocolType = '';
  protocolName: string | null = null;
  leaderId: string | null = null;
  readonly roster = new GroupRoster();
  /** Members of this generation that have not fetched their assignment. */
  readonly pendingSync = new Set<string>();
  /** Set while a group that was empty waits for further members. */
  initialWait: { waitedMs: number; joinedMeanwhile: boolean } | undefined;
  decided: Decided | undefined;
  readonly effects: GroupEffect[] = [];

  constructor(
    readonly groupId: string,
    readonly settings: ClassicGroupSettings,
    state: GroupState,
    now: number,
  ) {
    this.state = state;
    this.stateTimestamp = now;
  }

  moveTo(state: GroupState, now: number): void {
    if (!canMove(this.state, state)) throw new Error(`group ${this.groupId}: no way from ${this.state} to ${state}`);
    this.state = state;
    this.stateTimestamp = now;
  }

  nextGeneration(): void {
    this.generationId = this.generationId === LAST_GENERATION ? 1 : this.generationId + 1;
  }

  schedule(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ type: 'schedule', timer, delayMs });
  }

  cancel(timer: GroupTimer): void {
    this.effects.push({ type: 'cancel', timer });
  }

  /** A sign of life. While a request of the member is parked its session stands still: it cannot heartbeat then. */
  touch(member: GroupMember): void {
    if (member.isParked) return;
    this.schedule({ kind: 'session', memberId: member.memberId }, member.facts.sessionTimeoutMs);
  }

  answerJoin(ticket: Ticket, answer: JoinAnswer): void {
    this.effects.push({ type: 'answer-join', ticket, answer });
  }

  /** Answers the parked join of a member, if there is one, with an error. */
  refuseParkedJoin(member: GroupMember, errorCode: number): void {
    if (member.joinTicket === undefined) return;
    const ticket = member.joinTicket;
    member.joinTicket = undefined;
    this.answerJoin(ticket, refusedJoin(errorCode, member.memberId));
  }

  /** Answers the parked sync of a member, if there is one: its assignment, or an error. */
  answerParkedSync(member: GroupMember, errorCode: number): void {
    if (member.syncTicket === undefined) return;
    const ticket = member.syncTicket;
    member.syncTicket = undefined;
    this.answerSync(ticket, member, errorCode);
    this.touch(member);
  }

  answerSync(ticket: Ticket, member: GroupMember, errorCode: number = ErrorCode.NONE): void {
    const { protocolType, protocolName } = this;
    const answer =
      errorCode === ErrorCode.NONE
        ? { errorCode, protocolType, protocolName, assignment: member.assignment }
        : refusedSync(errorCode);
    this.effects.push({ type: 'answer-sync', ticket, answer });
  }

  /** The group for a member that takes part in the running generation; only the leader is told of the others. */
  joinAnswerFor(memberId: string, withMembers: boolean): JoinAnswer {
    const members = withMembers
      ? this.roster.all().map((other) => ({
          memberId: other.memberId,
          groupInstanceId: other.facts.groupInstanceId,
          metadata: other.metadataFor(this.protocolName),
        }))
      : [];
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members,
    };
  }

  /** The group as a record, with these members. */
  metadata(members: readonly GroupMember[], currentStateTimestamp: number): GroupMetadata {
    return {
      protocolType: this.protocolType,
      generationId: this.generationId,
      protocolName: this.protocolName,
      leaderId: this.leaderId,
      currentStateTimestamp,
      members: members.map((member) => member.toStored(this.protocolName)),
    };
  }

  store(decided: Decided, metadata: GroupMetadata): void {
    this.decided = decided;
    this.effects.push({ type: 'store', metadata });
  }
}
