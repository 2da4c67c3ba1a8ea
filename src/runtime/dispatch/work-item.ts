// One unit of work as the dispatcher knows it. A lane is an ordered queue of units that must not overtake each other;
// it is known by its head. Only the head may run; while it runs (or waits for its retry) it stays the head, which is
// what blocks the others. All links sit in the units themselves, so that queueing a record allocates nothing.

export type WorkState = 'new' | 'queued' | 'running' | 'suspended' | 'finished';

/** @typeParam Q the queue that it belongs to */
export class WorkItem<Q = unknown> {
  /** @internal Next of the same lane, or of the partition's free queue. */
  next: WorkItem | null = null;
  /** @internal Last of the lane that it is the head of; null while it is the only one. */
  tail: WorkItem | null = null;
  /** @internal Next head in the same bucket of the key table. */
  chained: WorkItem | null = null;
  /** @internal Next head that may start. */
  nextReady: WorkItem | null = null;
  /** @internal Of its key, of a head. */
  hash = 0;
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

export function appendToLane(head: WorkItem, item: WorkItem): void {
  (head.tail ?? head).next = item;
  head.tail = item;
}

/** The head is finished: the next one takes its place, if there is one. */
export function shiftLane(head: WorkItem): WorkItem | null {
  const { next } = head;
  if (next !== null) next.tail = head.tail;
  head.next = head.tail = null;
  return next;
}
