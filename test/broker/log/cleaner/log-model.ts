import assert from 'node:assert/strict';
import { type PartitionLog } from '../../../../src/broker/log/partition-log.js';
import {
  decodeControlRecord,
  encodeControlBatch,
  recordsOf,
  verifyCrc,
} from '../../../../src/protocol/record-batch.js';
import {
  baseOffset,
  isControl,
  isTransactional,
  lastOffset,
  nextOffset,
  producerId,
} from '../../../../src/protocol/record-batch-header.js';
import { splitBatches } from '../log-fixture.js';
import { type Entry, keyed } from './cleaner-fixture.js';

// What a compacted log was told, and what of it must be, may be and must not be left.

interface ModelRecord {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
  /** When the tombstone came; nothing before that plus delete.retention.ms may lose it. */
  readonly appendedAt: number;
  /** Undefined outside of a transaction. */
  readonly producer: bigint | undefined;
  outcome: 'committed' | 'aborted' | 'open';
}

export interface ReadRecord {
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: string | null;
  readonly timestamp: number;
}

/** What a consumer with isolation.level=read_committed gets, as Kafka's clients go about it. */
export function readCommitted(log: PartitionLog): ReadRecord[] {
  const out: ReadRecord[] = [];
  for (let offset = log.logStartOffset; offset < log.lastStableOffset; ) {
    const options = { maxBytes: 700, minOneBatch: true, isolation: 'read_committed' } as const;
    const { errorCode, records, abortedTransactions } = log.read(offset, options);
    if (errorCode !== 0) throw new Error(`offset ${offset} cannot be read: error ${errorCode}`);
    const ahead = [...abortedTransactions!];
    const aborting = new Set<bigint>();
    const from = offset;
    for (const batch of splitBatches(records)) {
      if (!verifyCrc(batch)) throw new Error(`the batch at ${baseOffset(batch)} is damaged`);
      if (nextOffset(batch) <= offset) throw new Error(`the batch at ${baseOffset(batch)} lies before ${offset}`);
      offset = nextOffset(batch);
      while (ahead.length > 0 && ahead[0]!.firstOffset <= lastOffset(batch)) aborting.add(ahead.shift()!.producerId);
      const id = producerId(batch);
      if (isControl(batch)) {
        if (decodeControlRecord(batch).type === 'abort') aborting.delete(id);
      } else if (!isTransactional(batch) || !aborting.has(id)) {
        for (const { offsetDelta, key, value, timestamp } of recordsOf(batch)) {
          const at = baseOffset(batch) + offsetDelta;
          if (at >= from) out.push({ offset: at, key: key?.toString(), value: value?.toString() ?? null, timestamp });
        }
      }
    }
    if (records.length === 0) break; // nothing is left before the end
  }
  return out;
}

export class LogModel {
  #records: ModelRecord[] = [];
  #markers: Array<{ offset: number; producer: bigint; type: 'commit' | 'abort'; data: ModelRecord[] }> = [];
  readonly #sequences = new Map<bigint, Array<{ end: number; next: number }>>();

  constructor(readonly deleteRetentionMs: number) {}

  isOpen(producer: bigint): boolean {
    return this.#records.some((record) => record.producer === producer && record.outcome === 'open');
  }

  /** A batch as a producer sends it, given that this one is the next. */
  batch(
    entries: readonly Entry[],
    timestamp: number,
    producer?: { readonly id: bigint; readonly transactional: boolean },
    compression: 'none' | 'gzip' = 'none',
  ): Buffer {
    if (!producer) return keyed(entries, { timestamp, compression });
    return keyed(entries, {
      timestamp,
      compression,
      producerId: producer.id,
      producerEpoch: 0,
      baseSequence: this.#sequences.get(producer.id)?.at(-1)?.next ?? 0,
      transactional: producer.transactional,
    });
  }

  marker(producer: bigint, type: 'commit' | 'abort', timestamp: number): Buffer {
    return encodeControlBatch({ type, producerId: producer, producerEpoch: 0, coordinatorEpoch: 0, timestamp });
  }

  /** The log has taken the batch that begins at `base`. */
  appended(batch: Buffer, base: number, now: number): void {
    const id = producerId(batch);
    if (isControl(batch)) {
      const type = decodeControlRecord(batch).type as 'commit' | 'abort';
      const data = this.#records.filter((record) => record.producer === id && record.outcome === 'open');
      for (const record of data) record.outcome = type === 'commit' ? 'committed' : 'aborted';
      this.#markers.push({ offset: base, producer: id, type, data });
      return;
    }
    let last = base - 1;
    for (const { offsetDelta, key, value, timestamp } of recordsOf(batch)) {
      last = base + offsetDelta;
      const producer = isTransactional(batch) ? id : undefined;
      const outcome = producer === undefined ? 'committed' : 'open';
      const text = value?.toString() ?? null;
      this.#records.push({
        offset: last,
        key: key!.toString(),
        value: text,
        timestamp,
        appendedAt: now,
        producer,
        outcome,
      });
    }
    if (id < 0n) return;
    const known = this.#sequences.get(id) ?? [];
    known.push({ end: last, next: (known.at(-1)?.next ?? 0) + last - base + 1 });
    this.#sequences.set(id, known);
  }

  /** What had been appended at `end` or behind it did not survive. */
  lost(end: number): void {
    for (const marker of this.#markers.filter(({ offset }) => offset >= end)) {
      for (const record of marker.data) record.outcome = 'open';
    }
    this.#markers = this.#markers.filter(({ offset }) => offset < end);
    this.#records = this.#records.filter(({ offset }) => offset < end);
    for (const [id, known] of this.#sequences) {
      this.#sequences.set(
        id,
        known.filter((batch) => batch.end < end),
      );
    }
  }

  get lastStableOffset(): number {
    return Math.min(...this.#records.filter(({ outcome }) => outcome === 'open').map(({ offset }) => offset));
  }

  /** What must hold at any time. `cleanedTo`: nothing at or behind it may be missing. */
  check(log: PartitionLog, now: number, cleanedTo = log.segments.at(-1)!.baseOffset): void {
    const found = readCommitted(log);
    const byOffset = new Map(this.#records.map((record) => [record.offset, record]));
    for (const { offset, key, value, timestamp } of found) {
      const record = byOffset.get(offset);
      const isRight = record?.key === key && record?.value === value && record?.timestamp === timestamp;
      if (!isRight || record?.outcome !== 'committed') assert.deepEqual({ offset, key, value, timestamp }, record);
    }
    const there = new Set(found.map(({ offset }) => offset));
    const stable = this.#records.filter(
      ({ offset, outcome }) =>
        outcome === 'committed' &&
        offset >= log.logStartOffset &&
        offset < Math.min(log.lastStableOffset, this.lastStableOffset),
    );
    const latest = new Map(stable.map((record) => [record.key, record]));
    for (const record of stable) {
      const { offset, key, value, appendedAt } = record;
      const isLatest = latest.get(key) === record;
      const mayGo = offset < cleanedTo && !(isLatest && (value !== null || now < appendedAt + this.deleteRetentionMs));
      assert.ok(mayGo || there.has(offset), `key ${key} at offset ${offset} is missing`);
      // A deleted key must not come back with an older value.
      if (isLatest && value === null && !there.has(offset)) {
        assert.ok(!found.some((other) => other.key === key), `key ${key} came back`);
      }
    }
  }

  /** What must hold after a cleaning up to `cleanedTo`: no key twice before it. */
  checkCompacted(log: PartitionLog, cleanedTo: number): void {
    const seen = new Set<string>();
    for (const { offset, key } of readCommitted(log)) {
      if (offset >= cleanedTo) break;
      if (seen.has(key!)) throw new Error(`key ${key} stands at offset ${offset} again`);
      seen.add(key!);
    }
  }
}
