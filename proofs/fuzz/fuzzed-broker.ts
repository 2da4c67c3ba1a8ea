import { connect } from 'node:net';
import { Broker } from '../../src/broker/broker.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { type Answer } from '../../src/broker/network/request-router.js';
import { type Logger } from '../../src/common/logger.js';
import { type Random } from '../../src/common/random.js';
import { ApiVersions, CreateTopics, Fetch, ListOffsets, Metadata } from '../../src/protocol/messages/index.js';
import { recordsOf, verifyCrc } from '../../src/protocol/record-batch.js';
import {
  baseOffset,
  batchSize,
  compressionOf,
  isWholeBatch,
  nextOffset,
} from '../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { directClient, type RawClient, SocketClient } from '../../test/support/raw-client.js';

// A broker in memory that is thrown at: it must answer or close, keep its other clients served, and what it stored
// must be sound and readable by the next start.

export const TOPICS = {
  'fuzz-plain': {},
  'fuzz-compact': { 'cleanup.policy': 'compact' },
  'fuzz-stamped': { 'message.timestamp.type': 'LogAppendTime' },
} as const;
/** Requests that may be parked before their connections go away. */
const MAX_PARKED = 200;
const PATIENCE_MS = 10_000;
/** Promises that a request which waits for nothing may take to be answered. */
const SETTLING_TICKS = 12;

export class FuzzedBroker {
  readonly errors: string[] = [];
  answered = 0;
  closed = 0;
  /** Offsets in all logs when they were last checked. */
  stored = 0;
  readonly #parked = new Set<{ readonly gone: AbortController; readonly answer: Promise<unknown> }>();
  readonly #fileSystem = new MemoryFileSystem();
  readonly #clock = new ManualClock();
  #broker!: Broker;
  #client!: RawClient;
  #neighbour!: SocketClient;

  static async start(random: Random): Promise<FuzzedBroker> {
    const fuzzed = new FuzzedBroker();
    await fuzzed.#start(random);
    return fuzzed;
  }

  async #start(random: Random): Promise<void> {
    // What a handler did not expect is logged as an error, even if it was answered.
    const note = (message: string): void => void this.errors.push(message);
    const logger: Logger = { log: () => undefined, warn: () => undefined, error: note };
    this.#broker = await Broker.start({
      port: 0,
      fileSystem: this.#fileSystem,
      clock: this.#clock,
      random,
      logger,
      bootId: 'fuzz',
      config: { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '3' },
    });
    this.#client = directClient(this.#broker);
    this.#neighbour = await SocketClient.connect(this.#broker.port);
  }

  get port(): number {
    return this.#broker.port;
  }

  /** Makes the topics that are missing; returns the ids of all. */
  async ensureTopics(): Promise<string[]> {
    const topics = Object.entries(TOPICS).map(([name, configs]) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: value as string })),
    }));
    await this.#client.send(CreateTopics, 5, { topics, validateOnly: false });
    const { topics: all } = await this.#client.send(Metadata, 12, { topics: null });
    return all.map(({ topicId }) => topicId);
  }

  async served(): Promise<ReadonlyArray<{ apiKey: number; minVersion: number; maxVersion: number }>> {
    return (await this.#client.send(ApiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })).apiKeys;
  }

  /** Hands in one frame as a connection of its own would. */
  async take(frame: Buffer): Promise<void> {
    const gone = new AbortController();
    let isSettled = false;
    const answer = this.#broker.exchange(frame, { closed: gone.signal }).then((settled) => {
      isSettled = true;
      this.#judge(settled);
    });
    for (let i = 0; i < SETTLING_TICKS && !isSettled; i++) await Promise.resolve();
    if (isSettled) return;
    const entry = { gone, answer };
    this.#parked.add(entry);
    void answer.then(() => this.#parked.delete(entry));
    if (this.#parked.size > MAX_PARKED) await this.#hangUp();
  }

  #judge(answer: Answer): void {
    if (answer === 'close') this.closed++;
    if (answer === undefined || answer === 'close') return;
    this.answered++;
    const bytes = answer.reduce((sum, piece) => sum + piece.length, 0);
    if (answer[0]!.readInt32BE(0) !== bytes - 4) this.errors.push('an answer whose size prefix is wrong');
  }

  /** The clients of all parked requests go away. */
  async #hangUp(): Promise<void> {
    for (const { gone } of this.#parked) gone.abort();
    this.#parked.clear();
    await this.#clock.advance(1000);
  }

  /** Bytes over a socket; resolves when the broker closed it, or with our own end. */
  overSocket(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ port: this.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.on('data', () => undefined);
      socket.once('close', () => resolve());
      socket.once('connect', () => socket.end(bytes, () => setImmediate(() => socket.destroy())));
    });
  }

  /** Another connection is served as if nothing had happened. */
  async neighbourIsServed(): Promise<void> {
    const request = { clientSoftwareName: 'n', clientSoftwareVersion: '1' };
    const answer = this.#neighbour.send(ApiVersions, 3, request).then(({ errorCode }) => errorCode);
    if ((await within(answer)) !== 0) this.errors.push('a neighbouring connection is not served any more');
  }

  /** Every log is a row of whole, sound batches. */
  async checkLogs(): Promise<void> {
    const { topics } = await this.#client.send(Metadata, 8, { topics: null });
    this.stored = 0;
    for (const { name, partitions } of topics) {
      for (const { partitionIndex } of partitions) await this.#checkLog(name!, partitionIndex);
    }
  }

  async #checkLog(topic: string, partition: number): Promise<void> {
    const [start, end] = await Promise.all([-2, -1].map((timestamp) => this.#offset(topic, partition, timestamp)));
    this.stored += end!;
    for (let offset = start!; offset < end!; ) {
      const answer = await this.#client.send(Fetch, 11, {
        maxWaitMs: 0,
        minBytes: 0,
        isolationLevel: 0,
        forgottenTopicsData: [],
        topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }],
      });
      const { records, errorCode } = answer.responses[0]!.partitions[0]!;
      const next = records ? soundUntil(records, offset) : -1;
      if (errorCode !== 0 || next <= offset) {
        this.errors.push(`${topic}-${partition} cannot be read at ${offset} (end ${end}): error ${errorCode}`);
        return;
      }
      offset = next;
    }
  }

  async #offset(topic: string, partition: number, timestamp: number): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
    const answer = await this.#client.send(ListOffsets, 5, { replicaId: -1, topics });
    return answer.topics[0]!.partitions[0]!.offset;
  }

  /** Stops, starts again on what was stored as after a kill, checks, and ends. */
  async finish(random: Random): Promise<void> {
    const open = [...this.#parked];
    for (const { gone } of open) gone.abort();
    this.#neighbour.close();
    const stopped = this.#broker.stop();
    await this.#clock.advance(2000); // the grace that requests in work get
    if ((await within(stopped.then(() => 'stopped'))) !== 'stopped') this.errors.push('the broker does not stop');
    const settled = Promise.all(open.map(({ answer }) => answer)).then(() => 'settled');
    if ((await within(settled)) !== 'settled') this.errors.push('a parked request was never answered');
    this.#parked.clear();
    if (random.next() < 0.5) this.#fileSystem.remove('/nestdaw/.kafka_cleanshutdown');
    await this.#start(random);
    await this.checkLogs();
    this.#neighbour.close();
    const again = this.#broker.stop();
    await this.#clock.advance(2000);
    await again;
  }
}

function within<T>(answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Offset behind the batches; -1 when one of them is not as it should be. */
function soundUntil(records: Buffer, from: number): number {
  let next = from;
  for (let at = 0; at < records.length; at += batchSize(records, at)) {
    if (!isWholeBatch(records, at) || !verifyCrc(records, at)) return -1;
    const base = baseOffset(records, at);
    if (at > 0 && base < next) return -1;
    next = nextOffset(records, at);
    if (next <= base) return -1;
    // A compressed batch of a topic without rules about its records is stored unseen.
    if (compressionOf(records, at) === 0) for (const { offsetDelta } of recordsOf(records, at)) void offsetDelta;
  }
  return next;
}
