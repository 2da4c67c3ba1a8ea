import { messageOf, NestdawError } from '../../../common/errors.js';
import { deferred } from '../../../common/lifecycle.js';
import { type LogMoment } from '../../../common/seek-target.js';
import { isSamePartition, type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { Coordinator, refusalOf } from '../cluster/coordinator.js';
import {
  type AssignedPartition,
  type CommitOffset,
  type CommittedOffset,
  type ConsumerClient,
  type ConsumerEvent,
  type GroupMetadata,
  type PartitionRecords,
  type PauseReason,
  type RebalanceListener,
} from '../consumer-client.js';
import { type ClusterPair, connectPair } from './cluster-pair.js';
import { type ConsumerOptions, type ConsumerSettings, consumerSettings } from './consumer-options.js';
import { type FetchPartition, knownEnd } from './fetching/fetch-partition.js';
import { Fetcher } from './fetching/fetcher.js';
import { type Assignment } from './membership/consumer-protocol.js';
import { GroupLeader } from './membership/group-leader.js';
import { type Crossing, GroupMember } from './membership/group-member.js';
import { type Generation } from './membership/group-term.js';
import { leaderNoteIn } from './membership/leader-note.js';
import { commitFailure, commitRefused, isMembershipCode } from './positions/commit-failure.js';
import { commitFirst, isRefusedByStore } from './positions/first-commit.js';
import { LogOffsets } from './positions/log-offsets.js';
import { OffsetClient } from './positions/offset-client.js';
import { StartPositions } from './positions/start-positions.js';
import { type PollOptions, RecordPoll } from './record-poll.js';
import { pauseAfter } from './retry.js';
import { TopicRetention } from './topic-retention.js';
import { TopicSelection } from './topic-selection.js';
import { TopicWatch } from './topic-watch.js';

// A consumer in a group: member, offsets and fetcher put together. The member's loop alone changes the assignment;
// everything here that it calls is awaited there.

interface Parts {
  readonly clusters: ClusterPair;
  readonly member: GroupMember;
  readonly leader: GroupLeader;
  readonly offsets: OffsetClient;
  /** Commits on other connections, while a JoinGroup blocks the group's own. */
  readonly spareOffsets: OffsetClient;
  readonly logs: LogOffsets;
  readonly retention: TopicRetention;
  readonly positions: StartPositions;
  readonly fetcher: Fetcher;
  readonly watch: TopicWatch;
}

/** What the listener holds: handed over by `onAssigned`, not yet lost or replaced. */
interface Holding {
  readonly generationId: number;
  readonly partitions: readonly TopicPartition[];
}

const NOTHING: Holding = { generationId: -1, partitions: [] };

export class GroupConsumer implements ConsumerClient {
  readonly #settings: ConsumerSettings;
  readonly #eventListeners: Array<(event: ConsumerEvent) => void> = [];
  readonly #stopping = new AbortController();
  readonly #closed = new AbortController();
  readonly #firstAssignment = deferred();
  readonly #poll: RecordPoll;
  #listener!: RebalanceListener;
  #starting: Promise<void> | undefined;
  #parts: Parts | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #holding = NOTHING;
  /** What the generation gave, while its start positions are fetched: commits count in it already. */
  #arriving: readonly TopicPartition[] | undefined;
  /** Start positions that are not committed yet. */
  #unsavedStarts = new TopicPartitionMap<number>();
  #epoch = 0;

  constructor(options: ConsumerOptions) {
    this.#settings = consumerSettings(options);
    this.#poll = new RecordPoll(this.#settings.clock, this.#stopping.signal);
    // Whoever awaits `start` sees the rejection; without this line one that nobody awaits any more would end the
    // process.
    this.#firstAssignment.promise.catch(() => undefined);
  }

  get clientId(): string | undefined {
    return this.#settings.clientId;
  }

  start(listener: RebalanceListener): Promise<void> {
    if (this.#starting) throw new NestdawError('KAFKA_STOPPED', 'this consumer was started before: make a new one');
    this.#listener = listener;
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { signal } = this.#stopping;
    const clusters = await connectPair(this.#settings, signal, (reason) => this.#disconnected(reason));
    this.#parts = this.#assemble(clusters);
    await this.#parts.watch.start();
    if (signal.aborted) throw stoppedError(this.#settings);
    this.#running = this.#run(this.#parts);
    this.#parts.fetcher.connectAhead(this.#parts.watch.selection.names);
    await this.#firstAssignment.promise;
  }

  #assemble(clusters: ClusterPair): Parts {
    const settings = this.#settings;
    const { coordinator } = clusters;
    const offsets = new OffsetClient(coordinator, settings, this.#closed.signal);
    const spare = new Coordinator(clusters.fetch, 'group', settings.groupId);
    const spareOffsets = new OffsetClient(spare, settings, this.#closed.signal);
    const logs = new LogOffsets(clusters.fetch, settings);
    const retention = new TopicRetention(clusters.fetch, settings);
    const positions = new StartPositions(offsets, logs, settings, (event) => this.#emit(event));
    const leader = new GroupLeader(clusters.fetch, offsets, settings, this.#stopping.signal);
    const fetcher = new Fetcher(clusters.fetch, clusters.group, settings, {
      onReady: () => this.#poll.wake(),
      onOutOfRange: (partition) => void this.#replacePosition(partition),
      onDisconnected: (reason) => this.#disconnected(reason),
    });
    const selection = new TopicSelection(settings);
    const member = new GroupMember(
      coordinator,
      settings,
      selection,
      {
        assign: (protocolName, members, ownId) => leader.assign(protocolName, members, ownId),
        assigned: (assignment, generation, ended) => this.#assigned(assignment, generation, ended),
        revoked: (reason, deadline, partitions) =>
          partitions ? this.#giveUp(partitions, deadline) : this.#revoked(reason, deadline),
        rejoining: (reason) => this.#emit({ type: 'rebalancing', reason }),
        owned: () => (settings.isCooperative ? this.#holding.partitions : []),
        lost: (reason) => this.#lost(reason),
        disconnected: (reason) => this.#disconnected(reason),
        rebalanced: (times) => this.#emit({ type: 'rebalanced', ...times }),
      },
      spare,
    );
    const watch = new TopicWatch(clusters.fetch, settings, selection, {
      joinedTopics: () => member.joinedTopics,
      assignedCounts: () => (member.generation?.isLeader ? leader.counts : undefined),
      onChange: (reason) => member.requestRejoin(reason),
    });
    return { clusters, member, leader, offsets, spareOffsets, logs, retention, positions, fetcher, watch };
  }

  /** The member's life; ends with the consumer stopped or failed. */
  async #run(parts: Parts): Promise<void> {
    try {
      await parts.member.run();
      if (this.#failure) throw this.#failure.error;
    } catch (error) {
      this.#failure = { error };
      parts.fetcher.halt();
      await this.#lost(messageOf(error)).catch((reason) => this.#settings.logger.error(messageOf(reason)));
      await parts.member.leave();
      this.#emit({ type: 'failed', error });
      this.#firstAssignment.reject(error);
      this.#poll.wake();
    }
  }

  /** Ends the membership in good order (drain, commit, leave), then makes `poll` reject. */
  #failWith(error: unknown): void {
    this.#failure ??= { error };
    this.#parts?.member.stop();
  }

  async #assigned(assignment: Assignment, generation: Generation, ended: AbortSignal): Promise<void> {
    const { fetcher, leader, watch } = this.#parts!;
    const { generationId, memberId } = generation;
    // In a generation that this member did not live through somebody else may have read on: then the committed
    // offset counts, not our position. What a cooperative member owns is given to nobody else meanwhile.
    const isNext = this.#settings.isCooperative || generationId - this.#holding.generationId <= 1;
    const isKept = ({ topic, partition }: TopicPartition): boolean =>
      isNext && fetcher.get(topic, partition) !== undefined;
    this.#arriving = assignment.partitions;
    const { added, kept } = await this.#takeOver(assignment, isKept, ended).finally(() => {
      this.#arriving = undefined;
    });
    this.#holding = { generationId, partitions: assignment.partitions };
    this.#emit({ type: 'joined', generationId, memberId, assigned: assignment.partitions.length });
    this.#noteUnsavedStarts(added, kept);
    await this.#listener.onAssigned(added, kept);
    this.#followSeeks(added);
    this.prefetch();
    await this.#commitStarts(generation, ended);
    if (!ended.aborted) fetcher.flow();
    const { counts } = leaderNoteIn(assignment.userData) ?? {};
    if (counts && leader.takeUp(counts)) void watch.lookNow();
    this.#firstAssignment.resolve();
  }

  /** From the old assignment to the new one, in one turn once it is known where the new partitions begin. */
  async #takeOver(assignment: Assignment, isKept: (tp: TopicPartition) => boolean, ended: AbortSignal) {
    const { fetcher, positions } = this.#parts!;
    fetcher.connect(assignment.partitions);
    const read = leaderNoteIn(assignment.userData)?.grownTopics;
    const fresh = assignment.partitions.filter((tp) => !isKept(tp));
    const starts = await positions.of(fresh, read ?? new Set(), ended, (topic) => read?.has(topic) === false);
    const assignmentEpoch = ++this.#epoch;
    const added = starts.map((start): AssignedPartition => ({ ...start, assignmentEpoch }));
    const kept = assignment.partitions.filter(isKept).map(({ topic, partition }): AssignedPartition => {
      const { position } = fetcher.get(topic, partition)!;
      return { topic, partition, assignmentEpoch, position, metadata: '', source: 'kept' };
    });
    fetcher.assign(added, kept);
    return { added, kept };
  }

  #noteUnsavedStarts(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): void {
    const before = this.#unsavedStarts;
    const unsaved = new TopicPartitionMap<number>();
    for (const { topic, partition, source, position } of added) {
      if (source === 'reset') unsaved.set(topic, partition, position);
    }
    for (const { topic, partition } of kept) {
      const start = before.get(topic, partition);
      if (start !== undefined) unsaved.set(topic, partition, start);
    }
    this.#unsavedStarts = unsaved;
  }

  /** New partitions begin where the listener has moved them to, unless it has committed a position itself. */
  #followSeeks(added: readonly AssignedPartition[]): void {
    const { fetcher } = this.#parts!;
    for (const { topic, partition } of added) {
      if (!this.#unsavedStarts.has(topic, partition)) continue;
      this.#unsavedStarts.set(topic, partition, fetcher.get(topic, partition)!.position);
    }
  }

  /**
   * Commits start positions that the listener has not: under `latest` a crash before the first commit would else begin
   * behind what was received. Where the start was, not where reading stands: that may be past unfinished work.
   */
  async #commitStarts(generation: Generation, ended: AbortSignal): Promise<void> {
    const { offsets, member } = this.#parts!;
    const unsaved = this.#unsavedStarts;
    if (unsaved.size === 0 || member.generation !== generation) return;
    const starts = [...unsaved.entries()].map(([tp, offset]) => ({ ...tp, offset }));
    try {
      if (await commitFirst(starts, generation, offsets, this.#settings, ended)) unsaved.clear();
    } catch (error) {
      const code = refusalOf(error);
      if (!isMembershipCode(code) && !isRefusedByStore(error)) throw error;
      // Not at once: a group that refuses every first commit must not be joined in a tight loop.
      await pauseAfter(1, this.#settings, this.#stopping.signal);
      if (isMembershipCode(code)) member.refused(code, 'the first commit');
      else member.requestRejoin(messageOf(error));
    }
  }

  async #revoked(reason: string, deadline: AbortSignal): Promise<void> {
    this.#parts!.fetcher.halt();
    this.#poll.wake();
    if (!this.#stopping.signal.aborted) this.#emit({ type: 'rebalancing', reason });
    const { partitions } = this.#holding;
    if (partitions.length > 0) await this.#listener.onRevoked(partitions, deadline);
  }

  /** Of a cooperative member: some partitions go, the others are not disturbed. */
  async #giveUp(revoked: readonly TopicPartition[], deadline: AbortSignal): Promise<void> {
    const { fetcher } = this.#parts!;
    fetcher.pause(revoked, 'revoked');
    await this.#listener.onRevoked(revoked, deadline);
    fetcher.remove(revoked);
    const partitions = this.#holding.partitions.filter((tp) => !revoked.some((one) => isSamePartition(one, tp)));
    this.#holding = { ...this.#holding, partitions };
  }

  async #lost(reason: string): Promise<void> {
    const { partitions } = this.#holding;
    this.#holding = NOTHING;
    this.#parts!.fetcher.halt();
    this.#parts!.fetcher.assign([], []);
    this.#poll.wake();
    if (partitions.length === 0) return;
    this.#settings.logger.warn(`group '${this.#settings.groupId}' goes on without this member: ${reason}`);
    this.#emit({ type: 'rebalancing', reason });
    await this.#listener.onLost(partitions);
  }

  async #replacePosition(partition: FetchPartition): Promise<void> {
    const { positions, fetcher } = this.#parts!;
    try {
      const from = partition.position;
      const to = await positions.replace(partition, from, this.#closed.signal);
      const isSame = fetcher.get(partition.topic, partition.partition) === partition && partition.position === from;
      if (isSame && partition.isResetting) fetcher.seek(partition.topic, partition.partition, to);
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#failWith(error);
    }
  }

  async poll(options: PollOptions): Promise<PartitionRecords[]> {
    if (this.#stopping.signal.aborted) throw stoppedError(this.#settings);
    const fetcher = this.#parts?.fetcher;
    if (!fetcher) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    return this.#poll.next(fetcher, options, () => {
      if (this.#failure && !this.#stopping.signal.aborted) throw this.#failure.error;
    });
  }

  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const parts = this.#parts;
    const crossing = parts?.member.crossing;
    if (parts && crossing && (await this.#commitCrossing(parts, offsets, crossing))) return;
    const generation = parts?.member.generation;
    if (!parts || !generation) {
      const between = 'the group is between two assignments: commit after the next one';
      throw commitRefused(offsets, this.#settings, parts?.member.lossReason ?? between);
    }
    this.#refuseForeign(parts, offsets);
    try {
      await parts.offsets.commit(offsets, generation);
      for (const { topic, partition } of offsets) this.#unsavedStarts.delete(topic, partition);
    } catch (error) {
      const code = refusalOf(error);
      const failure = commitFailure(error, code, offsets, this.#settings, parts.member.facts);
      if (isMembershipCode(code) && parts.member.generation === generation) parts.member.refused(code, 'a commit');
      throw failure;
    }
  }

  /** While a cooperative member joins again: false when that has ended meanwhile, and the new generation counts. */
  async #commitCrossing(parts: Parts, offsets: readonly CommitOffset[], crossing: Crossing): Promise<boolean> {
    this.#refuseForeign(parts, offsets);
    const held = offsets.map(({ topic, partition }) => parts.fetcher.get(topic, partition));
    try {
      await parts.spareOffsets.commit(offsets, crossing.generation);
      for (const { topic, partition } of offsets) this.#unsavedStarts.delete(topic, partition);
      return true;
    } catch (error) {
      const code = refusalOf(error);
      if (!isMembershipCode(code)) throw commitFailure(error, code, offsets, this.#settings, parts.member.facts);
    }
    await crossing.over;
    // Lost or given up meanwhile. Should they have come back, they began anew, perhaps where others had got to.
    if (offsets.every(({ topic, partition }, i) => parts.fetcher.get(topic, partition) === held[i])) return false;
    const reason = 'its partitions were given up while the group was asked: their records are delivered again';
    throw commitRefused(offsets, this.#settings, reason);
  }

  #refuseForeign(parts: Parts, offsets: readonly CommitOffset[]): void {
    const foreign = offsets.find(
      (one) =>
        !parts.fetcher.get(one.topic, one.partition) ||
        this.#arriving?.some((tp) => isSamePartition(tp, one)) === false,
    );
    if (!foreign) return;
    // The group would accept it, and the owner's commits would be undone.
    const reason = `${foreign.topic}-${foreign.partition} is not assigned to this member (any more)`;
    throw commitRefused(offsets, this.#settings, reason);
  }

  position(topic: string, partition: number): number | undefined {
    return this.#parts?.fetcher.get(topic, partition)?.position;
  }

  highWatermark(topic: string, partition: number): number | undefined {
    return knownEnd(this.#parts?.fetcher.get(topic, partition));
  }

  async retentionOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#parts?.retention.of(topics) ?? new Map();
  }

  seek(topic: string, partition: number, offset: number): void {
    this.#parts?.fetcher.seek(topic, partition, offset);
  }

  pause(partitions: readonly TopicPartition[], reason: PauseReason): void {
    this.#parts?.fetcher.pause(partitions, reason);
  }

  resume(partitions: readonly TopicPartition[], reason: PauseReason): void {
    this.#parts?.fetcher.resume(partitions, reason);
  }

  assignment(): readonly TopicPartition[] {
    return this.#holding.partitions;
  }

  get sessionEndsAt(): number {
    return this.#parts?.member.sessionEndsAt ?? Number.POSITIVE_INFINITY;
  }

  async offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>> {
    if (!this.#parts) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    return this.#parts.logs.at(partitions, moment, this.#closed.signal);
  }

  leaveUntil(reason: string, prepare: () => Promise<() => Promise<unknown>>): boolean {
    return this.#parts?.member.leaveUntil(reason, prepare) ?? false;
  }

  prefetch(): void {
    this.#parts!.fetcher.fill();
  }

  enforceRebalance(reason: string): void {
    this.#parts?.member.requestRejoin(reason);
  }

  /** Who commits inside a transaction; undefined between two assignments. */
  groupMetadata(): GroupMetadata | undefined {
    return this.#parts?.member.groupMetadata();
  }

  async committedOffsets(partitions: readonly TopicPartition[]): Promise<TopicPartitionMap<CommittedOffset>> {
    if (!this.#parts) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    const { signal } = this.#closed;
    return this.#parts.spareOffsets.fetchCommitted(partitions, { signal, requireStable: true });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#poll.wake();
    this.#firstAssignment.reject(stoppedError(this.#settings));
    const parts = this.#parts;
    if (parts) {
      parts.fetcher.halt();
      parts.member.stop();
      await this.#running;
      if (!this.#failure) await parts.member.leave();
      parts.watch.stop();
      parts.fetcher.close();
    }
    this.#closed.abort();
    if (parts) await Promise.all([parts.clusters.group.close(), parts.clusters.fetch.close()]);
    // A start that was still connecting ends with the stop; its caller gets the rejection.
    await this.#starting?.catch(() => undefined);
    this.#holding = NOTHING;
  }

  onEvent(listener: (event: ConsumerEvent) => void): void {
    this.#eventListeners.push(listener);
  }

  #emit(event: ConsumerEvent): void {
    for (const listener of this.#eventListeners) listener(event);
  }

  #disconnected(reason: string): void {
    this.#emit({ type: 'disconnected', reason });
  }
}

function stoppedError({ groupId }: ConsumerSettings): NestdawError {
  return new NestdawError('KAFKA_STOPPED', `the consumer of group '${groupId}' was stopped`);
}
