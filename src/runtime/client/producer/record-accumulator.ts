import { type OutgoingRecord } from '../../../common/record.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { BATCH_HEADER_BYTES } from '../../../protocol/record-batch-header.js';
import { type DeliverySink } from '../producer-client.js';
import { BatchSlabs } from './batch-slabs.js';
import { PartitionQueue } from './partition-queue.js';
import { ProducerBatch } from './producer-batch.js';

// Collects records into one open batch per partition and says which partitions have something to send. Pure given
// the time: no timers, no requests.

export interface AccumulatorOptions {
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly bufferMemory: number;
  readonly idempotent: boolean;
  readonly maxUnsettled: number;
}

/** Room that an open batch starts with; most batches are small. */
const FIRST_BYTES = 1024;

export class RecordAccumulator {
  readonly #options: AccumulatorOptions;
  readonly #slabs: BatchSlabs;
  readonly #queues = new TopicPartitionMap<PartitionQueue>();
  /** Queues whose open batch waits for more records, the longest waiting first. */
  readonly #lingering = new Set<PartitionQueue>();
  /** Queues that may have something to send. */
  readonly ready = new Set<PartitionQueue>();
  /** Batches whose records are neither acknowledged nor rejected, in the order in which they were begun. */
  readonly incomplete = new Set<ProducerBatch>();
  #usedBytes = 0;
  #records = 0;
  #flushes = 0;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    this.#slabs = new BatchSlabs(options.batchSize);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Records in batches whose memory is not given back yet. */
  get records(): number {
    return this.#records;
  }

  /** Whether a record of this size fits into the buffer; one that is larger than all of it does when it is alone. */
  fits(size: number): boolean {
    return this.#usedBytes + size + BATCH_HEADER_BYTES <= this.#options.bufferMemory || this.#usedBytes === 0;
  }

  /**
   * Appends to the open batch of the partition; the sink is told the record's end. `size` is
   * `RecordBatchBuilder.sizeOf(record)`. Throws on a record that cannot be encoded; nothing has changed then.
   */
  append(
    topic: string,
    partition: number,
    record: OutgoingRecord,
    size: number,
    timestamp: number,
    now: number,
    sink: DeliverySink,
  ): void {
    let queue = this.#queues.get(topic, partition);
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition, this.#options.idempotent, this.#options.maxUnsettled);
      this.#queues.set(topic, partition, queue);
    }
    let batch = queue.open;
    if (batch !== undefined && batch.sizeInBytes + size > this.#options.batchSize) {
      this.#closeOpen(queue, batch);
      batch = undefined;
    }
    const isNew = batch === undefined;
    batch ??= this.#newBatch(queue, size, now);
    try {
      batch.add(record, timestamp, sink);
    } catch (error) {
      if (isNew) this.#giveSlabBack(batch, true);
      throw error;
    }
    const reserved = isNew ? size + BATCH_HEADER_BYTES : size;
    batch.reservedBytes += reserved;
    this.#usedBytes += reserved;
    batch.reservedRecords++;
    this.#records++;
    if (isNew) this.#begin(queue, batch);
    if (batch.sizeInBytes >= this.#options.batchSize) this.#closeOpen(queue, batch);
  }

  #newBatch(queue: PartitionQueue, size: number, now: number): ProducerBatch {
    const bytes = size + BATCH_HEADER_BYTES;
    const firstBytes = Math.max(bytes, Math.min(this.#options.batchSize, FIRST_BYTES));
    const slab = this.#slabs.take(bytes);
    return new ProducerBatch(queue.topic, queue.partition, now, queue.nextOrder(), firstBytes, 1, slab);
  }

  #giveSlabBack(batch: ProducerBatch, isIdle: boolean): void {
    if (!batch.slab) return;
    this.#slabs.giveBack(batch.slab, isIdle);
    batch.slab = undefined;
  }

  #begin(queue: PartitionQueue, batch: ProducerBatch): void {
    queue.unsent.push(batch);
    this.incomplete.add(batch);
    if (this.#options.lingerMs === 0 || this.#flushes > 0) this.ready.add(queue);
    else this.#lingering.add(queue);
  }

  #closeOpen(queue: PartitionQueue, batch: ProducerBatch): void {
    batch.closed = true;
    this.#lingering.delete(queue);
    this.ready.add(queue);
  }

  /** Moves the queues to `ready` whose open batch has waited long enough. */
  promote(now: number): void {
    for (const queue of this.#lingering) {
      if (this.#dueAt(queue) > now) return;
      this.#lingering.delete(queue);
      this.ready.add(queue);
    }
  }

  /** Monotonic time of the next `promote` that finds something; undefined when nothing lingers. */
  nextDueAt(): number | undefined {
    for (const queue of this.#lingering) return this.#dueAt(queue);
    return undefined;
  }

  #dueAt(queue: PartitionQueue): number {
    return (queue.open?.createdAt ?? 0) + this.#options.lingerMs;
  }

  /** The batch of this queue to send now, if any. */
  next(queue: PartitionQueue, now: number): ProducerBatch | undefined {
    return queue.next((head) => head.closed || this.#flushes > 0 || now >= head.createdAt + this.#options.lingerMs);
  }

  /** To be told of every batch that leaves the queue for the network. */
  taken(queue: PartitionQueue): void {
    if (queue.open === undefined) this.#lingering.delete(queue);
  }

  /** From now on nothing lingers, until `endFlush`. */
  beginFlush(): void {
    this.#flushes++;
    this.#lingering.clear();
    for (const queue of this.#queues.values()) if (!queue.isIdle) this.ready.add(queue);
  }

  endFlush(): void {
    this.#flushes--;
  }

  /** Monotonic time at which the oldest incomplete batch was begun; undefined when there is none. */
  oldestBegunAt(): number | undefined {
    let oldest: number | undefined;
    // Parts of a split batch stand behind younger ones.
    for (const { createdAt } of this.incomplete) if (oldest === undefined || createdAt < oldest) oldest = createdAt;
    return oldest;
  }

  /** Gives the memory of a settled batch back. */
  release(batch: ProducerBatch): void {
    this.#usedBytes -= batch.reservedBytes;
    this.#records -= batch.reservedRecords;
    batch.reservedBytes = 0;
    batch.reservedRecords = 0;
    this.incomplete.delete(batch);
    this.#giveSlabBack(batch, batch.isOffTheWire);
  }

  /** A batch goes on as several: they are waited for instead of it. */
  replaced(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    this.incomplete.delete(batch);
    this.#giveSlabBack(batch, false);
    for (const part of parts) this.incomplete.add(part);
  }

  /** Lets queues go on that stopped behind a lost record. */
  resume(isStillStopped: (queue: PartitionQueue) => boolean): void {
    for (const queue of this.#queues.values()) if (queue.isStopped && !isStillStopped(queue)) queue.isStopped = false;
  }

  /** Batches of a partition that wait for an answer or their turn. */
  backlogOf(topic: string, partition: number): number {
    const queue = this.#queues.get(topic, partition);
    return queue === undefined ? 0 : queue.unsent.length + queue.unsettled.length;
  }

  queueOf(batch: ProducerBatch): PartitionQueue {
    return this.#queues.get(batch.topic, batch.partition)!;
  }
}
