import {
  type AppendOptions,
  type AppendResult,
  acceptedAppend,
  refusedAppend,
} from '../../src/broker/log/log-results.js';
import { type ProducerState, ProducerStates } from '../../src/broker/log/producers/producer-state.js';
import { decodeControlRecord, recordsOf } from '../../src/protocol/record-batch.js';
import {
  hasProducerId,
  isControl,
  isTransactional,
  nextOffset,
  producerId,
  setBaseOffset,
} from '../../src/protocol/record-batch-header.js';
import { type Life, refusalOf } from './memory-coordinator-log.js';

// A partition without files: batches in a list, the real rules for producers. It can refuse appends and hold back
// durability, and begin anew from its batches as after a restart.

export class BenchPartition {
  readonly batches: Buffer[] = [];
  /** Error code of every append from now on; 0 none. */
  errorCode = 0;
  /** See `MemoryCoordinatorLog`. */
  life: Life | undefined;
  /** What `durable` answers from now on. */
  durability: Promise<void> | undefined;
  #producers = new ProducerStates();
  #end = 0;

  get lastStableOffset(): number {
    const unstable = this.#producers.firstUnstableOffset;
    return unstable < 0 ? this.#end : unstable;
  }

  get end(): number {
    return this.#end;
  }

  append(batch: Buffer | null, { origin, now, startsAtZero }: AppendOptions): AppendResult {
    const errorCode = this.errorCode || refusalOf(this.life);
    if (errorCode !== 0) return refusedAppend(0, errorCode, 'as told');
    if (hasProducerId(batch!)) {
      const verdict = this.#producers.check(batch!, origin, startsAtZero);
      if (verdict.kind === 'refused') return refusedAppend(0, verdict.errorCode, verdict.errorMessage);
      if (verdict.kind === 'duplicate') return acceptedAppend(verdict.batch, 0, -1, true);
    }
    const firstOffset = this.#end;
    setBaseOffset(batch!, 0, firstOffset);
    this.batches.push(batch!);
    this.#end = nextOffset(batch!);
    this.#producers.apply(batch!, 0, now);
    return acceptedAppend({ firstOffset, lastOffset: this.#end - 1 }, 0, -1, false);
  }

  producer(id: bigint): ProducerState | undefined {
    return this.#producers.get(id);
  }

  durable(): Promise<void> | undefined {
    return this.durability;
  }

  /** The process died: what is known of producers comes from the batches again. */
  recover(now: number): void {
    this.#producers = new ProducerStates();
    for (const batch of this.batches) this.#producers.apply(batch, 0, now);
  }

  /** What a read_committed reader is given, in the order of the log. */
  committed(): string[] {
    const aborted = this.#abortedBatches();
    const values: string[] = [];
    for (const batch of this.batches) {
      if (nextOffset(batch) > this.lastStableOffset) break;
      if (isControl(batch) || aborted.has(batch)) continue;
      for (const { value } of recordsOf(batch)) values.push(String(value));
    }
    return values;
  }

  #abortedBatches(): Set<Buffer> {
    const aborted = new Set<Buffer>();
    const open = new Map<bigint, Buffer[]>();
    for (const batch of this.batches) {
      const id = producerId(batch);
      if (isControl(batch)) {
        if (decodeControlRecord(batch).type === 'abort') for (const data of open.get(id) ?? []) aborted.add(data);
        open.delete(id);
      } else if (isTransactional(batch)) open.set(id, [...(open.get(id) ?? []), batch]);
    }
    return aborted;
  }

  /** The markers, as `commit 7/0`: kind, producer id and epoch. */
  markers(): string[] {
    return this.batches
      .filter((batch) => isControl(batch))
      .map((batch) => `${decodeControlRecord(batch).type} ${producerId(batch)}/${batch.readInt16BE(51)}`);
  }
}
