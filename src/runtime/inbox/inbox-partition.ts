import { type TopicPartition } from '../../common/topic-partition.js';
import { type LinePlace } from '../journal/write-ahead-file.js';

// One partition of an inbox: which records wait in it, how far they were handed out, how far they are finished. Pure.

/** A record that waits: its offset, its time, and where its line stands. */
export interface InboxEntry {
  readonly offset: number;
  readonly timestamp: number;
  readonly place: LinePlace;
}

export class InboxPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  #entries: InboxEntry[] = [];
  /** Entries before this one are finished; cut off now and then. */
  #first = 0;
  #next = 0;
  /** Offset after the last record that came in. */
  end: number;
  /** How far Kafka knows that records are here; undefined while that was never said. */
  taken: number | undefined;
  /** Next offset to be handed out. */
  position: number;
  /** What the listener committed, and what it said about records above. */
  finished: number;
  metadata = '';
  readonly pauses = new Set<string>();

  constructor({ topic, partition }: TopicPartition, start: number) {
    this.topic = topic;
    this.partition = partition;
    this.end = start;
    this.position = start;
    this.finished = start;
  }

  /** Records that are not finished. */
  get count(): number {
    return this.#entries.length - this.#first;
  }

  get oldest(): InboxEntry | undefined {
    return this.#entries[this.#first];
  }

  /** Takes a record in. Those that are here already must not be given: see `isNew`. */
  add(entry: InboxEntry): void {
    this.#entries.push(entry);
    this.end = entry.offset + 1;
  }

  isNew(offset: number): boolean {
    return offset >= this.end;
  }

  /** Past offsets that hold no record: those of compaction and of control records. */
  passTo(offset: number): void {
    this.end = Math.max(this.end, offset);
  }

  /** The next ones to hand out, at most `limit`. */
  take(limit: number): readonly InboxEntry[] {
    const taken = this.#entries.slice(this.#next, this.#next + limit);
    this.#next += taken.length;
    const last = taken.at(-1);
    if (last) this.position = last.offset + 1;
    return taken;
  }

  get hasNext(): boolean {
    return this.pauses.size === 0 && this.#next < this.#entries.length;
  }

  /** Records before `offset` are finished. Returns how many of them were here. */
  finish(offset: number, metadata: string): number {
    const before = this.#first;
    while (this.#first < this.#entries.length && this.#entries[this.#first]!.offset < offset) this.#first++;
    this.#next = Math.max(this.#next, this.#first);
    this.finished = Math.max(this.finished, offset);
    this.position = Math.max(this.position, this.finished);
    this.end = Math.max(this.end, this.finished);
    this.metadata = metadata;
    const count = this.#first - before;
    if (this.#first > 1_000 && this.#first * 2 > this.#entries.length) this.#cut();
    return count;
  }

  /** Hands out again from `offset` on; what is finished is not here any more. */
  seek(offset: number): void {
    const index = this.#entries.findIndex((entry, at) => at >= this.#first && entry.offset >= offset);
    this.#next = index === -1 ? this.#entries.length : index;
    this.position = Math.max(offset, this.finished);
  }

  /** First offset written at or after a time; the end when there is none. */
  offsetOf(timestamp: number): number {
    return this.#entries.slice(this.#first).find((entry) => entry.timestamp >= timestamp)?.offset ?? this.end;
  }

  /** Forgets records from `offset` on: they will come in again. Returns how many there were. */
  drop(offset: number): number {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.offset < offset);
    this.#first = Math.min(this.#first, this.#entries.length);
    this.#next = Math.min(this.#next, this.#entries.length);
    this.end = offset;
    this.taken = offset;
    this.position = Math.min(this.position, offset);
    this.finished = Math.min(this.finished, offset);
    if (this.finished === offset) this.metadata = '';
    return before - this.#entries.length;
  }

  #cut(): void {
    this.#entries = this.#entries.slice(this.#first);
    this.#next -= this.#first;
    this.#first = 0;
  }
}
