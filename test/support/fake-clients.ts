import { type Deferred, deferred } from '../../src/common/lifecycle.js';
import { bytesOfData, type KafkaRecord, NO_HEADERS, type OutgoingRecord } from '../../src/common/record.js';
import { TopicPartitionMap } from '../../src/common/topic-partition.js';
import {
  type CommitOffset,
  type ConsumerClient,
  type PartitionRecords,
  type RebalanceListener,
} from '../../src/runtime/client/consumer-client.js';
import {
  type DeliverySink,
  type ProducerClient,
  type RecordMetadata,
  type TopicPartitionInfo,
} from '../../src/runtime/client/producer-client.js';

// Clients without a broker, for what stands above their ports.

/** A record as it would reach a partition: text has become bytes. */
export interface SentRecord extends OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly topic: string;
  readonly partition: number | undefined;
}

/** Acknowledges everything with growing offsets in partition 0, or fails as told. */
export class FakeProducer implements ProducerClient {
  readonly sent: SentRecord[] = [];
  readonly calls: string[] = [];
  failWith: Error | undefined;

  start(): Promise<void> {
    this.calls.push('start');
    return Promise.resolve();
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    if (this.failWith) return Promise.reject(this.failWith);
    this.sent.push({ topic, partition, ...record, key: bytesOfData(record.key), value: bytesOfData(record.value) });
    const timestamp = record.timestamp ?? 1_000;
    return Promise.resolve({ topic, partition: partition ?? 0, offset: this.sent.length - 1, timestamp });
  }

  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    this.send(topic, partition, record).then(
      (stored) => sink.stored(stored.topic, stored.partition, stored.offset, 1, stored.timestamp),
      (error: Error) => sink.failed(error, 1),
    );
  }

  readonly wantsGiven = false;
  readonly hasRoom: boolean = true;

  whenRoom(): Promise<void> {
    return Promise.resolve();
  }

  stopped(): [] {
    return [];
  }

  resume(): void {}

  metrics(): Record<string, number> {
    return { 'record-send-total': this.sent.length };
  }

  flush(): Promise<void> {
    this.calls.push('flush');
    return Promise.resolve();
  }

  partitionsFor(): Promise<number> {
    return Promise.resolve(3);
  }

  partitionInfo(): Promise<TopicPartitionInfo[]> {
    return Promise.resolve([0, 1, 2].map((partition) => ({ partition, leader: 1, replicas: [1], isr: [1] })));
  }

  stop(): Promise<void> {
    this.calls.push('stop');
    return Promise.resolve();
  }
}

/** Owns partition 0 of its topic; hands over what the test gives it. */
export class FakeConsumer implements ConsumerClient {
  readonly committed: CommitOffset[] = [];
  #listener: RebalanceListener | undefined;
  #queue: KafkaRecord[] = [];
  #arrived: Deferred<void> = deferred();
  #position = 0;
  #isStopped = false;

  constructor(readonly topic: string) {}

  give(...records: Partial<KafkaRecord>[]): void {
    for (const record of records)
      this.#queue.push(recordOf({ offset: this.#position++, topic: this.topic, ...record }));
    this.#arrived.resolve();
  }

  async start(listener: RebalanceListener): Promise<void> {
    this.#listener = listener;
    const partition = { topic: this.topic, partition: 0, assignmentEpoch: 1 };
    await listener.onAssigned([{ ...partition, position: 0, metadata: '', source: 'committed' }], []);
  }

  async poll({ maxRecords, signal }: { maxRecords: number; signal?: AbortSignal }): Promise<PartitionRecords[]> {
    if (this.#queue.length === 0 && !signal?.aborted && !this.#isStopped) {
      const aborted = new Promise<void>((resolve) =>
        signal?.addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([this.#arrived.promise, aborted]);
    }
    this.#arrived = deferred();
    const records = this.#queue.splice(0, maxRecords);
    if (records.length === 0) return [];
    const nextOffset = records.at(-1)!.offset + 1;
    return [{ topic: this.topic, partition: 0, records, assignmentEpoch: 1, nextOffset, highWatermark: nextOffset }];
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    this.committed.push(...offsets);
    return Promise.resolve();
  }

  position(): number {
    return this.#position;
  }

  seek(): void {}
  pause(): void {}
  resume(): void {}

  assignment() {
    return [{ topic: this.topic, partition: 0 }];
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#listener?.onRevoked(this.assignment(), new AbortController().signal);
    this.#arrived.resolve();
  }

  offsetsAt(): Promise<TopicPartitionMap<number>> {
    return Promise.resolve(new TopicPartitionMap());
  }

  enforceRebalance(): void {}

  onEvent(): void {}
}

/** A record with what the test cares about; values that are no bytes become JSON. */
export function recordOf({ value, ...given }: Partial<Omit<KafkaRecord, 'value'>> & { value?: unknown }): KafkaRecord {
  return {
    topic: 'orders',
    partition: 0,
    offset: 0,
    timestamp: 1_000,
    key: null,
    headers: NO_HEADERS,
    ...given,
    value: bytesOf(value),
  };
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A logger that remembers its lines. */
export class RecordingLogger {
  readonly lines: string[] = [];
  log(message: string): void {
    this.lines.push(`log ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
}
