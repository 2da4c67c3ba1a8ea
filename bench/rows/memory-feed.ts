import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/common/clock.js';
import { silentLogger } from '../../src/common/logger.js';
import { type KafkaRecord } from '../../src/common/record.js';
import {
  type AssignedPartition,
  type ConsumerClient,
  type PartitionRecords,
  type RebalanceListener,
} from '../../src/runtime/client/consumer-client.js';
import { type ContainerSettings } from '../../src/runtime/listener/container-settings.js';
import { ListenerContainer } from '../../src/runtime/listener/listener-container.js';
import { type ListenerEndpoint, type RecordInvoker } from '../../src/runtime/listener/listener-endpoint.js';

// A container over records from memory: what it costs by itself, without a broker.

const TOPIC = 'bench';

/** Hands over records that are there already, as fast as it is asked. */
export class Feed implements ConsumerClient {
  readonly #records: readonly KafkaRecord[];
  readonly #partitions: number;
  readonly #paused = new Set<string>();
  #next = 0;
  /** When it was polled first, on the clock and of the processor. */
  polledAt = 0;
  polledCpu = process.cpuUsage();
  #available: number;
  #wake: () => void = () => undefined;
  readonly #aborted = (): void => this.#wake();

  constructor(
    records: readonly KafkaRecord[],
    readonly onEmpty: () => void,
  ) {
    this.#records = records;
    this.#partitions = records.reduce((most, { partition }) => Math.max(most, partition), 0) + 1;
    this.#available = records.length;
  }

  async start(listener: RebalanceListener): Promise<void> {
    const partitions = this.assignment().map(
      (place): AssignedPartition => ({ ...place, assignmentEpoch: 1, position: 0, metadata: '', source: 'committed' }),
    );
    await listener.onAssigned(partitions, []);
  }

  /** Records from here on have not arrived yet. */
  set available(count: number) {
    this.#available = count;
    this.#wake();
  }

  async poll({ maxRecords, signal }: Parameters<ConsumerClient['poll']>[0]): Promise<PartitionRecords[]> {
    if (this.polledAt === 0) {
      this.polledAt = performance.now();
      this.polledCpu = process.cpuUsage();
    }
    while (this.#paused.size > 0 || this.#next >= this.#available) {
      if (signal?.aborted) return [];
      if (this.#next >= this.#records.length) this.onEmpty();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', this.#aborted, { once: true });
      });
      signal?.removeEventListener('abort', this.#aborted);
    }
    // As from a socket: of many partitions none is ever full, and handlers would not have their turn before all is
    // here.
    if (this.#partitions > 1) await new Promise((resolve) => setImmediate(resolve));
    const records = this.#records.slice(this.#next, Math.min(this.#next + maxRecords, this.#available));
    this.#next += records.length;
    return byPartition(records);
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  position(): number {
    return this.#next;
  }

  seek(): void {}

  pause(_partitions: unknown, reason: string): void {
    this.#paused.add(reason);
  }

  resume(_partitions: unknown, reason: string): void {
    this.#paused.delete(reason);
    this.#wake();
  }

  assignment() {
    return Array.from({ length: this.#partitions }, (_, partition) => ({ topic: TOPIC, partition }));
  }

  offsetsAt(): never {
    throw new Error('nobody asks');
  }

  enforceRebalance(): void {}

  stop(): Promise<void> {
    return Promise.resolve();
  }

  onEvent(): void {}
}

/** Runs of records of one partition, as a poll gives them. */
function byPartition(records: readonly KafkaRecord[]): PartitionRecords[] {
  const groups: PartitionRecords[] = [];
  for (let from = 0; from < records.length; ) {
    const { partition } = records[from]!;
    let to = from + 1;
    while (to < records.length && records[to]!.partition === partition) to++;
    const nextOffset = records[to - 1]!.offset + 1;
    groups.push({
      topic: TOPIC,
      partition,
      records: from === 0 && to === records.length ? records : records.slice(from, to),
      assignmentEpoch: 1,
      nextOffset,
      highWatermark: nextOffset,
    });
    from = to;
  }
  return groups;
}

/** Records of one partition that follow each other where there are several. */
const RUN = 20;

/** `partitions`: they take turns, in runs. */
export function records(count: number, keyOf: (i: number) => string | null, partitions = 1): KafkaRecord[] {
  const value = Buffer.alloc(100);
  return Array.from({ length: count }, (_, i) => {
    const key = keyOf(i);
    const turn = Math.floor(i / RUN);
    return {
      topic: TOPIC,
      partition: partitions === 1 ? 0 : turn % partitions,
      offset: partitions === 1 ? i : Math.floor(turn / partitions) * RUN + (i % RUN),
      timestamp: 0,
      key: key === null ? null : Buffer.from(key),
      value,
      headers: [],
    };
  });
}

/** What a run took, ms: on the clock, and of the processor, which other processes do not disturb. A start is no part of it. */
export interface Took {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Runs a container over the records; told is what that took from its first poll until `handler` said that all are done. */
export async function runFromMemory(
  feed: readonly KafkaRecord[],
  endpoint: Partial<ListenerEndpoint>,
  handler: (done: () => void) => RecordInvoker,
  settings: Partial<ContainerSettings> = {},
  onEmpty: () => void = () => undefined,
  arrange: (feed: Feed) => void = () => undefined,
): Promise<Took> {
  let resolve: () => void = () => undefined;
  const finished = new Promise<void>((done) => {
    resolve = done;
  });
  let consumer: Feed | undefined;
  const container = new ListenerContainer({
    endpoint: {
      id: randomUUID(),
      connection: 'default',
      topics: [TOPIC],
      groupId: 'bench',
      concurrency: 1,
      workers: undefined,
      order: 'partition',
      ackMode: 'TIME',
      ackCount: 1,
      ackTimeMs: 1_000,
      gapMap: false,
      autoStartup: true,
      handler: { kind: 'record', invoke: handler(() => resolve()) },
      ...endpoint,
    },
    createConsumer: () => {
      consumer = new Feed(feed, onEmpty);
      arrange(consumer);
      return consumer;
    },
    clock: systemClock,
    logger: silentLogger,
    settings,
  });
  // Timers of the container keep no process alive, and there is no socket here.
  const alive = setInterval(() => undefined, 1_000);
  await container.start();
  await finished;
  const ms = performance.now() - consumer!.polledAt;
  const { user, system } = process.cpuUsage(consumer!.polledCpu);
  clearInterval(alive);
  await container.stop();
  return { ms, cpuMs: (user + system) / 1_000 };
}
