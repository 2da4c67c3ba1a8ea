import { type Deferred, deferred } from '../../src/common/lifecycle.js';
import { silentLogger } from '../../src/common/logger.js';
import { type Random, seededRandom } from '../../src/common/random.js';
import { bytesOfData, type KafkaRecord, NO_HEADERS, type OutgoingRecord } from '../../src/common/record.js';
import { KeyDispatcher } from '../../src/runtime/dispatch/key-dispatcher.js';
import { type PartitionQueue } from '../../src/runtime/dispatch/partition-queue.js';
import { WorkItem } from '../../src/runtime/dispatch/work-item.js';
import { type Recoverer } from '../../src/runtime/listener/failures/recoverer.js';
import { type ListenerConsumer } from '../../src/runtime/listener/listener-consumer.js';
import { OrderedRetries } from '../../src/runtime/retry/ordered-retries.js';
import { RetryPlan } from '../../src/runtime/retry/retry-rules.js';

// One partition, its retry lane and its owner in a seeded world where everything may happen in any order: deliveries
// end, sends are stored or not and told or not, commits come late, the owner dies. Whoever delivers a record before
// those of its key in front of it have been finished has broken the order.

const MAIN = 'orders';
const LANE = 'orders-retry';
const BUDGET = { records: 1_000, bytes: 1_000_000 };

class Item extends WorkItem<PartitionQueue> {
  attempt = 1;
  constructor(
    queue: PartitionQueue,
    readonly record: KafkaRecord,
    readonly life: number,
  ) {
    super(queue, record.key, 1, 1);
  }
}

interface Send {
  readonly topic: string;
  readonly record: OutgoingRecord;
  readonly told: Deferred<{ topic: string; partition: number; offset: number; timestamp: number }>;
}

interface Log {
  readonly records: KafkaRecord[];
  /** Offsets finished, as the last commit tells. */
  committed: ReadonlySet<number>;
  finished: Set<number>;
  read: number;
}

export interface WorldOptions {
  readonly seed: number;
  /** Deliveries of each record. Default 3. */
  readonly attempts?: number;
  /** Whether owners die and sends fail. Default true. */
  readonly hasFaults?: boolean;
  /** Breaks the rule on purpose, to see that the world notices. */
  readonly forgetKeys?: boolean;
}

export class OrderedRetriesWorld {
  readonly #random: Random;
  readonly #options: WorldOptions;
  readonly #attempts: number;
  readonly #failures: number[] = [];
  readonly #logs: Record<string, Log> = { [MAIN]: newLog(), [LANE]: newLog() };
  readonly #done = new Set<number>();
  readonly deliveries: number[] = [];
  readonly violations: string[] = [];
  deadLetters = 0;
  #now = 1_000;
  #life = 0;
  #retries!: OrderedRetries;
  #dispatcher!: KeyDispatcher<Item>;
  #queues!: Record<string, PartitionQueue>;
  #running: Item[] = [];
  #waiting: Array<{ readonly until: number; readonly item: Item }> = [];
  #sends: Send[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#attempts = options.attempts ?? 3;
    this.#random = seededRandom(options.seed);
    const count = 6 + this.#below(10);
    for (let index = 0; index < count; index++) {
      const key = this.#random.next() < 0.1 ? null : Buffer.from(`k${this.#below(3)}`);
      this.#append(MAIN, { key, value: Buffer.from(`${index}`) });
      this.#failures.push(this.#random.next() < 0.4 ? 1 + this.#below(this.#attempts + 1) : 0);
      this.deliveries.push(0);
    }
  }

  get isDone(): boolean {
    return this.#done.size === this.deliveries.length;
  }

  /** Runs until everything is finished; false when it takes too long. */
  async run(): Promise<boolean> {
    await this.#begin();
    for (let turn = 0; turn < 10_000; turn++) {
      if (
        this.isDone &&
        this.#logs[LANE]!.finished.size === this.#logs[LANE]!.records.length &&
        this.#sends.length === 0
      )
        return true;
      const step = this.#step();
      // Promises that wait for nothing go on too.
      if (step !== undefined || turn % 8 === 0) await step;
    }
    return false;
  }

  #step(): Promise<void> | undefined {
    const dice = this.#random.next();
    if (this.#options.hasFaults !== false && dice < 0.02 && this.#life < 8) return this.#crash();
    if (dice < 0.2) this.#read(MAIN);
    else if (dice < 0.4) this.#read(LANE);
    else if (dice < 0.6) this.#start();
    else if (dice < 0.75) this.#settle();
    else if (dice < 0.9) return this.#store();
    else if (dice < 0.95) this.#commit();
    else this.#tick();
    return undefined;
  }

  async #begin(): Promise<void> {
    this.#life++;
    const plan = new RetryPlan({
      attempts: this.#attempts,
      backOff: {},
      timeoutMs: -1,
      isRetryable: () => true,
      delaysMs: Array.from({ length: this.#attempts - 1 }, () => 100),
      retryTopicSuffix: '-retry',
      dltTopicSuffix: '-dlt',
      topicSuffixingStrategy: 'SUFFIX_WITH_DELAY_VALUE',
      sameIntervalTopicReuseStrategy: 'SINGLE_TOPIC',
      dltStrategy: 'FAIL_ON_ERROR',
      dltRouting: [],
    });
    const now = () => this.#now;
    this.#retries = new OrderedRetries({
      plan,
      lane: plan.retries[0] ?? { kind: 'retry', suffix: '-retry', delayMs: 0, deliveries: 1 },
      sender: { sendBytes: (topic, _partition, record) => this.#send(topic, record), partitionsFor: async () => 1 },
      scan: async (_place, from, visit) => {
        for (const record of this.#logs[LANE]!.records.slice(from)) visit(record);
      },
      clock: { now, monotonic: now, schedule: () => ({ cancel() {} }) },
      logger: silentLogger,
      random: this.#random,
    });
    this.#dispatcher = new KeyDispatcher<Item>({ order: 'key', workers: 4, budget: BUDGET });
    this.#queues = { [MAIN]: this.#dispatcher.open(), [LANE]: this.#dispatcher.open() };
    for (const log of Object.values(this.#logs)) {
      log.finished = new Set(log.committed);
      log.read = firstMissing(log.committed);
    }
    const position = this.#logs[LANE]!.read;
    const consumer = { position: () => position } as unknown as ListenerConsumer;
    await this.#retries.onPartitionsAssigned(
      [{ topic: MAIN, partition: 0, position: 0, source: 'committed' }],
      consumer,
    );
  }

  /** What was not told is lost with the owner; what was on its way may have been stored. */
  #crash(): Promise<void> {
    for (const { topic, record } of this.#sends) if (this.#random.next() < 0.5) this.#append(topic, record);
    this.#sends = [];
    this.#running = [];
    this.#waiting = [];
    return this.#begin();
  }

  #read(topic: string): void {
    const log = this.#logs[topic]!;
    const record = log.records[log.read];
    if (record === undefined) return;
    log.read++;
    this.#retries.received(record);
    if (log.finished.has(record.offset)) this.#retries.finished(record);
    else this.#dispatcher.submit(new Item(this.#queues[topic]!, record, this.#life));
  }

  #start(): void {
    const item = this.#dispatcher.next();
    if (item === undefined) return;
    const admission =
      this.#options.forgetKeys && item.record.topic === MAIN ? undefined : this.#retries.admit(item.record);
    if (admission === undefined) this.#deliver(item);
    else if (admission.action === 'skip') this.#finish(item);
    else if (admission.action === 'hand-over') this.#handOver(item, admission.recoverer);
    else if (admission.until <= this.#now) this.#deliver(item);
    else this.#later(item, admission.until);
  }

  #deliver(item: Item): void {
    const index = Number(item.record.value);
    const { key } = item.record;
    this.deliveries[index]!++;
    for (const before of this.#logs[MAIN]!.records.slice(0, index)) {
      if (key !== null && before.key?.equals(key) && !this.#done.has(before.offset)) {
        this.violations.push(`${index} was delivered before ${before.offset} was finished`);
      }
    }
    this.#running.push(item);
  }

  #settle(): void {
    const item = this.#takeOne(this.#running);
    if (item === undefined) return;
    const index = Number(item.record.value);
    if (this.#failures[index]! <= 0) {
      this.#done.add(index);
      this.#finish(item);
      return;
    }
    this.#failures[index]!--;
    const { record, attempt } = item;
    const decision = this.#retries.decide({ listener: 'l', groupId: 'g', record, error: new Error('x'), attempt });
    if (decision.action === 'retry') {
      item.attempt++;
      this.#later(item, this.#now + decision.delayMs);
    } else if (decision.action === 'recover') this.#handOver(item, decision.recoverer);
    else this.violations.push(`${index} was decided upon with ${decision.action}`);
  }

  #handOver(item: Item, recoverer: Recoverer): void {
    Promise.resolve(
      recoverer.recover({ listener: 'l', record: item.record, error: undefined, attempt: item.attempt }),
    ).then(
      () => {
        if (item.life === this.#life) this.#finish(item);
      },
      () => {
        item.attempt = 1;
        if (item.life === this.#life) this.#later(item, this.#now + 1_000);
      },
    );
  }

  #finish(item: Item): void {
    this.#dispatcher.finish(item);
    this.#logs[item.record.topic]!.finished.add(item.record.offset);
    this.#retries.finished(item.record);
  }

  #later(item: Item, until: number): void {
    this.#dispatcher.suspend(item);
    this.#waiting.push({ until, item });
  }

  #tick(): void {
    this.#now += this.#below(200);
    const due = this.#waiting.filter(({ until }) => until <= this.#now);
    this.#waiting = this.#waiting.filter(({ until }) => until > this.#now);
    for (const { item } of due) this.#dispatcher.release(item);
  }

  #commit(): void {
    for (const log of Object.values(this.#logs)) log.committed = new Set(log.finished);
  }

  #send(
    topic: string,
    record: OutgoingRecord,
  ): Promise<{ topic: string; partition: number; offset: number; timestamp: number }> {
    const told = deferred<{ topic: string; partition: number; offset: number; timestamp: number }>();
    this.#sends.push({ topic, record, told });
    return told.promise;
  }

  /** The producer keeps the order of its sends, also where some fail. */
  #store(): Promise<void> | undefined {
    const send = this.#sends.shift();
    return send && this.#carryOut(send);
  }

  async #carryOut(send: Send): Promise<void> {
    const dice = this.#options.hasFaults === false ? 1 : this.#random.next();
    const offset = dice < 0.05 ? -1 : this.#append(send.topic, send.record);
    if (dice < 0.1) send.told.reject(new Error('no acknowledgment'));
    else send.told.resolve({ topic: send.topic, partition: 0, offset, timestamp: 0 });
    for (let turn = 0; turn < 6; turn++) await Promise.resolve();
  }

  #append(topic: string, { key, value, headers = NO_HEADERS }: OutgoingRecord): number {
    if (topic !== MAIN && topic !== LANE) {
      this.deadLetters++;
      this.#done.add(Number(value));
      return 0;
    }
    const { records } = this.#logs[topic]!;
    const stored = { key: bytesOfData(key), value: bytesOfData(value), headers };
    records.push({ topic, partition: 0, offset: records.length, timestamp: 1, ...stored });
    return records.length - 1;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #takeOne<T>(items: T[]): T | undefined {
    return items.splice(this.#below(items.length), 1)[0];
  }
}

function newLog(): Log {
  return { records: [], committed: new Set(), finished: new Set(), read: 0 };
}

function firstMissing(offsets: ReadonlySet<number>): number {
  let offset = 0;
  while (offsets.has(offset)) offset++;
  return offset;
}
