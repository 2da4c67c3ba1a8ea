import { assertNever } from '../../../common/errors.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type CommittedOffset, type GroupMetadata } from '../offset-records.js';
import { CONSUMER_PROTOCOL, subscribedTopics } from './consumer-subscription.js';
import { type ClassicGroupSettings, GroupCore } from './group-core.js';
import {
  type GroupEffect,
  type GroupTimer,
  type JoinRequest,
  type LeavingMember,
  type SyncRequest,
  type Ticket,
} from './group-effects.js';
import { finishStaticReturn, join } from './group-join.js';
import { leave, onPendingTimer, onSessionTimer } from './group-leave.js';
import { NO_ASSIGNMENT } from './group-member.js';
import { onJoinTimer } from './group-rebalance.js';
import { replay } from './group-replay.js';
import { type GroupState } from './group-state.js';
import { finishAssignment, onSyncTimer, sync } from './group-sync.js';

// A group of the classic rebalance protocol as a pure state machine: requests, timers and the time come in, effects
// go out (`nextEffect`) and must be carried out before the next event. The rules live beside this file, by noun.

export interface DescribedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Buffer;
  readonly memberAssignment: Buffer;
}

export interface GroupDescription {
  readonly state: GroupState;
  readonly protocolType: string;
  /** The chosen strategy; empty unless the group is stable. */
  readonly protocolData: string;
  readonly members: readonly DescribedMember[];
}

export interface Committer {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** Negative for consumers that are not members: administrators, and those that assign partitions themselves. */
  readonly generationId: number;
}

export class ClassicGroup {
  readonly #core: GroupCore;

  constructor(groupId: string, settings: ClassicGroupSettings, now: number) {
    this.#core = new GroupCore(groupId, settings, 'Empty', now);
  }

  /** A group as it was stored. Its members are expected to go on: their sessions start anew. */
  static restored(groupId: string, settings: ClassicGroupSettings, metadata: GroupMetadata, now: number): ClassicGroup {
    const since = metadata.currentStateTimestamp < 0 ? now : metadata.currentStateTimestamp;
    const group = new ClassicGroup(groupId, settings, since);
    group.#core.state = metadata.members.length > 0 ? 'Stable' : 'Empty';
    replay(group.#core, metadata);
    for (const member of group.#core.roster.all()) group.#core.touch(member);
    return group;
  }

  get groupId(): string {
    return this.#core.groupId;
  }

  get state(): GroupState {
    return this.#core.state;
  }

  get generationId(): number {
    return this.#core.generationId;
  }

  get protocolType(): string {
    return this.#core.protocolType;
  }

  get leaderId(): string | null {
    return this.#core.leaderId;
  }

  get isConsumerGroup(): boolean {
    return this.#core.protocolType === CONSUMER_PROTOCOL;
  }

  /** Nobody belongs to it, nobody is about to. */
  get isAbandoned(): boolean {
    return this.#core.state === 'Empty' && this.#core.roster.pending.size === 0;
  }

  nextEffect(): GroupEffect | undefined {
    return this.#core.effects.shift();
  }

  join(request: JoinRequest, ticket: Ticket, now: number): void {
    join(this.#core, request, ticket, now);
  }

  sync(request: SyncRequest, ticket: Ticket, now: number): void {
    sync(this.#core, request, ticket, now);
  }

  /** The error code of each. */
  leave(members: readonly LeavingMember[], now: number): number[] {
    return leave(this.#core, members, now);
  }

  heartbeat({ memberId, groupInstanceId, generationId }: Committer): number {
    const refusal = this.#refusalOf(memberId, groupInstanceId, generationId);
    if (refusal !== ErrorCode.NONE) return refusal;
    this.#core.touch(this.#core.roster.get(memberId)!);
    // A member that is told to rejoin is alive all the same: it may be finishing its work first.
    return this.#core.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  /** Whether offsets may be committed; a member's commit is a sign of life. */
  commit({ memberId, groupInstanceId, generationId }: Committer): number {
    const { state, roster } = this.#core;
    if (state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (generationId < 0 && state === 'Empty') return ErrorCode.NONE;
    const refusal = this.#refusalOf(memberId, groupInstanceId, generationId);
    if (refusal !== ErrorCode.NONE) return refusal;
    // The new generation's assignment is not known yet: this may be somebody else's partition.
    if (state === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
    this.#core.touch(roster.get(memberId)!);
    return ErrorCode.NONE;
  }

  /**
   * Whether offsets may be committed in a transaction. A producer that does not say for which member it commits is
   * taken at its word: transactions fence each other by their own epochs.
   */
  commitInTransaction({ memberId, groupInstanceId, generationId }: Committer): number {
    const { state } = this.#core;
    if (state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (generationId < 0 && state === 'Empty') return ErrorCode.NONE;
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.NONE;
    return this.#refusalOf(memberId, groupInstanceId, generationId);
  }

  #refusalOf(memberId: string, groupInstanceId: string | null, generationId: number): number {
    if (this.#core.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const refusal = this.#core.roster.refusalOf(memberId, groupInstanceId);
    if (refusal !== ErrorCode.NONE) return refusal;
    return generationId === this.#core.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  onTimer(timer: GroupTimer, now: number): void {
    switch (timer.kind) {
      case 'session':
        onSessionTimer(this.#core, timer.memberId, now);
        return;
      case 'pending':
        onPendingTimer(this.#core, timer.memberId, now);
        return;
      case 'join':
        onJoinTimer(this.#core, now);
        return;
      case 'sync':
        onSyncTimer(this.#core, now);
        return;
      default:
        assertNever(timer);
    }
  }

  /** Applies a record of this group that is in the log now. */
  replay(metadata: GroupMetadata): void {
    replay(this.#core, metadata);
  }

  /** The outcome of a `store` effect, after `replay` where it is in the log. */
  stored(errorCode: number, now: number): void {
    const { decided } = this.#core;
    this.#core.decided = undefined;
    if (decided?.kind === 'assignment') finishAssignment(this.#core, errorCode, now);
    else if (decided?.kind === 'static-return') finishStaticReturn(this.#core, decided, errorCode);
  }

  /** Deleted or expired. */
  die(now: number): void {
    this.#core.moveTo('Dead', now);
  }

  describe(): GroupDescription {
    const { state, protocolType, protocolName, roster } = this.#core;
    const isStable = state === 'Stable';
    const members = roster.all().map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.facts.groupInstanceId,
      clientId: member.facts.clientId,
      clientHost: member.facts.clientHost,
      memberMetadata: isStable ? member.metadataFor(protocolName) : NO_ASSIGNMENT,
      memberAssignment: member.assignment,
    }));
    return { state, protocolType, protocolData: isStable ? (protocolName ?? '') : '', members };
  }

  /** Whether a consumer of this group reads the topic. Where that cannot be told, it is taken for granted. */
  isSubscribedTo(topic: string): boolean {
    const { roster, protocolName } = this.#core;
    if (!this.isConsumerGroup) return false;
    return roster.all().some((member) => {
      const topics = subscribedTopics(member.metadataFor(protocolName));
      return topics === undefined || topics.includes(topic);
    });
  }

  /**
   * Whether this offset's time is over (KIP-211). Offsets of an empty group live from the moment it became empty; those
   * of a stable group only expire for topics that nobody reads; a group without protocol has commits only.
   */
  hasExpired(topic: string, committed: CommittedOffset, retentionMs: number, now: number): boolean {
    const { state, stateTimestamp, protocolType } = this.#core;
    if (protocolType !== '' && state !== 'Empty') {
      if (state !== 'Stable' || !this.isConsumerGroup || this.isSubscribedTo(topic)) return false;
    }
    if (committed.expireTimestamp >= 0) return now >= committed.expireTimestamp;
    const livesFrom = protocolType !== '' && state === 'Empty' ? stateTimestamp : committed.commitTimestamp;
    return now - livesFrom >= retentionMs;
  }
}
