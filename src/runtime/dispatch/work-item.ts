// One unit of work as the dispatcher knows it, and the lane that it may stand in. The links between units sit in the
// units themselves, so that queueing a record allocates nothing.

export type WorkState = 'new' | 'queued' | 'running' | 'suspended' | 'finished';

/** @typeParam Q the queue that it belongs to */
export class WorkItem<Q = unknown> {
  /** @internal Next of the same lane, or of the partition's free queue. */
  next: WorkItem | null = null;
  /** @internal Undefined for a record that needs no order. */
  lane: Lane | undefined = undefined;
  /** @internal */
  state: WorkState = 'new';
  readonly queue: Q;
  readonly key: Buffer | null;
  /** How many records it stands for, and their size. */
  readonly records: number;
  readonly bytes: number;

  constructor(queue: Q, key: Buffer | null, records: number, bytes: number) {
    this.queue = queue;
    this.key = key;
    this.records = records;
    this.bytes = bytes;
  }
}

/** Work that was received and is made unit by unit, in its order, when it may be begun or must be looked at. */
export interface WorkSource<T extends WorkItem = WorkItem> {
  /** @internal The one that was received after it, in the same queue. */
  next: WorkSource | null;
  /** Units that are left. */
  readonly remaining: number;
  /** Size of those, in all. */
  readonly bytes: number;
  /** Makes the next one, of one record; only while some are left. */
  make(): T;
}

/**
 * An ordered queue of records that must not overtake each other. Only the head may run; while it runs (or waits for
 * its retry) it stays the head, which is what blocks the others.
 */
export class Lane {
  head: WorkItem | null = null;
  tail: WorkItem | null = null;
  /** Key of the records, null for the lane of a whole partition. A slice of the head's own batch. */
  key: Buffer | null = null;
  hash = 0;
  /** Next lane in the same bucket of the key table, or in the list of spare lanes. */
  chained: Lane | null = null;
  /** Next lane whose head may start. */
  nextReady: Lane | null = null;

  append(item: WorkItem): void {
    item.lane = this;
    if (this.tail === null) this.head = item;
    else this.tail.next = item;
    this.tail = item;
  }

  /** The head is finished. True when records are left. */
  shift(): boolean {
    const done = this.head!;
    this.head = done.next;
    done.next = null;
    done.lane = undefined;
    if (this.head === null) {
      this.tail = null;
      return false;
    }
    // Follow the head, or one long-lived lane would keep the batch of its first record in memory.
    this.key = this.head.key;
    return true;
  }
}
