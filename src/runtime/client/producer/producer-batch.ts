import { type OutgoingRecord } from '../../../common/record.js';
import { type CompressionType } from '../../../protocol/compression.js';
import { RecordBatchBuilder, recordsOf, rewriteProducerState } from '../../../protocol/record-batch.js';
import { type DeliverySink } from '../producer-client.js';

// Records of one partition that travel together, and who is told of their end. The first attempt fixes the
// bytes: a broker recognises a repeated batch by its sequence, so what is sent again must be the same.

/** Who a batch says it comes from; -1 throughout without idempotence. */
export interface ProducerState {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly baseSequence: number;
}

export interface BatchCompression {
  readonly compressionType: CompressionType;
  readonly compressionLevel?: number;
}

export class ProducerBatch {
  #builder: RecordBatchBuilder | undefined;
  #bytes: Buffer | undefined;
  /** Who is told, one entry a record. */
  #sinks: DeliverySink[] = [];
  #timestamps: number[] = [];
  #onSettled: (() => void) | undefined;
  #settled = false;
  /** No further record may be added. */
  closed = false;
  attempts = 0;
  /** Counts the batches of its partition in the order of their sequences. */
  ticket = 0;
  inFlight = false;
  /** What the last attempt failed with. */
  lastError: Error | undefined;
  /** Bytes of the buffer that it holds until it is settled and out of the sender's hands. */
  reservedBytes = 0;
  /** Records that it holds there. */
  reservedRecords = 0;
  /** A broker has answered the last attempt, so it has read all of it. */
  isAnswered = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** Monotonic time at which its delivery time-out starts. */
    readonly createdAt: number,
    /** Place among the batches of its partition. */
    readonly order: number,
    initialBytes: number,
    /** Room behind `order` for the parts that it may be split into. */
    readonly orderRoom: number = 1,
    /** Where it is built, on loan. */
    public slab?: Buffer | undefined,
  ) {
    this.#builder = new RecordBatchBuilder({ initialBytes, memory: slab });
  }

  get count(): number {
    return this.#timestamps.length;
  }

  /** Before the first attempt the size without compression. */
  get sizeInBytes(): number {
    return this.#bytes?.length ?? this.#builder!.sizeInBytes;
  }

  /** No request with its bytes can still wait in a socket. Of an attempt that was given up nobody knows. */
  get isOffTheWire(): boolean {
    return this.attempts === 0 || (this.attempts === 1 && this.isAnswered);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Throws on a record that cannot be encoded. */
  add(record: OutgoingRecord, timestamp: number, sink: DeliverySink): void {
    this.#builder!.append(record, timestamp);
    this.#sinks.push(sink);
    this.#timestamps.push(timestamp);
  }

  /** Makes the bytes to send, or gives those it has another state. */
  encode(state: ProducerState, compression: BatchCompression, transactional = false): void {
    const { producerId, epoch, baseSequence } = state;
    this.closed = true;
    if (this.#bytes) {
      rewriteProducerState(this.#bytes, producerId, epoch, baseSequence);
      return;
    }
    const { compressionType, compressionLevel } = compression;
    this.#bytes = this.#builder!.build({
      compression: compressionType,
      ...(compressionLevel === undefined ? {} : { compressionLevel }),
      producerId,
      producerEpoch: epoch,
      baseSequence,
      transactional,
    });
    this.#builder = undefined;
  }

  /** What `encode` made: every attempt under the same sequence sends the same bytes. */
  get sentBytes(): Buffer {
    return this.#bytes!;
  }

  /** `baseOffset` -1 when the broker did not say. */
  succeed(baseOffset: number, logAppendTimeMs: number): void {
    if (this.#settled) return;
    const { topic, partition } = this;
    for (let i = 0; i < this.#sinks.length; ) {
      const count = lengthOfRun(this.#sinks, i);
      const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : this.#timestamps[i]!;
      this.#sinks[i]!.stored(topic, partition, baseOffset < 0 ? -1 : baseOffset + i, count, timestamp);
      i += count;
    }
    this.#settle();
  }

  fail(error: Error): void {
    if (this.#settled) return;
    for (let i = 0; i < this.#sinks.length; ) {
      const count = lengthOfRun(this.#sinks, i);
      this.#sinks[i]!.failed(error, count);
      i += count;
    }
    this.#settle();
  }

  /** Resolves when all its records have been resolved or rejected. */
  whenSettled(): Promise<void> {
    if (this.#settled) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onSettled;
      this.#onSettled = () => {
        before?.();
        resolve();
      };
    });
  }

  #settle(): void {
    this.#settled = true;
    this.#sinks = [];
    this.#onSettled?.();
  }

  /** The same records in two batches, in order; this one is then empty-handed. Needs two records at least. */
  split(): [ProducerBatch, ProducerBatch] {
    const records = [...recordsOf(this.sentBytes)];
    const middle = Math.ceil(records.length / 2);
    const part = (from: number, to: number): ProducerBatch => {
      const order = from === 0 ? this.order : this.order + this.orderRoom / 2;
      const room = this.orderRoom / 2;
      const half = new ProducerBatch(this.topic, this.partition, this.createdAt, order, this.sizeInBytes >> 1, room);
      for (let i = from; i < to; i++) half.#builder!.append(records[i]!, this.#timestamps[i]!);
      half.#sinks = this.#sinks.slice(from, to);
      half.#timestamps = this.#timestamps.slice(from, to);
      half.closed = true;
      half.reservedBytes = from === 0 ? this.reservedBytes : 0;
      half.reservedRecords = to - from;
      return half;
    };
    const halves: [ProducerBatch, ProducerBatch] = [part(0, middle), part(middle, records.length)];
    this.reservedBytes = 0;
    this.reservedRecords = 0;
    const settled = this.#onSettled;
    this.#onSettled = undefined;
    this.#settle();
    if (settled) void Promise.all(halves.map((half) => half.whenSettled())).then(settled);
    return halves;
  }

  /** Key of the first record, for error messages: readable when it is text, cut when it is long. */
  firstKeyText(): string {
    const first = recordsOf(this.sentBytes).next().value;
    if (!first || first.key === null) return 'null';
    const text = first.key.toString('utf8', 0, Math.min(first.key.length, 60));
    return JSON.stringify(text);
  }
}

/** Equal entries from `at` on: records of one sink lie side by side. */
function lengthOfRun(entries: readonly unknown[], at: number): number {
  let end = at + 1;
  while (end < entries.length && entries[end] === entries[at]) end++;
  return end - at;
}
