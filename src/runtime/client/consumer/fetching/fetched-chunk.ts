import { NestdawError } from '../../../../common/errors.js';
import { type KafkaRecord } from '../../../../common/record.js';
import { partitionName } from '../../../../common/topic-partition.js';
import { decodeBatch, decodeControlRecord, verifyCrc } from '../../../../protocol/record-batch.js';
import {
  baseOffset,
  batchSize,
  compressionOf,
  isControl,
  isTransactional,
  isWholeBatch,
  lastOffset,
  nextOffset,
  producerId,
  recordCount,
} from '../../../../protocol/record-batch-header.js';

// The batches that one fetch brought for one partition, read one by one when somebody polls.

/** Memory that one answer holds: its parts are slices of one frame, so it is free when the last part is used up. */
export interface FetchHold {
  readonly bytes: number;
  /** Some part of it. */
  readonly memory: Buffer;
  parts: number;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export class FetchedChunk {
  #at = 0;
  readonly #end: number;
  /** Aborted transactions that begin further on, in offset order; then those that have begun and not yet ended. */
  readonly #abortedAhead: AbortedTransaction[];
  readonly #aborting = new Set<bigint>();

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly buffer: Buffer,
    readonly hold: FetchHold,
    aborted: readonly AbortedTransaction[] | null,
  ) {
    this.#end = endOfWholeBatches(buffer);
    this.#abortedAhead = [...(aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  get remainingBytes(): number {
    return this.#end - this.#at;
  }

  /** First offset after the last whole batch; `otherwise` when there is none. */
  endOffset(otherwise: number): number {
    let end = otherwise;
    for (let at = 0; at < this.#end; at += batchSize(this.buffer, at)) end = nextOffset(this.buffer, at);
    return end;
  }

  /** Records that the next batch says it has; 0 for what is not handed over. */
  get nextCount(): number {
    return isControl(this.buffer, this.#at) ? 0 : recordCount(this.buffer, this.#at);
  }

  /**
   * Appends the next batch's records from `position` on to `out` and returns the offset after the batch. Control
   * batches and aborted ones give no records. When it throws, nothing has moved and `out` is as it was.
   */
  readBatch(position: number, checkCrc: boolean, out: KafkaRecord[]): number {
    const { buffer } = this;
    const at = this.#at;
    const next = nextOffset(buffer, at);
    const size = batchSize(buffer, at);
    if (next > position) {
      if (checkCrc && !verifyCrc(buffer, at)) throw corrupt(this, baseOffset(buffer, at), next - 1);
      if (!this.#isAborted(at)) this.#decode(at, size, position, out);
    }
    this.#at = at + size;
    return Math.max(next, position);
  }

  #decode(at: number, size: number, position: number, out: KafkaRecord[]): void {
    const before = out.length;
    try {
      // Records outlive the answer: its memory takes another one, and who keeps a value keeps one batch with it.
      const isPacked = compressionOf(this.buffer, at) !== 0;
      const bytes = isPacked ? this.buffer : copyOf(this.buffer, at, size);
      decodeBatch(this.topic, this.partition, bytes, isPacked ? at : 0, size, position, out);
    } catch (error) {
      out.length = before;
      throw error;
    }
  }

  #isAborted(at: number): boolean {
    if (this.#abortedAhead.length === 0 && this.#aborting.size === 0) return false;
    const { buffer } = this;
    while (this.#abortedAhead.length > 0 && this.#abortedAhead[0]!.firstOffset <= lastOffset(buffer, at)) {
      this.#aborting.add(this.#abortedAhead.shift()!.producerId);
    }
    if (!isTransactional(buffer, at)) return false;
    const producer = producerId(buffer, at);
    if (!isControl(buffer, at)) return this.#aborting.has(producer);
    if (decodeControlRecord(buffer, at).type === 'abort') this.#aborting.delete(producer);
    return true;
  }
}

/** A broker may cut the last batch short at the byte limit. */
function endOfWholeBatches(buffer: Buffer): number {
  let end = 0;
  while (isWholeBatch(buffer, end)) end += batchSize(buffer, end);
  return end;
}

function copyOf(buffer: Buffer, at: number, size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  buffer.copy(copy, 0, at, at + size);
  return copy;
}

function corrupt(at: { topic: string; partition: number }, first: number, last: number): NestdawError {
  return new NestdawError(
    'KAFKA_RECORD_CORRUPT',
    `the batch at ${partitionName(at)}, offsets ${first} to ${last}, failed its checksum: the position stays before it; ` +
      'look at the disk of the partition leader, or seek past it to go on without these records',
  );
}
