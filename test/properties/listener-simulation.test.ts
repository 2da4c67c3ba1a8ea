import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../src/common/logger.js';
import { type Random, seededRandom } from '../../src/common/random.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { TopicPartitionMap } from '../../src/common/topic-partition.js';
import { type CommitOffset } from '../../src/runtime/client/consumer-client.js';
import { type AckMode } from '../../src/runtime/dispatch/commit-policy.js';
import { decodeGapMap } from '../../src/runtime/dispatch/gap-map.js';
import { type Order } from '../../src/runtime/dispatch/key-dispatcher.js';
import { type OffsetRange } from '../../src/runtime/dispatch/offset-range.js';
import { type ContainerEvent } from '../../src/runtime/listener/container-events.js';
import { ListenerContainer } from '../../src/runtime/listener/listener-container.js';
import { DONE, type InvocationContext, type Outcome } from '../../src/runtime/listener/listener-endpoint.js';
import { FakeConsumer, FakeKafka } from '../support/fake-consumer.js';
import { endpointOf, TOPIC } from '../support/listener-harness.js';
import { flush, ManualClock } from '../support/manual-clock.js';

// A group of processes, each with a container over a fake consumer, under random handlers, rebalances, lost
// memberships, crashes and failing commits. The checker knows every effect a handler has had, and what was committed.
// The same seed gives the same run.

const PARTITIONS = [0, 1, 2, 3];
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

interface Setup {
  readonly workers: number | undefined;
  readonly order: Order;
  readonly ackMode: AckMode;
  readonly gapMap: boolean;
}

/** What the group as a whole has done; it outlives every process. */
class Checker {
  readonly violations: string[] = [];
  readonly #done = new TopicPartitionMap<Set<number>>();
  readonly #lastFirst = new Map<string, number>();
  repeats = 0;

  constructor(
    readonly kafka: FakeKafka,
    readonly setup: Setup,
  ) {}

  isDone(record: KafkaRecord): boolean {
    return this.#of(record.partition).has(record.offset);
  }

  /** The handler's effect has happened. */
  effect(record: KafkaRecord): void {
    const done = this.#of(record.partition);
    if (done.has(record.offset)) {
      this.repeats++;
      return;
    }
    done.add(record.offset);
    const lane = laneOf(record, this.setup);
    if (lane === undefined) return;
    const last = this.#lastFirst.get(lane) ?? -1;
    if (record.offset < last) this.violations.push(`${lane}: first effect of ${record.offset} after that of ${last}`);
    this.#lastFirst.set(lane, record.offset);
  }

  commits(offsets: readonly CommitOffset[]): void {
    for (const { partition, offset, metadata = '' } of offsets) {
      const before = this.kafka.committed.get(TOPIC, partition)?.offset ?? 0;
      if (offset < before) this.violations.push(`partition ${partition}: commit of ${offset} after ${before}`);
      const ranges = decodeGapMap(offset, metadata)!;
      for (const record of this.kafka.logs.get(TOPIC, partition) ?? []) {
        if (covers(offset, ranges, record.offset) && !this.isDone(record)) {
          this.violations.push(`partition ${partition}: commit ${offset} covers unfinished ${record.offset}`);
        }
      }
    }
  }

  /** Records without an effect. */
  missing(): string[] {
    return PARTITIONS.flatMap((partition) => {
      const records = this.kafka.logs.get(TOPIC, partition) ?? [];
      return records.filter((record) => !this.isDone(record)).map(({ offset }) => `${partition}:${offset}`);
    });
  }

  #of(partition: number): Set<number> {
    return this.#done.getOrCreate(TOPIC, partition, () => new Set());
  }
}

/** One process: its container, and what it remembers of its own assignments. */
class Process {
  readonly consumer: FakeConsumer;
  readonly container: ListenerContainer;
  readonly #running = new Map<string, number>();
  /** What was committed when a partition was assigned, and what had its effect here since. */
  readonly #begun = new Map<number, { offset: number; ranges: readonly OffsetRange[]; here: Set<number> }>();
  #isDead = false;

  constructor(
    readonly name: string,
    readonly checker: Checker,
    readonly clock: ManualClock,
    readonly random: Random,
    readonly trouble: { share: number },
  ) {
    const { kafka, setup } = checker;
    this.consumer = new FakeConsumer(kafka, clock, []);
    this.consumer.onCommit = (offsets) => this.#commit(offsets);
    const poll = this.consumer.poll.bind(this.consumer);
    this.consumer.poll = async (options) => {
      const records = await poll(options);
      // What a poll gives may be on its way while partitions move.
      if (random.next() < 0.2) await this.#delay(30);
      return records;
    };
    this.container = new ListenerContainer({
      endpoint: endpointOf({
        ...setup,
        ackCount: 7,
        ackTimeMs: 40,
        handler: { kind: 'record', invoke: (record, context) => this.#invoke(record, context) },
      }),
      createConsumer: () => this.consumer,
      clock,
      logger: silentLogger,
      settings: {
        pollMaxRecords: 8,
        pollMaxWaitMs: 200,
        budgetRecords: 20,
        budgetUncommitted: 60,
        errorHandler: () => ({ action: 'retry', delayMs: random.next() < 0.5 ? 0 : 30 }),
      },
    });
    this.container.onEvent((event) => this.#observe(event));
  }

  crash(): void {
    this.#isDead = true;
    this.consumer.crash();
  }

  #observe(event: ContainerEvent): void {
    if (event.type !== 'assigned') return;
    for (const { partition } of event.added) {
      const { offset, metadata } = this.checker.kafka.committed.get(TOPIC, partition) ?? { offset: 0, metadata: '' };
      const ranges = this.checker.setup.gapMap ? decodeGapMap(offset, metadata)! : [];
      this.#begun.set(partition, { offset, ranges, here: new Set() });
    }
  }

  #invoke(record: KafkaRecord, context: InvocationContext): Outcome | Promise<Outcome> {
    if (this.#isDead) return new Promise(() => undefined);
    const begun = this.#begun.get(record.partition)!;
    const name = `${this.name} ${record.partition}:${record.offset}`;
    if (covers(begun.offset, begun.ranges, record.offset)) this.#violation(`${name} runs although it was committed`);
    if (begun.here.has(record.offset)) this.#violation(`${name} runs again although it was finished here`);
    const lane = laneOf(record, this.checker.setup);
    if (lane !== undefined && (this.#running.get(lane) ?? 0) > 0) this.#violation(`${name} overlaps in lane ${lane}`);
    const dice = this.random.next();
    const outcome = this.random.next() < this.trouble.share ? undefined : DONE;
    if (dice < 0.3) return this.#end(record, context, outcome, begun.here);
    if (lane !== undefined) this.#running.set(lane, (this.#running.get(lane) ?? 0) + 1);
    return new Promise((resolve) => {
      const end = () => {
        if (this.#isDead) return;
        if (lane !== undefined) this.#running.set(lane, this.#running.get(lane)! - 1);
        resolve(this.#end(record, context, outcome, begun.here));
      };
      if (dice < 0.5) queueMicrotask(end);
      else this.clock.schedule(1 + Math.floor(this.random.next() ** 3 * 150), end);
    });
  }

  #end(record: KafkaRecord, context: InvocationContext, outcome: Outcome | undefined, here: Set<number>): Outcome {
    if (outcome === undefined) return { status: 'failed', error: new Error('trouble') };
    this.checker.effect(record);
    here.add(record.offset);
    void context.acknowledgment?.acknowledge();
    return outcome;
  }

  async #commit(offsets: readonly CommitOffset[]): Promise<void> {
    const dice = this.random.next();
    if (dice < this.trouble.share / 2) throw new Error('refused');
    if (this.random.next() < 0.5) await this.#delay(3);
    const owned = offsets.filter(({ partition }) => this.consumer.position(TOPIC, partition) !== undefined);
    // A request that the group refuses stores nothing.
    if (owned.length < offsets.length) return;
    this.checker.commits(offsets);
    if (dice > 1 - this.trouble.share / 2) {
      for (const { partition, offset, metadata = '' } of offsets) {
        this.checker.kafka.committed.set(TOPIC, partition, { offset, metadata });
      }
      throw new Error('the answer was lost');
    }
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(ms, resolve));
  }

  #violation(text: string): void {
    this.checker.violations.push(text);
  }
}

class Simulation {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly checker: Checker;
  readonly trouble = { share: 0.15 };
  readonly processes: Process[] = [];
  #names = 0;

  constructor(seed: number, setup: Setup) {
    this.random = seededRandom(seed);
    this.checker = new Checker(new FakeKafka(), setup);
  }

  async run(steps: number): Promise<void> {
    await this.#join();
    await this.#join();
    await this.#rebalance();
    for (let step = 0; step < steps; step++) await this.#step();
    this.trouble.share = 0;
    await this.#rebalance();
    for (let i = 0; i < 60 && (i < 4 || this.checker.missing().length > 0); i++) await this.clock.advance(100);
    const stopped = Promise.all(this.processes.map(({ container }) => container.stop()));
    await this.#until(stopped);
  }

  async #step(): Promise<void> {
    const dice = this.random.next();
    if (dice < 0.5) this.#push();
    else if (dice < 0.58) await this.#rebalance();
    else if (dice < 0.61) await this.#lose();
    else if (dice < 0.64) await this.#crash();
    await this.clock.advance(Math.floor(this.random.next() * 40));
  }

  #push(): void {
    const { kafka } = this.checker;
    for (let i = Math.floor(this.random.next() * 15); i >= 0; i--) {
      const key = this.random.next() < 0.1 ? null : this.#pick(KEYS);
      const partition = key === null ? this.#pick(PARTITIONS) : KEYS.indexOf(key) % PARTITIONS.length;
      // Compaction and control records leave gaps.
      const gap = this.random.next() < 0.1 ? Math.floor(this.random.next() * 50) : 0;
      kafka.push(TOPIC, partition, key, '', kafka.end(TOPIC, partition) + gap);
    }
  }

  async #join(): Promise<void> {
    const process = new Process(`p${this.#names++}`, this.checker, this.clock, this.random, this.trouble);
    this.processes.push(process);
    await this.#until(process.container.start());
  }

  async #rebalance(): Promise<void> {
    const deadline = new AbortController();
    const timer = this.clock.schedule(this.random.next() < 0.5 ? 20 : 400, () => deadline.abort());
    await this.#until(Promise.all(this.processes.map(({ consumer }) => consumer.revoke(deadline.signal))));
    timer.cancel();
    const shares = this.processes.map(() => [] as Array<{ topic: string; partition: number }>);
    for (const partition of PARTITIONS) this.#pick(shares).push({ topic: TOPIC, partition });
    await this.#until(Promise.all(this.processes.map(({ consumer }, i) => consumer.assign(shares[i]!))));
  }

  async #lose(): Promise<void> {
    await this.#pick(this.processes).consumer.lose();
    await this.#rebalance();
  }

  async #crash(): Promise<void> {
    const victim = this.#pick(this.processes);
    victim.crash();
    this.processes.splice(this.processes.indexOf(victim), 1);
    await this.#join();
    await this.#rebalance();
  }

  /** Lets time pass until `promise` settles. */
  async #until(promise: Promise<unknown>): Promise<void> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    for (let i = 0; i < 500 && !isSettled; i++) {
      await flush(1);
      if (!isSettled) await this.clock.advance(5);
    }
    if (!isSettled) throw new Error('something waits for ever');
    await settled;
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.next() * items.length)]!;
  }
}

/** Records that must not overtake each other share a lane. */
function laneOf({ partition, key }: KafkaRecord, { workers, order }: Setup): string | undefined {
  if (workers === undefined || order === 'partition') return `partition ${partition}`;
  return order === 'none' || key === null ? undefined : `key ${key.toString()}`;
}

function covers(committed: number, ranges: readonly OffsetRange[], offset: number): boolean {
  return offset < committed || ranges.some(({ from, to }) => from <= offset && offset < to);
}

const SETUPS: Record<string, Setup> = {
  'consumer model, BATCH': { workers: undefined, order: 'partition', ackMode: 'BATCH', gapMap: false },
  'consumer model, RECORD': { workers: undefined, order: 'partition', ackMode: 'RECORD', gapMap: false },
  'pool by key, BATCH, gap map': { workers: 5, order: 'key', ackMode: 'BATCH', gapMap: true },
  'pool by key, COUNT': { workers: 3, order: 'key', ackMode: 'COUNT', gapMap: false },
  'pool by key, MANUAL_IMMEDIATE, gap map': { workers: 4, order: 'key', ackMode: 'MANUAL_IMMEDIATE', gapMap: true },
  'pool by partition, TIME': { workers: 4, order: 'partition', ackMode: 'TIME', gapMap: false },
  'pool without order, BATCH, gap map': { workers: 6, order: 'none', ackMode: 'BATCH', gapMap: true },
};

describe('a group of containers', () => {
  const seeds = (process.env.NESTDAW_SEEDS ?? '1,2,3').split(',').map(Number);
  for (const [name, setup] of Object.entries(SETUPS)) {
    it.each(seeds)(
      `${name}: loses nothing, keeps order, repeats only what was not committed (seed %i)`,
      async (seed) => {
        const simulation = new Simulation(seed, setup);
        await simulation.run(60);
        const { checker } = simulation;
        expect(checker.violations).toEqual([]);
        expect(checker.missing()).toEqual([]);
        for (const partition of PARTITIONS) {
          expect(checker.kafka.committed.get(TOPIC, partition)?.offset).toBe(checker.kafka.end(TOPIC, partition));
        }
      },
    );
  }
});
