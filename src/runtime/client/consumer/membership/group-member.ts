import { messageOf, NestdawError } from '../../../../common/errors.js';
import { deferred } from '../../../../common/lifecycle.js';
import { type TopicPartition, TopicPartitionMap } from '../../../../common/topic-partition.js';
import { brokerError, ErrorCode, errorName } from '../../../../protocol/error-codes.js';
import { type Coordinator } from '../../cluster/coordinator.js';
import { type GroupMetadata } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type TopicSelection } from '../topic-selection.js';
import { type Assignment } from './consumer-protocol.js';
import { fencedError, GroupJoin, type Joined, type JoinListener } from './group-join.js';
import { leaveGroup } from './group-leave.js';
import { type Generation, GroupTerm, type TermEnd } from './group-term.js';
import { Heartbeater, type HeartbeatListener } from './heartbeater.js';
import { leaderNoteIn } from './leader-note.js';
import { RebalanceTimer, type RebalanceTimes } from './rebalance-timer.js';

// A classic member: one owner loop that joins, lives through a generation, drains and joins again. Answers and
// requests of others only note how the generation ends; nothing but the loop changes the membership.
//
//   join → assigned (beats from here on) → stable → revoked (beats go on) → join …
//                                           └────── lost (no commit is possible) ──┘
//
// A cooperative member (KIP-429) goes from stable straight to join and keeps working; what its next assignment has not
// is revoked then, and a second join hands it on.

export interface MembershipListener extends JoinListener {
  /** Awaited while heartbeats go on. `ended` aborts when the generation is over already. */
  assigned(assignment: Assignment, generation: Generation, ended: AbortSignal): Promise<void>;
  /**
   * Awaited while heartbeats go on: before the rejoin, or, with `partitions`, for what a cooperative member must give
   * up. `deadline` aborts when it must come to an end.
   */
  revoked(reason: string, deadline: AbortSignal, partitions?: readonly TopicPartition[]): Promise<void>;
  /** A cooperative member joins again and keeps what it has. */
  rejoining(reason: string): void;
  disconnected(reason: string): void;
  /** A rebalance is over for this member. */
  rebalanced(times: RebalanceTimes): void;
}

/** What is known about the membership when a commit is refused. */
export interface MembershipFacts {
  readonly silentForMs: number;
  /** How long the drain has taken so far, or took before the last rejoin. */
  readonly drainedForMs: number;
}

/** A cooperative member between two generations: it goes on, and its commits count under the one before. */
export interface Crossing {
  readonly generation: Generation;
  /** Settles when the next generation is known, or none will be. */
  readonly over: Promise<void>;
}

export class GroupMember {
  readonly #join: GroupJoin;
  readonly #heartbeater: Heartbeater;
  readonly #stopping = new AbortController();
  readonly #timer: RebalanceTimer;
  #term: GroupTerm | undefined;
  #crossing: (Crossing & { end(): void }) | undefined;
  /**
   * Partitions were given up, and the rebalance that hands them on is still to come. Were this a static member that is
   * expected back, its successor would get the same assignment without one, and they would stay with nobody.
   */
  #hasGivenUp = false;
  #lossReason: string | undefined;
  /** The listener is being told of a loss while the member joins again. */
  #losing: Promise<void> = Promise.resolve();
  #drainBegan: number | undefined;
  #drainedForMs = 0;

  constructor(
    readonly coordinator: Coordinator,
    readonly settings: ConsumerSettings,
    selection: TopicSelection,
    readonly listener: MembershipListener,
    /** Other connections to the same cluster, for what cannot wait while a JoinGroup blocks the coordinator's. */
    readonly spare: Coordinator,
  ) {
    this.#timer = new RebalanceTimer(settings.clock);
    this.#join = new GroupJoin(coordinator, settings, selection, listener, this.#stopping.signal);
    const beats: HeartbeatListener = {
      onHeartbeatCode: (code) => this.#beaten(code),
      onHeartbeatError: (error) =>
        this.#term?.end({ kind: 'lost', reason: messageOf(error), code: ErrorCode.UNKNOWN_SERVER_ERROR, error }),
      onSessionExpired: (silentForMs) => this.#expired(silentForMs),
      onDisconnected: (reason) => listener.disconnected(reason),
    };
    this.#heartbeater = new Heartbeater(coordinator, settings, beats, spare);
  }

  /** The generation whose commits the group accepts; undefined between two assignments. */
  get generation(): Generation | undefined {
    return this.#term?.loss ? undefined : this.#term?.generation;
  }

  get crossing(): Crossing | undefined {
    return this.#crossing;
  }

  /** Why there is no generation; undefined when the membership was not lost. */
  get lossReason(): string | undefined {
    return this.#term?.loss?.reason ?? this.#lossReason;
  }

  /** Moment of the monotonic clock from which on others may have the partitions, unless a heartbeat is answered. */
  get sessionEndsAt(): number {
    return this.#heartbeater.sessionEndsAt;
  }

  /** Topics that the last join named; undefined before the first. */
  get joinedTopics(): readonly string[] | undefined {
    return this.#join.topics;
  }

  get facts(): MembershipFacts {
    const drainedForMs =
      this.#drainBegan === undefined ? this.#drainedForMs : this.settings.clock.monotonic() - this.#drainBegan;
    return { silentForMs: this.#heartbeater.silentForMs, drainedForMs };
  }

  groupMetadata(): GroupMetadata | undefined {
    const generation = this.generation ?? this.#crossing?.generation;
    if (!generation) return undefined;
    const { generationId, memberId, groupInstanceId } = generation;
    const { groupId } = this.settings;
    return { groupId, generationId, memberId, ...(groupInstanceId !== null && { groupInstanceId }) };
  }

  /** Lives as a member until stopped. Rejects when the membership cannot go on. */
  async run(): Promise<void> {
    try {
      for (let joined = await this.#joinAgain(); joined; joined = await this.#joinAgain()) {
        await this.#live(new GroupTerm(joined.generation), joined);
        if (this.#stopping.signal.aborted) break;
      }
      await this.#losing;
      if (this.#crossing) await this.#drain('the consumer stops');
    } finally {
      this.#uncross();
      this.#heartbeater.end();
      this.#term = undefined;
    }
  }

  async #joinAgain(): Promise<Joined | undefined> {
    this.#timer.joining();
    const joined = await this.#join.join();
    this.#timer.joined();
    return joined;
  }

  /** Ends the loop: revokes what is assigned, then leaves. Dynamic members only: a static one is expected back. */
  stop(): void {
    this.#stopping.abort();
    this.#crossing?.end();
    this.#term?.end({ kind: 'stop', reason: 'the consumer stops' });
  }

  /** Tells the group that this member goes, so that its peers take over at once. */
  async leave(): Promise<void> {
    const { memberId, isWaiting } = this.#join;
    const spare = isWaiting ? this.spare.cluster : undefined;
    await leaveGroup(this.coordinator, this.settings, { memberId, spare, forGood: this.#hasGivenUp });
  }

  /** Leaves the group until what `prepare` gives has settled; false when there is no membership to leave. */
  leaveUntil(reason: string, prepare: () => Promise<() => Promise<unknown>>): boolean {
    const term = this.#term;
    if (!term || term.ended.aborted) return false;
    term.end({ kind: 'away', reason, prepare });
    return true;
  }

  /** Makes the group rebalance, as the leader does when partitions were added. */
  requestRejoin(reason: string): void {
    this.#term?.end({ kind: 'rejoin', reason });
  }

  #beaten(code: number): void {
    const isGone = code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.FENCED_INSTANCE_ID;
    if (!this.#crossing) this.refused(code, 'a heartbeat');
    else if (isGone)
      this.#loseCrossing(`a heartbeat of group '${this.settings.groupId}' was answered ${errorName(code)}`);
  }

  #expired(silentForMs: number): void {
    const { groupId, sessionTimeoutMs } = this.settings;
    const ms = Math.round(silentForMs);
    const reason =
      `No heartbeat of group '${groupId}' was answered for ${ms} ms (session.timeout.ms=${sessionTimeoutMs}): others ` +
      'may have its partitions. Find what held the event loop or the connection, or raise session.timeout.ms';
    if (this.#crossing) this.#loseCrossing(reason);
    else this.#term?.end({ kind: 'lost', reason });
  }

  /** What a member kept while it joins again is not its own any more; the join goes on, and brings what it brings. */
  #loseCrossing(reason: string): void {
    // Whoever stops begins nothing any more, and drains already.
    if (this.#stopping.signal.aborted) return;
    this.#heartbeater.end();
    this.#lossReason = reason;
    this.#uncross();
    this.#losing = this.listener.lost(reason);
    // Whoever awaits it next sees the failure.
    this.#losing.catch(() => undefined);
  }

  /** A code that a request of the current generation was answered with. */
  refused(code: number, request: string): void {
    const reason = `${request} of group '${this.settings.groupId}' was answered ${errorName(code)} (${code})`;
    switch (code) {
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.#term?.end({ kind: 'rejoin', reason: 'the group rebalances' });
        break;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        this.#term?.end({ kind: 'lost', reason, code });
        break;
      case ErrorCode.FENCED_INSTANCE_ID:
        this.#term?.end({ kind: 'lost', reason, code, error: fencedError(this.settings) });
        break;
      default:
        this.#term?.end({ kind: 'lost', reason, code, error: brokerError(code, request) });
    }
  }

  async #live(term: GroupTerm, joined: Joined): Promise<void> {
    this.#term = term;
    this.#uncross();
    this.#lossReason = undefined;
    this.#drainedForMs = 0;
    this.#heartbeater.begin(term.generation, this.#isPassing(joined));
    if (this.#stopping.signal.aborted) term.end({ kind: 'stop', reason: 'the consumer stops' });
    await this.#losing;
    if (this.#isForOtherTopics(joined)) term.end({ kind: 'rejoin', reason: 'the assignment is for other topics' });
    else await this.#takeUp(term, joined);
    const end = await term.over;
    this.#timer.begin(end.reason);
    const crosses = this.settings.isCooperative && end.kind === 'rejoin';
    if (crosses) this.listener.rejoining(end.reason);
    // The last commits of who goes away are made while it is a member.
    const back = end.kind === 'away' ? await end.prepare() : undefined;
    if (!crosses && !back && end.kind !== 'lost') await this.#drain(end.reason, term);
    if (crosses && !term.loss) this.#cross(term.generation);
    else this.#heartbeater.end();
    this.#term = undefined;
    if (term.loss) await this.#lose(term.loss);
    else if (back) await this.#goAway(end.reason, back);
  }

  async #takeUp(term: GroupTerm, joined: Joined): Promise<void> {
    const { assignment, claimed } = joined;
    const surplus = beside(this.listener.owned(), assignment);
    // What it claimed and has lost since is nobody's as well: the leader knows only the claim.
    this.#hasGivenUp = beside(claimed, assignment).length > 0 || this.#inheritsHandOver(joined);
    if (surplus.length > 0) await this.#drain('the group gives partitions to other members', term, surplus);
    try {
      await this.listener.assigned(assignment, term.generation, term.ended);
      this.listener.rebalanced(this.#timer.end());
    } catch (error) {
      if (!term.ended.aborted) throw error;
      this.settings.logger.warn(`assignment of group '${this.settings.groupId}' was cut short: ${messageOf(error)}`);
    }
    // They can be handed on now: by a rebalance of their own.
    if (this.#hasGivenUp) term.end({ kind: 'rejoin', reason: 'partitions were given up for other members' });
  }

  /**
   * Whether its predecessor gave partitions up and died before it joined again: they are nobody's, and the group, which
   * has handed its assignment on without a rebalance (KIP-345), sees no need for one. Another client's leader leaves no
   * note; a member that cannot know joins again once.
   */
  #inheritsHandOver({ assignment, generation, isNew }: Joined): boolean {
    if (!this.settings.isCooperative || generation.groupInstanceId === null) return false;
    return leaderNoteIn(assignment.userData)?.givesUp ?? isNew;
  }

  /**
   * Whether a second rebalance follows, which hands on what cooperative members give up now. Another client's leader
   * leaves no note; who has got nothing may hope.
   */
  #isPassing({ assignment }: Joined): boolean {
    if (!this.settings.isCooperative) return false;
    return leaderNoteIn(assignment.userData)?.handsOn ?? assignment.partitions.length === 0;
  }

  /**
   * Whether a static member came back with other topics: the group hands the assignment of before on, without a
   * rebalance (KIP-345). Another client's leader leaves no note; then only what nobody here asked for tells, and a
   * member that succeeds to such a leader cannot know at all: it asks once.
   */
  #isForOtherTopics({ assignment, generation, isNew }: Joined): boolean {
    if (!isNew || generation.groupInstanceId === null) return false;
    const wanted = new Set(this.#join.topics);
    const given = leaderNoteIn(assignment.userData)?.topics;
    if (!given && generation.isLeader) return true;
    if (given) return given.length !== wanted.size || given.some((topic) => !wanted.has(topic));
    return assignment.partitions.some(({ topic }) => !wanted.has(topic));
  }

  #cross(generation: Generation): void {
    this.#heartbeater.cross();
    const over = deferred();
    this.#crossing = { generation, over: over.promise, end: () => over.resolve() };
  }

  #uncross(): void {
    this.#crossing?.end();
    this.#crossing = undefined;
  }

  /** Heartbeats go on and are answered 27, which keeps the session alive while handlers finish. */
  async #drain(reason: string, term?: GroupTerm, partitions?: readonly TopicPartition[]): Promise<void> {
    const { clock } = this.settings;
    const deadline = new AbortController();
    const passed = (): void => deadline.abort(new NestdawError('KAFKA_REBALANCED', reason));
    const timer = clock.schedule(drainTimeMs(this.settings), passed);
    term?.lost.addEventListener('abort', passed, { once: true });
    if (term?.lost.aborted) passed();
    this.#drainBegan = clock.monotonic();
    try {
      await this.listener.revoked(reason, deadline.signal, partitions);
    } finally {
      timer.cancel();
      this.#drainedForMs = clock.monotonic() - this.#drainBegan;
      this.#timer.drained(this.#drainedForMs);
      this.#drainBegan = undefined;
    }
  }

  /** Nothing is held meanwhile; a stop ends the waiting. */
  async #goAway(reason: string, back: () => Promise<unknown>): Promise<void> {
    // First: once it has left, what began here would begin elsewhere as well.
    await this.listener.lost(reason);
    await this.leave();
    this.#join.forgetMemberId();
    const stopped = deferred();
    const stop = (): void => stopped.resolve();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    if (!this.#stopping.signal.aborted) await Promise.race([back(), stopped.promise]);
    this.#stopping.signal.removeEventListener('abort', stop);
  }

  async #lose(loss: TermEnd & { kind: 'lost' }): Promise<void> {
    this.#lossReason = loss.reason;
    // After 22 the group still knows the member, only the generation has passed; a silent group may know it as well,
    // and who took over a static member's place must not be put out by it. Otherwise the id is worth nothing.
    if (loss.code !== undefined && loss.code !== ErrorCode.ILLEGAL_GENERATION) this.#join.forgetMemberId();
    await this.listener.lost(loss.reason);
    if (loss.error !== undefined) throw loss.error;
  }
}

/** Below the rebalance time-out by what a late heartbeat and the commit after the drain may take. */
export function drainTimeMs({ maxPollIntervalMs, heartbeatIntervalMs }: ConsumerSettings): number {
  return maxPollIntervalMs - Math.min(maxPollIntervalMs / 4, heartbeatIntervalMs + 2_000);
}

/** What a cooperative member has, or claimed, and the assignment has not; an eager one has nothing. */
function beside(owned: readonly TopicPartition[], { partitions }: Assignment): readonly TopicPartition[] {
  const given = new TopicPartitionMap<true>();
  for (const { topic, partition } of partitions) given.set(topic, partition, true);
  return owned.filter(({ topic, partition }) => !given.has(topic, partition));
}
