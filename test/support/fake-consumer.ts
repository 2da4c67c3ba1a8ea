import { type Clock } from '../../src/common/clock.js';
import { NestdawError } from '../../src/common/errors.js';
import { type KafkaRecord, NO_HEADERS } from '../../src/common/record.js';
import { type LogMoment } from '../../src/common/seek-target.js';
import { type TopicPartition, TopicPartitionMap } from '../../src/common/topic-partition.js';
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
} from '../../src/runtime/client/consumer-client.js';

// A consumer over logs in memory: a test pushes records, moves partitions and reads what was committed.

/** The logs and committed offsets that the consumers of one group share. */
export class FakeKafka {
  readonly logs = new TopicPartitionMap<KafkaRecord[]>();
  readonly committed = new TopicPartitionMap<{ offset: number; metadata: string }>();
  readonly consumers = new Set<FakeConsumer>();
  epoch = 0;

  /** Appends a record; `offset` may leave a gap. */
  push(topic: string, partition: number, key: string | null, value = '', offset?: number): KafkaRecord {
    const log = this.logs.getOrCreate(topic, partition, () => []);
    const record: KafkaRecord = {
      topic,
      partition,
      offset: offset ?? (log.at(-1)?.offset ?? -1) + 1,
      timestamp: 0,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      headers: NO_HEADERS,
    };
    log.push(record);
    for (const consumer of this.consumers) consumer.wake();
    return record;
  }

  end(topic: string, partition: number): number {
    return (this.logs.get(topic, partition)?.at(-1)?.offset ?? -1) + 1;
  }
}

interface Owned extends TopicPartition {
  epoch: number;
  position: number;
  readonly pauses: Set<PauseReason>;
}

export class FakeConsumer implements ConsumerClient {
  /** Every acknowledged commit, in order. */
  readonly commits: CommitOffset[][] = [];
  /** Awaited before a commit takes effect; may throw to refuse it. */
  onCommit: (offsets: readonly CommitOffset[]) => Promise<void> | void = () => undefined;
  polls = 0;
  isStopped = false;
  readonly #kafka: FakeKafka;
  readonly #clock: Clock;
  readonly #first: readonly TopicPartition[];
  readonly #owned = new TopicPartitionMap<Owned>();
  #listener: RebalanceListener | undefined;
  #listeners: Array<(event: ConsumerEvent) => void> = [];
  #wakers: Array<() => void> = [];
  #isRebalancing = false;
  #isFenced = false;
  #failure: unknown;

  constructor(kafka: FakeKafka, clock: Clock, first: readonly TopicPartition[]) {
    this.#kafka = kafka;
    this.#clock = clock;
    this.#first = first;
    kafka.consumers.add(this);
  }

  async start(listener: RebalanceListener): Promise<void> {
    this.#listener = listener;
    await this.#assign(this.#first, []);
  }

  async poll(options: { maxRecords: number; maxWaitMs: number; signal?: AbortSignal }): Promise<PartitionRecords[]> {
    this.polls++;
    const until = this.#clock.monotonic() + options.maxWaitMs;
    while (!options.signal?.aborted) {
      if (this.#failure !== undefined) throw this.#failure;
      const records = this.#take(options.maxRecords);
      if (records.length > 0 || this.#clock.monotonic() >= until) return records;
      await this.#woken(until - this.#clock.monotonic(), options.signal);
    }
    return [];
  }

  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    await this.onCommit(offsets);
    for (const { topic, partition } of offsets) {
      if (this.#isFenced || !this.#owned.has(topic, partition)) {
        throw new NestdawError('KAFKA_COMMIT_FAILED', `${topic}-${partition} is not assigned to this member.`);
      }
    }
    this.commits.push([...offsets]);
    for (const { topic, partition, offset, metadata = '' } of offsets) {
      this.#kafka.committed.set(topic, partition, { offset, metadata });
    }
  }

  position(topic: string, partition: number): number | undefined {
    return this.#owned.get(topic, partition)?.position;
  }

  seek(topic: string, partition: number, offset: number): void {
    const owned = this.#owned.get(topic, partition);
    if (owned) owned.position = offset;
    this.wake();
  }

  pause(partitions: readonly TopicPartition[], reason: PauseReason): void {
    for (const { topic, partition } of partitions) this.#owned.get(topic, partition)?.pauses.add(reason);
  }

  resume(partitions: readonly TopicPartition[], reason: PauseReason): void {
    for (const { topic, partition } of partitions) this.#owned.get(topic, partition)?.pauses.delete(reason);
    this.wake();
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#owned.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  /** Timestamps count as offsets. */
  async offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>> {
    await Promise.resolve();
    const found = new TopicPartitionMap<number>();
    for (const { topic, partition } of partitions) {
      const end = this.#kafka.end(topic, partition);
      const offset = moment === 'beginning' ? 0 : moment === 'end' ? end : Math.min(moment, end);
      found.set(topic, partition, offset);
    }
    return found;
  }

  groupMetadata(): GroupMetadata | undefined {
    return this.#isFenced ? undefined : { groupId: 'billing', generationId: this.#kafka.epoch, memberId: 'm' };
  }

  async committedOffsets(partitions: readonly TopicPartition[]): Promise<TopicPartitionMap<CommittedOffset>> {
    await Promise.resolve();
    const found = new TopicPartitionMap<CommittedOffset>();
    for (const { topic, partition } of partitions) {
      const committed = this.#kafka.committed.get(topic, partition);
      if (committed) found.set(topic, partition, committed);
    }
    return found;
  }

  /** How often somebody asked for a rebalance. */
  enforced = 0;

  enforceRebalance(): void {
    this.enforced++;
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    this.wake();
    if (this.#owned.size > 0) await this.#listener?.onRevoked(this.assignment(), new AbortController().signal);
    this.#owned.clear();
    this.#kafka.consumers.delete(this);
  }

  onEvent(listener: (event: ConsumerEvent) => void): void {
    this.#listeners.push(listener);
  }

  // What a test does to it.

  /** Revokes all partitions and assigns `next`; those owned before are kept. */
  async rebalance(next: readonly TopicPartition[], deadline = new AbortController().signal): Promise<void> {
    await this.revoke(deadline);
    await this.assign(next);
  }

  async revoke(deadline: AbortSignal): Promise<void> {
    this.#isRebalancing = true;
    await this.#listener!.onRevoked(this.assignment(), deadline);
  }

  async assign(next: readonly TopicPartition[]): Promise<void> {
    const kept = next.filter(({ topic, partition }) => this.#owned.has(topic, partition));
    const added = next.filter(({ topic, partition }) => !this.#owned.has(topic, partition));
    await this.#assign(added, kept);
    this.#isRebalancing = false;
    this.wake();
  }

  /** The session expired: everything is gone, and commits are refused until `assign`. */
  async lose(): Promise<void> {
    const lost = this.assignment();
    this.#isFenced = true;
    this.#owned.clear();
    await this.#listener!.onLost(lost);
  }

  /** The consumer has failed for good. */
  fail(error: unknown): void {
    this.#failure = error;
    this.wake();
  }

  emit(event: ConsumerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** The process died: nothing more comes of it. */
  crash(): void {
    this.#isFenced = true;
    this.#owned.clear();
    this.#kafka.consumers.delete(this);
  }

  pausesOf(topic: string, partition: number): PauseReason[] {
    return [...(this.#owned.get(topic, partition)?.pauses ?? [])];
  }

  wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  async #assign(added: readonly TopicPartition[], kept: readonly TopicPartition[]): Promise<void> {
    this.#isFenced = false;
    const assignmentEpoch = ++this.#kafka.epoch;
    const before = new TopicPartitionMap<Owned>();
    for (const owned of this.#owned.values()) before.set(owned.topic, owned.partition, owned);
    this.#owned.clear();
    const keptNow = kept.map(({ topic, partition }): AssignedPartition => {
      const owned = before.get(topic, partition)!;
      owned.epoch = assignmentEpoch;
      this.#owned.set(topic, partition, owned);
      return { topic, partition, assignmentEpoch, position: owned.position, metadata: '', source: 'kept' };
    });
    const addedNow = added.map(({ topic, partition }): AssignedPartition => {
      const committed = this.#kafka.committed.get(topic, partition);
      const position = committed?.offset ?? 0;
      this.#owned.set(topic, partition, { topic, partition, epoch: assignmentEpoch, position, pauses: new Set() });
      const source = committed ? 'committed' : 'reset';
      return { topic, partition, assignmentEpoch, position, metadata: committed?.metadata ?? '', source };
    });
    await this.#listener!.onAssigned(addedNow, keptNow);
  }

  #take(maxRecords: number): PartitionRecords[] {
    if (this.#isRebalancing) return [];
    const out: PartitionRecords[] = [];
    let left = maxRecords;
    for (const owned of this.#owned.values()) {
      if (left === 0 || owned.pauses.size > 0) continue;
      const log = this.#kafka.logs.get(owned.topic, owned.partition);
      if (!log || (log.at(-1)?.offset ?? -1) < owned.position) continue;
      const from = lowerBound(log, owned.position);
      const records = log.slice(from, from + left);
      owned.position = records.at(-1)!.offset + 1;
      left -= records.length;
      out.push({
        topic: owned.topic,
        partition: owned.partition,
        records,
        assignmentEpoch: owned.epoch,
        nextOffset: owned.position,
        highWatermark: this.#kafka.end(owned.topic, owned.partition),
      });
    }
    return out;
  }

  #woken(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.#clock.schedule(waitMs, wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#wakers.push(wake);
    });
  }
}

function lowerBound(log: readonly KafkaRecord[], offset: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (log[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
