import { sleep } from '../../src/common/clock.js';
import { silentLogger } from '../../src/common/logger.js';
import { type Random, seededRandom } from '../../src/common/random.js';
import { type TopicPartition } from '../../src/common/topic-partition.js';
import { InMemoryCluster } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { type AssignedPartition } from '../../src/runtime/client/consumer-client.js';
import { type ManualClock } from '../../test/support/manual-clock.js';
import { type GroupChecker } from './group-checker.js';
import { mortal, type SimulatedBroker } from './simulated-broker.js';

// A process with one consumer: it polls, works on each record for a while, and commits what is done, now and then and
// before its partitions go. It can crash at any moment.

export const TOPIC = 'simulated';
export const GROUP = 'simulation';

export interface MemberOptions {
  readonly name: string;
  readonly instanceId: string | undefined;
  readonly strategy: string;
  readonly seed: number;
  /** Longest work on a record; changed while it runs. */
  slowMs: number;
}

export class SimulatedMember {
  readonly consumer: GroupConsumer;
  readonly #alive = new AbortController();
  readonly #random: Random;
  /** Next offset to work on, by partition held. */
  readonly #next = new Map<number, number>();
  readonly #committed = new Map<number, number>();
  /** Which assignment each partition is held by: what was polled under another one is not worked on. */
  readonly #tenures = new Map<number, number>();
  #assignments = 0;
  #generation = -1;
  /** Partitions that are about to go: nothing more of them is begun. */
  readonly #going = new Set<number>();
  #working: Promise<void> = Promise.resolve();
  #stopping = false;
  failure: unknown;

  constructor(
    readonly options: MemberOptions,
    readonly clock: ManualClock,
    readonly checker: GroupChecker,
    broker: SimulatedBroker,
  ) {
    this.#random = seededRandom(options.seed);
    const { signal } = this.#alive;
    const own = mortal(clock, signal);
    const exchange = broker.exchangeFor(signal);
    this.consumer = new GroupConsumer({
      groupId: GROUP,
      topics: [TOPIC],
      createCluster: () =>
        new InMemoryCluster({ exchange, clock: own, requestTimeoutMs: 4000, clientId: options.name }),
      autoOffsetReset: 'earliest',
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 1000,
      maxPollIntervalMs: 20_000,
      requestTimeoutMs: 4000,
      defaultApiTimeoutMs: 5000,
      fetchMaxWaitMs: 400,
      partitionAssignmentStrategy: [options.strategy],
      ...(options.instanceId !== undefined && { groupInstanceId: options.instanceId }),
      clock: own,
      random: seededRandom(options.seed + 1),
      logger: silentLogger,
    });
    this.consumer.onEvent((event) => {
      if (event.type === 'joined') this.#generation = event.generationId;
      if (event.type === 'failed') this.failure = event.error;
    });
  }

  get isGone(): boolean {
    return this.#alive.signal.aborted || this.failure !== undefined;
  }

  start(): void {
    const listener = {
      onAssigned: (added: readonly AssignedPartition[], kept: readonly AssignedPartition[]) =>
        this.#assigned(added, kept),
      onRevoked: (gone: readonly TopicPartition[], deadline: AbortSignal) => this.#revoked(gone, deadline),
      onLost: () => this.#lost(),
    };
    const started = this.consumer.start(listener).then(() => this.#poll());
    started.catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  crash(): void {
    this.#alive.abort();
    this.#forget();
  }

  async leave(): Promise<void> {
    this.#stopping = true;
    await this.consumer.stop();
    this.#alive.abort();
    this.#forget();
  }

  #forget(): void {
    for (const partition of this.#next.keys()) this.checker.released(this.options.name, partition);
    this.#next.clear();
  }

  #assigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): void {
    if (this.isGone) return;
    const { name } = this.options;
    const held = new Set([...added, ...kept].map(({ partition }) => partition));
    for (const partition of this.#next.keys()) {
      if (!held.has(partition)) this.checker.released(name, partition);
      if (!held.has(partition)) this.#next.delete(partition);
    }
    for (const { partition, position, source } of added) {
      this.checker.assigned(name, this.#generation, partition, position, source);
      this.#next.set(partition, position);
      this.#tenures.set(partition, ++this.#assignments);
      this.#committed.set(partition, position);
    }
    for (const { partition, position } of kept) {
      this.checker.assigned(name, this.#generation, partition, position, 'kept');
      // What was polled and not worked on is polled again.
      const next = this.#next.get(partition) ?? position;
      if (next < position && this.#going.has(partition)) this.consumer.seek(TOPIC, partition, next);
      this.#next.set(partition, next);
    }
    this.#going.clear();
  }

  async #revoked(gone: readonly TopicPartition[], deadline: AbortSignal): Promise<void> {
    if (this.isGone) return;
    for (const { partition } of gone) this.#going.add(partition);
    await Promise.race([
      this.#working,
      new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve())),
    ]);
    await this.#commit();
  }

  #lost(): void {
    this.#forget();
    this.#going.clear();
  }

  async #poll(): Promise<void> {
    while (!this.#stopping && !this.isGone) {
      const polled = await this.consumer.poll({ maxRecords: 6, maxWaitMs: 500 });
      if (this.isGone) return;
      this.#working = this.#work(polled.flatMap(({ records }) => records));
      await this.#working;
      if (this.#random.next() < 0.4) await this.#commit();
    }
  }

  async #work(records: ReadonlyArray<{ readonly partition: number; readonly offset: number }>): Promise<void> {
    const tenures = new Map(this.#tenures);
    for (const { partition, offset } of records) {
      // The record that is under way when its partition is to go is finished, those behind it are left.
      if (this.#going.has(partition)) continue;
      const takes = Math.floor(this.#random.next() ** 6 * this.options.slowMs);
      if (takes > 0) await sleep(this.clock, takes);
      if (this.isGone) return;
      if (!this.#next.has(partition) || tenures.get(partition) !== this.#tenures.get(partition)) continue;
      this.checker.effect(this.options.name, partition, offset);
      if (offset >= this.#next.get(partition)!) this.#next.set(partition, offset + 1);
    }
  }

  async #commit(): Promise<void> {
    const offsets = [...this.#next].filter(([partition, next]) => next > (this.#committed.get(partition) ?? -1));
    if (offsets.length === 0 || this.isGone) return;
    try {
      await this.consumer.commit(offsets.map(([partition, offset]) => ({ topic: TOPIC, partition, offset })));
      for (const [partition, offset] of offsets) this.#committed.set(partition, offset);
    } catch {
      // Refused, or nobody heard: the next commit says the same.
    }
  }
}
