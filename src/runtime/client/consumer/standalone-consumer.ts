import { type Timer } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { isCounted, type LogMoment } from '../../../common/seek-target.js';
import { mapOf, type TopicPartition, type TopicPartitionMap } from '../../../common/topic-partition.js';
import { refusalOf } from '../cluster/coordinator.js';
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
import { ManualPartitions, type WantedPartition } from './manual-partitions.js';
import { type Generation } from './membership/group-term.js';
import { standaloneCommitFailure } from './positions/commit-failure.js';
import { LogOffsets } from './positions/log-offsets.js';
import { OffsetClient } from './positions/offset-client.js';
import { type StartPosition, StartPositions, startOf } from './positions/start-positions.js';
import { type PollOptions, RecordPoll } from './record-poll.js';
import { TopicRetention } from './topic-retention.js';

// A consumer that is no member of any group: it reads the partitions it was told to (Kafka's `assign`), joins nothing
// and is never rebalanced. With a group id it begins at that group's offsets and commits to them, which the group
// accepts as long as it has no members; without one nothing is committed anywhere.

/** Who commits: nobody in particular, which the group allows while it is empty. */
const NOBODY: Generation = { generationId: -1, memberId: '', groupInstanceId: null, protocolName: '', isLeader: false };
/** How soon something missing is looked for again. */
const MISSING_RETRY_MS = 1_000;

interface Parts {
  readonly clusters: ClusterPair;
  readonly offsets: OffsetClient;
  readonly logs: LogOffsets;
  readonly retention: TopicRetention;
  readonly positions: StartPositions;
  readonly fetcher: Fetcher;
}

export class StandaloneConsumer implements ConsumerClient {
  readonly #settings: ConsumerSettings;
  readonly #wanted: ManualPartitions;
  readonly #eventListeners: Array<(event: ConsumerEvent) => void> = [];
  readonly #stopping = new AbortController();
  readonly #closed = new AbortController();
  readonly #poll: RecordPoll;
  readonly #missing = new Set<string>();
  #listener!: RebalanceListener;
  #starting: Promise<void> | undefined;
  #parts: Parts | undefined;
  #held: readonly TopicPartition[] = [];
  #hasLooked = false;
  #epoch = 0;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    const assignment = options.assignment ?? { index: 0, of: 1 };
    this.#settings = consumerSettings({ ...options, assignment });
    this.#wanted = new ManualPartitions(this.#settings, assignment);
    this.#poll = new RecordPoll(this.#settings.clock, this.#stopping.signal);
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
    const settings = this.#settings;
    const clusters = await connectPair(settings, this.#stopping.signal, (reason) => this.#disconnected(reason));
    const offsets = new OffsetClient(clusters.coordinator, settings, this.#closed.signal);
    const logs = new LogOffsets(clusters.fetch, settings);
    const retention = new TopicRetention(clusters.fetch, settings);
    const positions = new StartPositions(offsets, logs, settings, (event) => this.#emit(event));
    const fetcher = new Fetcher(clusters.fetch, clusters.group, settings, {
      onReady: () => this.#poll.wake(),
      onOutOfRange: (partition) => void this.#replacePosition(partition),
      onDisconnected: (reason) => this.#disconnected(reason),
    });
    this.#parts = { clusters, offsets, logs, retention, positions, fetcher };
    await this.#look(this.#parts);
    if (this.#stopping.signal.aborted) throw this.#stoppedError();
  }

  /** Takes up what exists and is not being read yet; then looks again, for what is missing and what is added. */
  async #look(parts: Parts): Promise<void> {
    let isWaiting = false;
    try {
      const counts = await this.#wanted.selection.look(parts.clusters.fetch);
      isWaiting = this.#warnOfMissing(counts);
      const existing = this.#wanted.existing(counts);
      const fresh = [...existing.values()].filter(({ topic, partition }) => !parts.fetcher.get(topic, partition));
      if ((fresh.length > 0 || !this.#hasLooked) && !this.#stopping.signal.aborted) await this.#takeUp(parts, fresh);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if ((error as { retriable?: unknown }).retriable !== true) {
        if (!this.#hasLooked) throw error;
        this.#failWith(error);
        return;
      }
      this.#settings.logger.debug?.(`${this.#name}: ${messageOf(error)}`);
      isWaiting = true;
    }
    if (this.#stopping.signal.aborted) return;
    const { clock, metadataMaxAgeMs } = this.#settings;
    const delayMs = isWaiting ? Math.min(MISSING_RETRY_MS, metadataMaxAgeMs) : metadataMaxAgeMs;
    const lookAgain = (): void => {
      this.#looking = this.#look(parts);
    };
    // A consumer keeps its process alive until it is stopped, also while no connection does.
    this.#timer = clock.schedule(delayMs, lookAgain, { keepAlive: true });
  }

  async #takeUp({ fetcher, positions }: Parts, fresh: readonly WantedPartition[]): Promise<void> {
    const starts = await this.#startsOf(positions, fresh);
    const assignmentEpoch = ++this.#epoch;
    const added = starts.map((start): AssignedPartition => ({ ...start, assignmentEpoch }));
    const kept = this.#held.map(({ topic, partition }): AssignedPartition => {
      const { position } = fetcher.get(topic, partition)!;
      return { topic, partition, assignmentEpoch, position, metadata: '', source: 'kept' };
    });
    // Nothing may be handed over of a partition that the listener does not know yet.
    fetcher.halt();
    fetcher.assign(added, kept);
    this.#held = [...this.#held, ...added.map(({ topic, partition }) => ({ topic, partition }))];
    await this.#listener.onAssigned(added, kept);
    this.#hasLooked = true;
    if (this.#stopping.signal.aborted) return;
    fetcher.flow();
    this.#poll.wake();
  }

  /** A partition that appears later is read from its beginning, or what it got until now would be passed over. */
  async #startsOf(positions: StartPositions, fresh: readonly WantedPartition[]): Promise<StartPosition[]> {
    const { signal } = this.#stopping;
    const { logs } = this.#parts!;
    const targets = mapOf(fresh.map((partition) => [partition, partition.start]));
    const targetOf = ({ topic, partition }: TopicPartition) => targets.get(topic, partition);
    // What is given a place of its own needs no other to count from, and none is looked up or announced for it.
    const placed = fresh.filter(({ start }) => start !== undefined && !isCounted(start));
    const others = fresh.filter((partition) => !placed.includes(partition));
    const grown = new Set(this.#hasLooked ? fresh.map(({ topic }) => topic) : []);
    const found = this.#settings.groupId
      ? await positions.of(others, grown, signal)
      : await positions.withoutGroup(others, grown, signal);
    const bases = placed.map(({ topic, partition }): StartPosition => {
      return { topic, partition, position: 0, metadata: '', source: 'seek' };
    });
    return Promise.all(
      [...found, ...bases].map(async (start) => {
        const target = targetOf(start);
        return target === undefined ? start : startOf(start, target, logs, signal);
      }),
    );
  }

  #warnOfMissing(counts: ReadonlyMap<string, number>): boolean {
    const { logger } = this.#settings;
    const missing = new Set(this.#wanted.missing(counts));
    if (this.#wanted.selection.isPattern && this.#wanted.selection.names.length === 0) {
      missing.add(this.#wanted.selection.text);
    }
    for (const name of missing) {
      if (this.#missing.has(name)) continue;
      this.#missing.add(name);
      logger.warn(`${this.#name}: there is no ${name}: waiting for it; create it or correct the name`);
    }
    for (const name of this.#missing) {
      if (missing.has(name)) continue;
      this.#missing.delete(name);
      logger.log(`${this.#name}: ${name} exists now`);
    }
    return missing.size > 0;
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

  #failWith(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#parts?.fetcher.halt();
    this.#emit({ type: 'failed', error });
    this.#poll.wake();
  }

  async poll(options: PollOptions): Promise<PartitionRecords[]> {
    if (this.#stopping.signal.aborted) throw this.#stoppedError();
    const fetcher = this.#parts?.fetcher;
    if (!fetcher) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    return this.#poll.next(fetcher, options, () => {
      if (this.#failure) throw this.#failure.error;
    });
  }

  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    if (offsets.length === 0 || this.#settings.groupId === '') return;
    if (!this.#parts) throw this.#stoppedError();
    try {
      await this.#parts.offsets.commit(offsets, NOBODY);
    } catch (error) {
      throw standaloneCommitFailure(error, refusalOf(error), offsets, this.#settings);
    }
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
    return this.#held;
  }

  /** Nobody else commits for its partitions, so there is no generation to check. */
  groupMetadata(): GroupMetadata | undefined {
    const { groupId } = this.#settings;
    return groupId === '' ? undefined : { groupId, generationId: -1, memberId: '' };
  }

  async committedOffsets(partitions: readonly TopicPartition[]): Promise<TopicPartitionMap<CommittedOffset>> {
    if (!this.#parts) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    const { signal } = this.#closed;
    return this.#parts.offsets.fetchCommitted(partitions, { signal, requireStable: true });
  }

  async offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>> {
    if (!this.#parts) throw new NestdawError('KAFKA_STOPPED', 'the consumer is not started: call start first');
    return this.#parts.logs.at(partitions, moment, this.#closed.signal);
  }

  enforceRebalance(): void {
    // Nobody shares these partitions.
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#poll.wake();
    this.#parts?.fetcher.halt();
    await this.#looking;
    await this.#starting?.catch(() => undefined);
    const parts = this.#parts;
    if (parts) {
      // The time for draining is the container's, which has drained before it stops its consumers.
      if (this.#held.length > 0) await this.#listener.onRevoked(this.#held, new AbortController().signal);
      this.#held = [];
      parts.fetcher.close();
      this.#closed.abort();
      await Promise.all([parts.clusters.group.close(), parts.clusters.fetch.close()]);
    }
    this.#closed.abort();
  }

  onEvent(listener: (event: ConsumerEvent) => void): void {
    this.#eventListeners.push(listener);
  }

  get #name(): string {
    const { groupId } = this.#settings;
    return `the standalone consumer ${groupId ? `of group '${groupId}'` : 'without a group'}`;
  }

  #emit(event: ConsumerEvent): void {
    for (const listener of this.#eventListeners) listener(event);
  }

  #disconnected(reason: string): void {
    this.#emit({ type: 'disconnected', reason });
  }

  #stoppedError(): NestdawError {
    return new NestdawError('KAFKA_STOPPED', `${this.#name} was stopped`);
  }
}
